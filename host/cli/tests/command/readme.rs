//! The README is true: its output is what is printed, its tour works as it stands.

use std::fs;

use crate::run::{Ended, Folder, command, component, repository, run};

fn readme() -> String {
    fs::read_to_string(repository().join("README.md")).unwrap()
}

/// Every fenced block: the text before it since the last one, its language, its contents.
pub(crate) fn blocks(markdown: &str) -> Vec<(String, &str, String)> {
    let mut blocks = Vec::new();
    for (number, part) in markdown.split("```").enumerate() {
        if number % 2 == 0 {
            blocks.push((part.to_owned(), "", String::new()));
        } else if let (Some(block), Some((language, contents))) =
            (blocks.last_mut(), part.split_once('\n'))
        {
            (block.1, block.2) = (language, contents.to_owned());
        }
    }
    blocks
}

#[test]
fn the_first_command_prints_what_the_readme_shows() {
    let readme = readme();
    let blocks = blocks(&readme);
    let (_, _, command) = &blocks[0];
    let (_, arguments) = command.trim().split_once(" -- ").unwrap();
    let ended = run(&arguments.split(' ').collect::<Vec<_>>()).expect(2);
    // Digests change with every word of a pack.
    let shorten = |line: &str| match line.split_once("sha256:") {
        Some((before, _)) => format!("{before}sha256:...\n"),
        None => format!("{line}\n"),
    };
    let printed: String = ended.stdout.lines().map(shorten).collect();
    assert_eq!(blocks[1].2, printed);
}

/// Each command of the tour up to where it takes a repository, in an empty folder; and the rule is the one that is made.
#[test]
fn the_tour_works_as_it_stands() {
    let readme = readme();
    let (_, tour) = readme.split_once("## A short tour").unwrap();
    let (tour, _) = tour.split_once("**Collect evidence**").unwrap();
    let folder = Folder::new();
    let sod = |line: &str| {
        let arguments: Vec<&str> = line.split(' ').skip(1).collect();
        let output = command(&arguments).current_dir(folder.path("")).output();
        Ended::of(output.unwrap())
    };
    let mut verbs = Vec::new();
    for (_, language, contents) in blocks(tour) {
        match language {
            "sh" => {
                for line in contents.lines() {
                    sod(line).expect(0);
                    verbs.push(line.split(' ').nth(1).unwrap().to_owned());
                }
            }
            "cedar" => {
                let rule = fs::read_to_string(folder.path("freeze/rules/release.cedar"));
                assert!(rule.unwrap().ends_with(&contents), "{contents}");
            }
            _ => assert_eq!(language, ""),
        }
    }
    assert_eq!(
        verbs,
        ["new", "check", "test", "matrix", "build", "inspect"]
    );
    // The cases hold because of the rule.
    fs::remove_dir_all(folder.path("freeze/rules")).unwrap();
    sod("sod test freeze").expect(4);
}

/// The table of exit codes in README and docs/cli.md is that of the help.
#[test]
fn the_documents_list_the_exit_codes_of_the_help() {
    let help = run(&["--help"]).expect(0).stdout;
    let numbers = |text: &str, start: &str| -> Vec<u8> {
        let rows = text.lines().filter_map(|line| line.strip_prefix(start));
        rows.filter_map(|row| row.trim_start().split(' ').next()?.parse().ok())
            .collect()
    };
    let listed = numbers(&help, "  ");
    assert_eq!(listed.len(), 7);
    assert_eq!(numbers(&readme(), "| "), listed);
    let cli = fs::read_to_string(repository().join("docs/cli.md")).unwrap();
    assert_eq!(numbers(&cli, "| "), listed);
}

/// Keys that docs/cli.md promises.
#[test]
fn the_json_has_the_documented_keys() {
    let cli = fs::read_to_string(repository().join("docs/cli.md")).unwrap();
    let row = cli
        .lines()
        .find(|line| line.starts_with("| `inspect`"))
        .unwrap();
    let documented: Vec<&str> = row.split('`').skip(3).step_by(2).collect();
    let inspected = run(&["inspect", component(), "--format", "json"])
        .expect(0)
        .json();
    let mut keys: Vec<&str> = inspected
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    let mut documented = documented;
    documented.sort_unstable();
    assert_eq!(keys, documented);
}

/// The program that embeds a component is the one on `sod-host`'s front page, which the compiler checks.
#[test]
fn the_program_is_the_one_that_compiles() {
    let readme = readme();
    let program = blocks(&readme)
        .into_iter()
        .find_map(|(_, language, contents)| (language == "rust").then_some(contents))
        .unwrap();
    let front_page = fs::read_to_string(repository().join("host/runtime/src/lib.rs")).unwrap();
    let comments = front_page
        .lines()
        .map_while(|line| line.strip_prefix("//!"));
    let comments: Vec<&str> = comments
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    let compiled = comments.join("\n").replace("protected-deploy", "freeze");
    assert!(compiled.contains(&program), "{program}");
}
