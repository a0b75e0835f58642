//! docs/tutorial.md, followed to the letter in an empty folder: its files are written, its commands are run, and what they
//! print is what the page shows.
//!
//! A `console` block is a transcript: lines that begin with `$ ` go to a shell, what follows is what it prints. `...`
//! stands for any text, on a line by itself for any lines. A command that fails is followed by `$ echo $?`. Any other
//! block is the new contents of the file that the text before it names last. A new part of the page is run without a
//! change here.

use std::fs;
use std::process::Command;

use crate::prove::solver;
use crate::readme::blocks;
use crate::run::{Ended, Folder, command, repository};

/// Where the page works, with `sod` on the path.
struct Shell {
    folder: Folder,
    path: String,
    /// Of the command before.
    code: i32,
}

impl Shell {
    fn new() -> Self {
        let folder = Folder::new();
        let sod = std::path::Path::new(env!("CARGO_BIN_EXE_sod"));
        let rest = std::env::var("PATH").unwrap();
        Shell {
            path: format!("{}:{rest}", sod.parent().unwrap().display()),
            folder,
            code: 0,
        }
    }

    /// What the command prints, on whichever stream, as a terminal shows it.
    fn run(&mut self, line: &str) -> String {
        let script = format!("exec 2>&1; (exit {}); {line}", self.code);
        let mut shell = Command::new("sh");
        // The cache of the other tests.
        let environment = command(&[]);
        for (name, value) in environment.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        shell
            .args(["-c", &script])
            .env("PATH", &self.path)
            .env("CVC5", solver());
        let output = shell.current_dir(self.folder.path("")).output().unwrap();
        let ended = Ended::of(output);
        self.code = ended.code;
        ended.stdout
    }

    fn follow(&mut self, transcript: &str) {
        let mut commands = commands(transcript).into_iter().peekable();
        while let Some((line, shown)) = commands.next() {
            let printed = self.run(&line);
            assert!(
                fits(shown.trim_end(), printed.trim_end()),
                "$ {line}\n{printed}---- the page shows\n{shown}"
            );
            let asked = commands.peek().is_some_and(|(line, _)| line == "echo $?");
            let code = self.code;
            assert!(code == 0 || asked, "$ {line}\n{printed}exit code {code}");
        }
    }
}

/// Each command with what is shown of it. A line that ends in a backslash goes on in the next.
fn commands(transcript: &str) -> Vec<(String, String)> {
    let mut commands: Vec<(String, String)> = Vec::new();
    for line in transcript.lines() {
        if let Some(line) = line.strip_prefix("$ ") {
            commands.push((line.to_owned(), String::new()));
        } else if let Some((command, shown)) = commands.last_mut() {
            let goes_on = command.ends_with('\\') && shown.is_empty();
            let to = if goes_on { command } else { shown };
            to.push_str(if goes_on { "\n" } else { "" });
            to.push_str(line);
            to.push_str(if goes_on { "" } else { "\n" });
        }
    }
    commands
}

/// Is the text what the page shows of it?
fn fits(shown: &str, text: &str) -> bool {
    let [shown, text] = [shown, text].map(|text| text.lines().collect::<Vec<_>>());
    lines_fit(&shown, &text)
}

fn lines_fit(shown: &[&str], text: &[&str]) -> bool {
    match shown {
        [] => text.is_empty(),
        // As few as possible, or more.
        ["...", rest @ ..] => (0..=text.len()).any(|at| lines_fit(rest, &text[at..])),
        [line, rest @ ..] => text
            .split_first()
            .is_some_and(|(first, text)| line_fits(line, first) && lines_fit(rest, text)),
    }
}

fn line_fits(shown: &str, text: &str) -> bool {
    let Some((before, rest)) = shown.split_once("...") else {
        return shown == text;
    };
    let Some(text) = text.strip_prefix(before) else {
        return false;
    };
    let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    ends.into_iter().any(|at| line_fits(rest, &text[at..]))
}

#[test]
fn a_page_shows_what_is_printed_or_leaves_it_out() {
    for (shown, text) in [
        ("a", "a"),
        ("...", ""),
        ("...", "a\nb"),
        ("a\n...\nd", "a\nb\nc\nd"),
        ("a\n...\nd", "a\nd"),
        ("a\n...", "a"),
        (
            "digest ...\nsize ... bytes",
            "digest sha256:12\nsize 12 bytes",
        ),
        ("...b...b", "abab"),
    ] {
        assert!(fits(shown, text), "{shown}");
    }
    for (shown, text) in [
        ("a", "b"),
        ("a", "ab"),
        ("a...", "b"),
        ("...a", "ab"),
        ("a...a", "a"),
        ("a...b", "a\nb"),
        ("a\n...\nd", "a\nb d"),
    ] {
        assert!(!fits(shown, text), "{shown}");
    }
}

#[cfg(unix)]
#[test]
fn the_tutorial_goes_as_it_says() {
    let page = fs::read_to_string(repository().join("docs/tutorial.md")).unwrap();
    let mut shell = Shell::new();
    let mut commands = 0;
    for (before, language, contents) in blocks(&page) {
        match language {
            "" => {}
            "console" => {
                commands += contents.matches("$ sod ").count();
                shell.follow(&contents);
            }
            _ => {
                let names = before.rsplit('`').skip(1).step_by(2);
                let name = names.into_iter().find(|name| name.contains('/')).unwrap();
                shell.folder.write(name, contents);
            }
        }
    }
    // Ten minutes, reading included.
    assert!((10..=25).contains(&commands), "{commands} commands");
}
