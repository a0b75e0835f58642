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
use crate::transcript::{commands, fits};

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
