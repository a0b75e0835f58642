//! One question, however it is put.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::run::{Ended, Folder, allowed, command, component, denied, run, shipped, small_request};

#[test]
fn a_pack_and_its_component_say_the_same_byte_for_byte() {
    let folder = Folder::new();
    for (name, request, code) in [("allow.json", allowed(), 0), ("deny.json", denied(), 2)] {
        let file = folder.json(name, &request);
        for format in ["json", "human"] {
            let pack = run(&[
                "decide",
                "policies/protected-deploy",
                "--request",
                &file,
                "--format",
                format,
            ])
            .expect(code);
            let built = run(&[
                "decide",
                component(),
                "--request",
                &file,
                "--format",
                format,
            ])
            .expect(code);
            assert_eq!(pack.stdout, built.stdout);
        }
    }
}

#[test]
fn a_denial_says_who_is_missing_and_who_could_fill_it() {
    let folder = Folder::new();
    let file = folder.json("deny.json", &denied());
    let verdict = run(&[
        "decide",
        component(),
        "--request",
        &file,
        "--format",
        "json",
    ])
    .expect(2)
    .json();
    assert_eq!(verdict["effect"], "deny");
    let missing = &verdict["missing"][0];
    assert_eq!(missing["role"], "security");
    // Security, and neither contributors (ines) nor inactive (kim), by the fixture's directory.
    assert_eq!(
        missing["candidates"],
        serde_json::json!(["hugo", "jon", "pia"])
    );
    let approvals = verdict["approvals"].as_array().unwrap();
    let refused: Vec<_> = approvals
        .iter()
        .filter(|approval| approval["code"] != "counted")
        .collect();
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0]["person"], "ines");
    assert_eq!(
        refused[0]["policies"],
        serde_json::json!(["contributors-never-approve"])
    );
}

/// The request of the README is a shipped case and not a variant of it.
#[test]
fn the_example_is_the_shipped_case() {
    let cases = shipped("protected-deploy").join("cases");
    let read = |path: &Path| -> Value { serde_json::from_slice(&fs::read(path).unwrap()).unwrap() };
    let case = read(&cases.join("deny/contributor-signs.json"));
    let mut request = case["request"].clone();
    request["evidence"] = read(
        &cases
            .join("fixtures")
            .join(case["fixture"].as_str().unwrap()),
    );
    let [patch] = case["patch"].as_array().unwrap().as_slice() else {
        unreachable!("the case has one difference from its fixture");
    };
    *request["evidence"]
        .pointer_mut(patch["path"].as_str().unwrap())
        .unwrap() = patch["value"].clone();
    assert_eq!(request, denied());
}

#[test]
fn flags_and_files_and_stdin_put_the_same_question() {
    let folder = Folder::new();
    let request = denied();
    let file = folder.json("request.json", &request);
    let evidence = folder.json("evidence.json", &request["evidence"]);
    let text = |key: &str| request[key].as_str().unwrap();
    let flags = [
        "decide",
        component(),
        "--format",
        "json",
        "--principal",
        text("principal"),
        "--action",
        text("action"),
        "--resource",
        text("resource"),
        "--now",
        text("now"),
        "--evidence",
        &evidence,
    ];
    let by_flags = run(&flags).expect(2);
    let by_file = run(&[
        "decide",
        component(),
        "--format",
        "json",
        "--request",
        &file,
    ])
    .expect(2);
    assert_eq!(by_flags.stdout, by_file.stdout);

    let mut child = command(&["decide", component(), "--format", "json", "--request", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(request.to_string().as_bytes())
        .unwrap();
    let by_stdin = Ended::of(child.wait_with_output().unwrap()).expect(2);
    assert_eq!(by_stdin.stdout, by_file.stdout);
}

/// The same file has to give the same verdict tomorrow.
#[test]
fn a_request_file_is_never_decided_on_the_clock_unasked() {
    let folder = Folder::new();
    let mut request = allowed();
    request.as_object_mut().unwrap().remove("now");
    let file = folder.json("request.json", &request);
    let ended = run(&["decide", component(), "--request", &file]).expect(1);
    assert!(
        ended.stderr.contains("`now` is missing"),
        "{}",
        ended.stderr
    );
    run(&[
        "decide",
        component(),
        "--request",
        &file,
        "--now",
        "2026-03-02T10:00:00Z",
    ])
    .expect(0);
    run(&["decide", component(), "--request", &file, "--now", "now"]).expect(0);
}

#[test]
fn now_takes_the_place_of_the_file_s_time() {
    let folder = Folder::new();
    let mut request = allowed();
    let signed = request["evidence"]
        .pointer_mut("/deployments/0/approvals/items/1")
        .unwrap();
    signed["expires_at"] = "2026-03-02T10:00:01Z".into();
    let file = folder.json("request.json", &request);
    run(&["decide", component(), "--request", &file]).expect(0);
    run(&[
        "decide",
        component(),
        "--request",
        &file,
        "--now",
        "2026-03-02T10:00:01Z",
    ])
    .expect(2);
    // The same moment elsewhere.
    run(&[
        "decide",
        component(),
        "--request",
        &file,
        "--now",
        "2026-03-02T11:00:01+01:00",
    ])
    .expect(2);
}

/// Whoever can write to the evidence must not be able to draw over the verdict.
#[test]
fn names_cannot_steer_the_terminal() {
    let folder = Folder::new();
    let mut request = denied();
    let hostile = "github:x\u{1b}[2J\u{1b}[1;32m\nALLOW\u{202e}\u{9b}H\r";
    let signed = request["evidence"]
        .pointer_mut("/deployments/0/approvals/items/1")
        .unwrap();
    signed["account"] = hostile.into();
    let file = folder.json("request.json", &request);
    let ended = run(&["decide", component(), "--request", &file]).expect(2);
    let shown = r"github:x\u{1b}[2J\u{1b}[1;32m\u{a}ALLOW\u{202e}\u{9b}H\u{d}";
    assert!(ended.stdout.contains(shown), "{}", ended.stdout);
    assert!(!ended.stdout.contains(|c: char| c.is_control() && c != '\n'));
    assert!(!ended.stdout.lines().any(|line| line.starts_with("ALLOW")));

    let malformed = folder.write(
        "malformed.json",
        format!(r#"{{"principal": "{}"}}"#, r"\u001b[2J\u0000"),
    );
    let ended = run(&["decide", component(), "--request", &malformed]).expect(1);
    assert!(
        !ended.stderr.contains(|c: char| c.is_control() && c != '\n'),
        "{:?}",
        ended.stderr
    );
}

/// What is kept between runs is looked at with suspicion.
#[test]
fn a_damaged_cache_changes_nothing() {
    let folder = Folder::new();
    let pack = folder.pack();
    let request = folder.json("request.json", &small_request(false));
    let cache = folder.path("cache");
    let decide = || {
        let mut decide = command(&["decide", &pack, "--request", &request, "--format", "json"]);
        Ended::of(decide.env("XDG_CACHE_HOME", &cache).output().unwrap())
            .expect(0)
            .stdout
    };
    let verdict = decide();
    let kept = |extension: &str| {
        let entries = fs::read_dir(Path::new(&cache).join("sod")).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths
            .filter(|path| path.extension().is_some_and(|found| found == extension))
            .collect::<Vec<_>>()
    };
    assert_eq!((kept("wasm").len(), kept("cwasm").len()), (1, 1));
    for (extension, length) in [("wasm", 1.0), ("cwasm", 1.0), ("wasm", 0.5)] {
        let path = kept(extension).remove(0);
        let mut entry = fs::read(&path).unwrap();
        entry.truncate((entry.len() as f64 * length) as usize);
        let middle = entry.len() / 2;
        entry[middle] ^= 1;
        fs::write(&path, entry).unwrap();
        assert_eq!(decide(), verdict);
    }
    assert_eq!((kept("wasm").len(), kept("cwasm").len()), (1, 1));
}

#[test]
fn it_works_without_a_cache() {
    let folder = Folder::new();
    let pack = folder.pack();
    let request = folder.json("request.json", &small_request(false));
    let mut decide = command(&["decide", &pack, "--request", &request]);
    decide.env_remove("XDG_CACHE_HOME").env_remove("HOME");
    let ended = Ended::of(decide.output().unwrap()).expect(0);
    assert!(ended.stderr.contains("note: "), "{}", ended.stderr);
}
