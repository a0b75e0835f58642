//! `sod diff`: which way decisions change, for whom, and that what means the same is the same.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::evidence::git;
use crate::prove::{asking, solver};
use crate::run::{Folder, allowed, denied, repository, run};

/// The shipped packs, to be changed.
fn packs() -> Folder {
    let folder = Folder::new();
    copy(
        &repository().join("policies"),
        Path::new(&folder.path("policies")),
    );
    folder
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}

/// Replaces text in a file, which must have it once.
fn edit(folder: &Folder, file: &str, from: &str, to: &str) {
    let path = folder.path(file);
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.matches(from).count(), 1, "{from} in {file}");
    fs::write(path, text.replace(from, to)).unwrap();
}

/// `becomes-allowed deploy operations`
fn rows(comparison: &Value) -> Vec<String> {
    let row = |one: &Value| {
        let action = one["action"].as_str().unwrap();
        let action = action.trim_start_matches("Action::").trim_matches('"');
        let role = one["role"].as_str().unwrap_or("-");
        format!("{} {action} {role}", one["change"].as_str().unwrap())
    };
    comparison["differences"]
        .as_array()
        .unwrap()
        .iter()
        .map(row)
        .collect()
}

#[test]
fn what_is_written_otherwise_and_means_the_same_is_the_same() {
    let folder = packs();
    let own = "policies/core-lanes/rules/contributors.cedar";
    edit(
        &folder,
        own,
        "when { context.option.merger.no_contributor && resource.contributors.contains(principal) };",
        "when { resource.contributors.containsAny([principal]) }\nunless { context.option.merger.contributor };",
    );
    let pack = folder.path("policies/core-lanes");
    let ended = asking(solver(), &["diff", "policies/core-lanes", &pack]).expect(0);
    assert!(ended.stdout.contains("every request is decided as before"));
}

#[test]
fn a_rule_less_is_what_becomes_allowed_to_whom() {
    let folder = packs();
    edit(
        &folder,
        "policies/core-lanes/rules/contributors.cedar",
        "action in [Action::\"deploy\", Action::\"rollback\"],\n  resource is Deployment\n)\nwhen { resource.contributors",
        "action == Action::\"rollback\",\n  resource is Deployment\n)\nwhen { resource.contributors",
    );
    let pack = folder.path("policies/core-lanes");
    let more = ["diff", "policies/core-lanes", &pack, "--format", "json"];
    let report = asking(solver(), &more).expect(4).json();
    assert_eq!(rows(&report), ["becomes-allowed deploy operations"]);
    let after = &report["differences"][0]["after"];
    let deployment = after["entities"].as_array().unwrap().iter();
    let mut deployment = deployment.filter(|entity| entity["uid"]["type"] == "Deployment");
    let contributors = &deployment.next().unwrap()["attrs"]["contributors"];
    assert!(!contributors.as_array().unwrap().is_empty(), "{after}");

    let less = ["diff", &pack, "policies/core-lanes"];
    let ended = asking(solver(), &less).expect(4);
    assert!(
        ended.stdout.starts_with("becomes denied"),
        "{}",
        ended.stdout
    );
    for (arguments, code) in [(&more[..3], 4), (&less[..], 0)] {
        let tightens = [arguments, &["--only-tightens"]].concat();
        asking(solver(), &tightens).expect(code);
    }
}

#[test]
fn a_quorum_of_fewer_is_a_difference_in_one_direction() {
    let folder = packs();
    edit(
        &folder,
        "policies/two-person-change/pack.toml",
        "need = { reviewer = 2 }",
        "need = { reviewer = 1 }",
    );
    let pack = folder.path("policies/two-person-change");
    let shipped = "policies/two-person-change";
    let report = asking(solver(), &["diff", shipped, &pack, "--format", "json"])
        .expect(4)
        .json();
    assert_eq!(
        rows(&report),
        [
            "becomes-allowed merge developer",
            "becomes-allowed merge reviewer"
        ]
    );
    assert_eq!(report["redefined"][0], "quorum `two_person`");
    asking(solver(), &["diff", &pack, shipped, "--only-tightens"]).expect(0);
}

#[test]
fn an_option_that_was_chosen_is_a_difference() {
    let folder = packs();
    let manifest = "policies/low-risk/pack.toml";
    let text = fs::read_to_string(folder.path(manifest)).unwrap();
    folder.write(manifest, text + "\n[choose]\nmerger = \"contributor\"\n");
    let pack = folder.path("policies/low-risk");
    let report = asking(
        solver(),
        &["diff", "policies/low-risk", &pack, "--format", "json"],
    );
    assert_eq!(
        rows(&report.expect(4).json()),
        [
            "becomes-allowed merge developer",
            "becomes-allowed merge reviewer"
        ]
    );
}

#[test]
fn packs_that_contradict_each_other_are_not_compared() {
    let folder = packs();
    folder.write(
        "policies/low-risk/schema.cedarschema",
        "entity Ticket = { open: Bool };\n",
    );
    let other = packs();
    other.write(
        "policies/low-risk/schema.cedarschema",
        "entity Ticket = { open: Long };\n",
    );
    let [one, other] = [folder, other].map(|folder| {
        let path = folder.path("policies/low-risk");
        (folder, path)
    });
    let ended = asking(solver(), &["diff", &one.1, &other.1]).expect(1);
    assert!(ended.stderr.contains("Ticket"), "{}", ended.stderr);
}

#[test]
fn a_version_may_be_a_revision() {
    let folder = packs();
    let top = folder.path("");
    git(&top, "ana", &["init", "--quiet", "--initial-branch=main"]);
    git(&top, "ana", &["add", "."]);
    git(&top, "ana", &["commit", "--quiet", "--message=packs"]);
    edit(
        &folder,
        "policies/two-person-change/rules/two-people.cedar",
        "unless { context.quorum.two_person };",
        "unless { context.quorum.two_person || principal in Role::\"reviewer\" };",
    );
    let diff = |old: &str| {
        let mut command = crate::run::command(&["diff", old, "policies/two-person-change"]);
        command.current_dir(&top).env("CVC5", solver());
        crate::run::Ended::of(command.output().unwrap())
    };
    let ended = diff("HEAD:policies/two-person-change").expect(4);
    assert!(ended.stdout.contains("becomes allowed"), "{}", ended.stdout);
    let ended = diff("main~1:policies/two-person-change").expect(1);
    assert!(ended.stderr.contains("main~1"), "{}", ended.stderr);
    let ended = diff("HEAD:policies/nothing").expect(3);
    assert!(
        ended.stderr.contains("policies/nothing"),
        "{}",
        ended.stderr
    );
}

#[test]
fn recorded_requests_are_decided_by_both() {
    let folder = packs();
    let pack = folder.path("policies/protected-deploy");
    let file = folder.write("requests.jsonl", format!("{}\n{}\n", denied(), allowed()));
    let shipped = "policies/protected-deploy";
    run(&["diff", shipped, &pack, "--requests", &file]).expect(0);
    edit(
        &folder,
        "policies/protected-deploy/pack.toml",
        "[quorum.production]\nof = \"deployment\"\nneed = { operations = 1, security = 1 }",
        "[quorum.production]\nof = \"deployment\"\nneed = { operations = 1 }",
    );
    let arguments = [
        "diff",
        shipped,
        &pack,
        "--requests",
        &file,
        "--format",
        "json",
    ];
    let report = run(&arguments).expect(4).json();
    assert_eq!(report["requests"], 2);
    assert_eq!(report["changed"].as_array().unwrap().len(), 1);
    assert_eq!(report["changed"][0]["request"], 1);
    assert_eq!(report["changed"][0]["after"], "allow");
    run(&[
        "diff",
        &pack,
        shipped,
        "--requests",
        &file,
        "--only-tightens",
    ])
    .expect(0);
    let file = folder.write("requests.jsonl", format!("{}\n{{", denied()));
    let ended = run(&["diff", shipped, &pack, "--requests", &file]).expect(1);
    assert!(ended.stderr.contains("request 2"), "{}", ended.stderr);
}
