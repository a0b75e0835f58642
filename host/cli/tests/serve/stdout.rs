//! A decision log on stdout, and what becomes of decisions when nobody takes it.

use std::fs;
use std::io::{BufRead as _, BufReader, pipe};
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::serving::{ALLOWED, Answer, Serving, build, run, sod};

/// A server's folder, without a folder for the log.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    build(folder.path(), "views");
    let config = "[server]\nhttp = \"127.0.0.1:0\"\n[log]\nstdout = true\n[pack.views]\ncomponent = \"views.wasm\"\n";
    fs::write(folder.path().join("sod.toml"), config).unwrap();
    folder
}

fn ask(serving: &Serving) -> Answer {
    serving.client().ask(ALLOWED).unwrap()
}

fn id(answer: &Answer) -> &str {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.header("sod-decision-id").unwrap()
}

fn end(mut serving: Serving) {
    serving.signal("TERM");
    assert_eq!(serving.ended().code(), Some(0), "{}", serving.stderr());
}

#[test]
fn what_is_on_stdout_is_the_log_and_nothing_else() {
    let folder = folder();
    let path = folder.path().join("log.jsonl");
    let stdout = fs::File::create(&path).unwrap();
    let serving = Serving::writing_to(folder.path(), stdout);
    let answers: Vec<_> = (0..5).map(|_| ask(&serving)).collect();
    // Each is there before its answer is.
    let text = fs::read_to_string(&path).unwrap();
    assert!(answers.iter().all(|answer| text.contains(id(answer))));
    end(serving);
    let kinds: Vec<String> = fs::read_to_string(&path)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|line| line["kind"].as_str().unwrap().to_owned())
        .collect();
    let decisions = ["decision"; 5];
    assert_eq!(
        kinds,
        [&["start", "pack"][..], &decisions, &["stop"]].concat()
    );
    let verified = run(&["audit", "verify", "log.jsonl"], folder.path());
    assert!(verified.status.success(), "{verified:?}");
    // Nothing is kept beside it.
    assert!(!folder.path().join("components").exists());
    let replayed = ["audit", "replay", "log.jsonl", "--component", "views.wasm"];
    assert!(run(&replayed, folder.path()).status.success());
}

#[test]
fn a_reader_that_goes_away_takes_all_decisions_with_it() {
    let folder = folder();
    let (reading, writing) = pipe().unwrap();
    let serving = Serving::writing_to(folder.path(), writing);
    let mut reading = BufReader::new(reading);
    let answer = ask(&serving);
    let read = (&mut reading)
        .lines()
        .map(Result::unwrap)
        .find(|line| line.contains("\"decision\""));
    assert!(read.unwrap().contains(id(&answer)));
    drop(reading);
    for _ in 0..3 {
        let answer = ask(&serving);
        assert_eq!(answer.status, 503, "{answer:?}");
        assert!(
            answer.body.contains("urn:sod:problem:unrecorded"),
            "{answer:?}"
        );
        assert!(!answer.body.contains("allow"), "{answer:?}");
    }
    let ready = serving.client().get("/readyz");
    assert_eq!(ready.status, 503, "{ready:?}");
    assert!(
        serving
            .stderr()
            .contains("\"event\":\"decision-log-failing\"")
    );
    // It still answers, and ends as it should.
    assert_eq!(serving.client().get("/healthz").status, 200);
    end(serving);
}

#[test]
fn a_stdout_that_takes_nothing_is_an_error_at_the_start() {
    let folder = folder();
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let ended = refused(folder.path(), full.into());
    assert!(ended.contains("the decision log"), "{ended}");
    assert!(ended.contains("No space left on device"), "{ended}");
}

/// What it says when it does not start.
fn refused(folder: &Path, stdout: Stdio) -> String {
    let mut command = sod(&["serve", "--config", "sod.toml"], folder);
    let ended = command.stdout(stdout).stderr(Stdio::piped()).spawn();
    let ended = ended.unwrap().wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(!said.contains("HTTP on"), "{said}");
    said
}
