//! `sod test` with Cedar's own tests.

use std::fs;

use serde_json::Value;

use crate::run::{Folder, repository, run};

const ROOT: &str = "tests/plain-cedar";

#[test]
fn a_folder_of_cedar_s_tests_is_counted_to_the_last_request() {
    let report = run(&["test", "--root", ROOT, ROOT, "--format", "json"])
        .expect(0)
        .json();
    let numbers = ["files", "requests", "agreed", "error_denies", "failed"];
    let numbers = numbers.map(|name| report[name].as_u64().unwrap());
    let requests = |name: &str| {
        let file = repository().join(ROOT).join(name);
        let test: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        test["requests"].as_array().unwrap().len() as u64
    };
    let all = requests("library.json") + requests("guests.json") + requests("lending.json");
    assert_eq!(numbers, [3, all, all - 1, 1, 0]);
    // The links and the tests of run-tests are no integration tests.
    assert_eq!(report["skipped"], 2);
    let difference = &report["differences"][0];
    assert_eq!(difference["outcome"], "error-denies");
    assert_eq!(
        difference["expected"],
        "allow by `policy0`, and an error in `policy2`"
    );
    assert_eq!(difference["actual"], "deny, and an error in `policy2`");
}

#[test]
fn an_answer_that_is_not_cedar_s_is_4_and_shows_both() {
    let folder = Folder::new();
    for file in [
        "library.cedar",
        "library.cedarschema",
        "library.entities.json",
    ] {
        let from = repository().join(ROOT).join(file);
        folder.write(file, fs::read(from).unwrap());
    }
    let text = fs::read_to_string(repository().join(ROOT).join("library.json")).unwrap();
    let mut test: Value = serde_json::from_str(&text).unwrap();
    test["requests"][0]["decision"] = "deny".into();
    // In a folder below: the paths in it lead somewhere from the one above.
    let file = folder.json("below/test.json", &test);
    let ended = run(&["test", &file, "--filter", "open shelf"]).expect(4);
    for part in [
        "FAIL",
        "below/test.json: request 0, a member reads what is on an open shelf",
        "Cedar    deny by `policy0`",
        "sod      allow by `policy0`",
        "1 requests in 1 files",
        "1 failed",
    ] {
        assert!(ended.stdout.contains(part), "{part}: {}", ended.stdout);
    }
}

#[test]
fn tests_of_run_tests_name_their_policies() {
    let file = |name: &str| format!("{ROOT}/run-tests/{name}");
    let (rules, links, tests) = (file("rules.cedar"), file("links.json"), file("tests.json"));
    let arguments = [
        "test",
        "--policies",
        &rules,
        "--template-linked",
        &links,
        &tests,
    ];
    let ended = run(&arguments).expect(0);
    let last = "5 as Cedar decides them, 1 denied for errors that Cedar passes over, 0 failed\n";
    assert!(ended.stdout.ends_with(last), "{}", ended.stdout);
}

#[test]
fn what_does_not_go_together_is_wrong_usage_and_no_test_is_a_failure() {
    let tests = format!("{ROOT}/library.json");
    for wrong in [
        &["test", &tests, "--format", "junit"][..],
        &["test", &tests, "policies/core-lanes"],
        &["test", &tests, "--schema", "x"],
        &["test", &tests, "--root", ROOT, "--policies", "x"],
    ] {
        let ended = run(wrong).expect(64);
        assert_eq!(ended.stdout, "");
    }
    let ended = run(&["test", &tests, "--filter", "no such test"]).expect(4);
    assert!(
        ended.stdout.contains("nothing was asked"),
        "{}",
        ended.stdout
    );
}
