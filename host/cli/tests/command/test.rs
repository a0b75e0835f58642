//! `sod test`: formats, coverage, mutants, suites, and how it watches.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use crate::run::{Folder, command, run, small_case};

/// The pack with its rule about secrets left without a case.
fn half_covered() -> (Folder, String) {
    let folder = Folder::new();
    let pack = folder.pack();
    fs::remove_file(folder.path("pack/cases/deny/secret.json")).unwrap();
    (folder, pack)
}

#[test]
fn junit_has_a_test_for_each_case_and_for_what_else_can_fail() {
    let folder = Folder::new();
    let pack = folder.pack();
    let passed = run(&["test", &pack, "--format", "junit"]).expect(0).stdout;
    assert!(passed.starts_with("<?xml"), "{passed}");
    for part in [
        r#"<testsuite name="small" tests="3""#,
        r#"failures="0""#,
        r#"<testcase name="allow/open" classname="small""#,
        r#"<testcase name="rules" classname="small""#,
    ] {
        assert!(passed.contains(part), "{part}: {passed}");
    }
    folder.write(
        "pack/cases/deny/secret.json",
        small_case(true, r#"["no-permit"]"#),
    );
    let failed = run(&["test", &pack, "--format", "junit"]).expect(4).stdout;
    for part in [
        r#"failures="2""#,
        "<failure",
        "reason `no-permit` is expected and not given",
        "rule `secrets-stay` decides no case that passes",
    ] {
        assert!(failed.contains(part), "{part}: {failed}");
    }
    run(&["check", &pack, "--format", "junit"]).expect(64);
}

#[test]
fn coverage_below_what_is_asked_for_is_4() {
    let (_folder, pack) = half_covered();
    let json = run(&["test", &pack, "--format", "json"]).expect(4).json();
    let coverage = &json["packs"][0]["coverage"];
    assert_eq!(
        *coverage,
        serde_json::json!({"rules": 2, "decided": 1, "percent": 50, "enough": false})
    );
    let enough = run(&["test", &pack, "--min-coverage", "50"]).expect(0);
    assert!(enough.stdout.contains("1 of 2 rules"), "{}", enough.stdout);
    let ended = run(&["test", &pack, "--min-coverage", "51"]).expect(4);
    assert!(ended.stdout.contains("rule-undecided"), "{}", ended.stdout);
    run(&["test", &pack, "--min-coverage", "101"]).expect(64);
    run(&["test", &pack, "--min-coverage", "50", "--filter", "open"]).expect(64);
}

#[test]
fn a_slip_that_no_case_notices_is_4() {
    let folder = Folder::new();
    let pack = folder.pack();
    let ended = run(&["test", &pack, "--mutate"]).expect(4);
    // Nobody but bob asks in any case.
    for part in [
        "mutant-survives",
        "`principal == User::\"bob\"` became `principal`",
        "write a case",
    ] {
        assert!(ended.stdout.contains(part), "{part}: {}", ended.stdout);
    }
    let json = run(&["test", &pack, "--mutate", "--format", "json"])
        .expect(4)
        .json();
    let mutants = &json["packs"][0]["mutants"];
    assert_eq!(
        mutants["findings"].as_array().unwrap().len(),
        1,
        "{mutants}"
    );
    assert_eq!(mutants["findings"][0]["code"], "mutant-survives");
    assert_eq!(
        mutants["noticed"].as_u64().unwrap() + 1,
        mutants["mutants"].as_u64().unwrap()
    );
    let case = small_case(false, r#"["no-permit"]"#).replace("bob", "eve");
    folder.write("pack/cases/deny/eve.json", case);
    let ended = run(&["test", &pack, "--mutate"]).expect(0);
    assert!(
        ended.stdout.contains("mutants noticed, 0 exempt"),
        "{}",
        ended.stdout
    );
    run(&["test", &pack, "--mutate", "--filter", "eve"]).expect(64);
}

#[test]
fn a_suite_runs_like_its_cases() {
    let folder = Folder::new();
    let pack = folder.pack();
    let suite = r#"
description: who reads
entities:
  - {uid: {type: Page, id: open}, attrs: {secret: false}, parents: []}
  - {uid: {type: Page, id: closed}, attrs: {secret: true}, parents: []}
tests:
  - name: pages
    context: {}
    principals: ['User::"bob"', 'User::"eve"']
    actions: [read]
    resources: ['Page::"open"', 'Page::"closed"']
    expect:
      - {principals: ['User::"bob"'], resources: ['Page::"open"'], effect: allow, reasons: ["permit:bob-reads"]}
      - {resources: ['Page::"closed"'], effect: deny, reasons: ["forbid:secrets-stay"]}
    default: {effect: deny, reasons: [no-permit]}
"#;
    folder.write("pack/cases/suites/who.yaml", suite);
    let ended = run(&["test", &pack]).expect(0);
    assert!(
        ended.stdout.ends_with("\n6 passed, 0 failed\n"),
        "{}",
        ended.stdout
    );
    folder.write(
        "pack/cases/suites/who.yaml",
        suite.replace("[no-permit]", "[\"forbid:secrets-stay\"]"),
    );
    let ended = run(&["test", &pack, "--filter", "suites/"]).expect(4);
    let failed = r#"suites/who/pages/User::"eve"/read/Page::"open""#;
    assert!(ended.stdout.contains(failed), "{}", ended.stdout);
    assert!(
        ended.stdout.ends_with("\n3 passed, 1 failed\n"),
        "{}",
        ended.stdout
    );
}

/// `sod test --watch`, and what it prints, line by line.
struct Watching {
    child: Child,
    lines: Receiver<String>,
}

impl Watching {
    fn start(packs: &[&str]) -> Self {
        let watch = command(&[&["test", "--watch"], packs].concat());
        // Both streams in one, so that lines come in the order in which they were written.
        let mut shell = Command::new("sh");
        shell.args(["-c", r#"exec "$0" "$@" 2>&1"#]);
        shell.arg(watch.get_program()).args(watch.get_args());
        for (name, value) in watch.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        let mut child = shell.stdout(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            for line in out.lines() {
                let _ = sender.send(line.unwrap());
            }
        });
        Watching { child, lines }
    }

    /// Waits for a line with this in it, and gives all up to it.
    #[track_caller]
    fn until(&self, part: &str) -> Vec<String> {
        let mut seen = Vec::new();
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(120));
            assert!(line.is_ok(), "no `{part}` in {seen:#?}");
            seen.extend(line);
            if seen.last().unwrap().contains(part) {
                return seen;
            }
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn watching_runs_what_changed_survives_broken_packs_and_ends_by_an_interrupt() {
    let (one, other) = (Folder::new(), Folder::new());
    let (pack, second) = (one.pack(), other.pack());
    let mut watching = Watching::start(&[&pack, &second]);
    watching.until("4 passed, 0 failed");
    watching.until("waiting for a file to change");
    // A case that fails now, of one of them: the other is not run again.
    one.write(
        "pack/cases/deny/secret.json",
        small_case(true, r#"["no-permit"]"#),
    );
    let seen = watching.until("1 passed, 2 failed");
    assert!(!seen.iter().any(|line| line.contains(&second)), "{seen:#?}");
    watching.until("waiting");
    one.write("pack/rules/broken.cedar", "permit (");
    watching.until("policy-syntax");
    watching.until("waiting");
    fs::remove_file(one.path("pack/rules/broken.cedar")).unwrap();
    watching.until("1 passed, 2 failed");
    watching.until("waiting");
    one.write(
        "pack/cases/deny/secret.json",
        small_case(true, r#"["forbid:secrets-stay"]"#),
    );
    watching.until("2 passed, 0 failed");
    watching.until("waiting");
    let id = watching.child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(sent.success());
    let ended = watching.child.wait().unwrap();
    assert!(!ended.success());
    run(&["test", &pack, "--watch", "--format", "json"]).expect(64);
}
