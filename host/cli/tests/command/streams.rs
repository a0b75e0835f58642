//! What goes where.

use std::process::Stdio;

use crate::run::{Ended, Folder, command, component, denied, run};

#[test]
fn stdout_has_the_result_and_nothing_else() {
    let folder = Folder::new();
    let file = folder.json("deny.json", &denied());
    let ended = run(&[
        "decide",
        component(),
        "--request",
        &file,
        "--format",
        "json",
    ])
    .expect(2);
    assert_eq!(ended.json()["effect"], "deny");
    assert!(!ended.stderr.contains("deny"), "{}", ended.stderr);
    assert!(!ended.stdout.contains('\u{1b}'));
    let human = run(&["decide", component(), "--request", &file]).expect(2);
    assert!(
        human
            .stdout
            .starts_with("DENY  Person::\"finn\" may not deploy "),
        "{}",
        human.stdout
    );
    assert!(!human.stderr.contains("DENY"), "{}", human.stderr);
}

/// `sod decide ... | head -1` ends without a word, and still with the verdict's code.
#[test]
fn a_reader_that_leaves_is_no_error() {
    let folder = Folder::new();
    let file = folder.json("deny.json", &denied());
    for (arguments, code) in [
        (["decide", component(), "--request", &file].as_slice(), 2),
        (&["inspect", component()], 0),
        (&["check", "policies/core-lanes"], 0),
        (&["completions", "bash"], 0),
        (&["--help"], 0),
        (&["decide"], 64),
    ] {
        let mut child = command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let ended = Ended::of(child.wait_with_output().unwrap()).expect(code);
        assert!(!ended.stderr.contains("pipe"), "{}", ended.stderr);
    }
    // Nor is it one that nobody listens to errors.
    let mut child = command(&["decide", component()])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(64));
}

/// A result that was not delivered is not a success.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_1() {
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let ended = Ended::of(
        command(&["completions", "bash"])
            .stdout(full)
            .output()
            .unwrap(),
    )
    .expect(1);
    assert!(
        ended.stderr.contains("cannot write to stdout"),
        "{}",
        ended.stderr
    );
}
