//! The help in other forms: pages of the manual, completions, docs/cli-reference.md. All verbs are in all of them.

use std::fmt::Write as _;
use std::fs;
use std::process::{Command, Stdio};

use crate::run::{Ended, Folder, command, repository, run};

const PAGE: &str = "docs/cli-reference.md";

const HEAD: &str = "\
# Reference of the command line

What `sod VERB --help` says, for every verb. `SOD_BLESS=1 cargo test --workspace reference` writes this page anew.
[cli.md](cli.md) has what scripts can rely on.
";

/// The help, as wide as this page.
fn help(verb: &[&str]) -> String {
    let arguments = [verb, &["--help"]].concat();
    let output = command(&arguments).env("COLUMNS", "100").output().unwrap();
    Ended::of(output).expect(0).stdout
}

/// The verbs that a help lists.
fn below(help: &str) -> Vec<&str> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = lines.take_while(|line| !line.is_empty());
    // A description that goes on in the next line is indented further.
    let names = listed.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    names.filter(|name| !name.is_empty()).collect()
}

/// Every verb, and every verb below one.
fn verbs() -> Vec<Vec<String>> {
    let mut verbs = Vec::new();
    let mut unread = vec![Vec::new()];
    while let Some(verb) = unread.pop() {
        let words: Vec<&str> = verb.iter().map(String::as_str).collect();
        for name in below(&help(&words)) {
            unread.push(
                words
                    .iter()
                    .chain(&[name])
                    .map(ToString::to_string)
                    .collect(),
            );
        }
        verbs.push(verb);
    }
    verbs.sort();
    assert!(verbs.len() > 10, "{verbs:?}");
    verbs
}

#[test]
fn the_reference_is_what_the_help_says() {
    let mut page = HEAD.to_owned();
    for verb in verbs() {
        let words: Vec<&str> = verb.iter().map(String::as_str).collect();
        let name = [&["sod"], words.as_slice()].concat().join(" ");
        let help = help(&words);
        let help: Vec<&str> = help.trim_end().lines().map(str::trim_end).collect();
        write!(page, "\n## `{name}`\n\n```text\n{}\n```\n", help.join("\n")).unwrap();
    }
    let file = repository().join(PAGE);
    if std::env::var_os("SOD_BLESS").is_some() {
        fs::write(&file, &page).unwrap();
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == page,
        "{PAGE} is not what the help says: SOD_BLESS=1 writes it anew"
    );
}

#[test]
fn every_verb_has_a_page_in_the_manual() {
    let folder = Folder::new();
    run(&["man", "-o", &folder.path("man1")]).expect(0);
    for verb in verbs() {
        let name = [vec!["sod".to_owned()], verb.clone()].concat().join("-");
        let page = fs::read_to_string(folder.path("man1") + "/" + &name + ".1").unwrap();
        for part in [
            format!(".TH {name} 1"),
            ".SH SYNOPSIS".to_owned(),
            ".SH OPTIONS".to_owned(),
        ] {
            assert!(page.contains(&part), "{part}: {page}");
        }
        let words: Vec<&str> = verb.iter().map(String::as_str).collect();
        let printed = run(&[&["man"], words.as_slice()].concat()).expect(0);
        assert_eq!(printed.stdout, page);
    }
    let pages = fs::read_dir(folder.path("man1")).unwrap().count();
    assert_eq!(pages, verbs().len());
    // Lines of examples stay lines.
    let page = run(&["man", "check"]).expect(0).stdout;
    assert!(page.contains("\n.nf\n"), "{page}");
    run(&["man", "no-verb"]).expect(64);
    run(&["man", "check", "-o", &folder.path("x")]).expect(64);
    let file = folder.write("file", "");
    run(&["man", "-o", &file]).expect(1);
}

/// `groff` is on every Linux that has a manual; elsewhere there is nothing to ask.
#[test]
fn the_manual_is_sound_to_what_typesets_it() {
    if Command::new("groff").arg("--version").output().is_err() {
        return;
    }
    let folder = Folder::new();
    run(&["man", "-o", &folder.path("man1")]).expect(0);
    for page in fs::read_dir(folder.path("man1")).unwrap() {
        let mut groff = Command::new("groff");
        groff
            .args(["-man", "-Tutf8", "-ww", "-z"])
            .arg(page.unwrap().path());
        let output = groff.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{said}");
    }
}

#[test]
fn completions_are_sound_and_name_every_verb() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = run(&["completions", shell]).expect(0).stdout;
        for verb in verbs() {
            for word in verb {
                assert!(script.contains(&word), "{shell}: {word}");
            }
        }
    }
    let folder = Folder::new();
    let script = run(&["completions", "bash"]).expect(0).stdout;
    let file = folder.write("sod.bash", script);
    let bash = |arguments: &[&str]| {
        let mut bash = Command::new("bash");
        bash.args(arguments).stdin(Stdio::null());
        Ended::of(bash.output().unwrap()).expect(0)
    };
    assert_eq!(bash(&["-n", &file]).stderr, "");
    // As a shell asks when the tab key is pressed after `sod comp`.
    let ask =
        "source $0; COMP_WORDS=(sod comp); COMP_CWORD=1; _sod sod comp sod; echo ${COMPREPLY[@]}";
    assert_eq!(bash(&["-c", ask, &file]).stdout, "completions\n");
}
