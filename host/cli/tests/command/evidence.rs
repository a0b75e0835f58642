//! `sod evidence`: git, and a decision on what it collected; the form of evidence.

use std::process::Command;

use crate::run::{Ended, Folder, repository as repository_folder, run};

const DIRECTORY: &str = r#"{
  "people": [
    {"id": "ana", "active": true, "roles": ["developer", "reviewer"]},
    {"id": "bob", "active": true, "roles": ["developer", "reviewer"]},
    {"id": "dana", "active": true, "roles": ["reviewer"]}
  ],
  "accounts": [
    {"account": "email:ana@bank.example", "person": "ana"},
    {"account": "email:bob@bank.example", "person": "bob"}
  ]
}"#;

/// Runs git in a repository as somebody.
pub(crate) fn git(repository: &str, author: &str, arguments: &[&str]) -> String {
    let ended = Command::new("git")
        .args(["-C", repository, "-c", "commit.gpgsign=false"])
        .args(arguments)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_AUTHOR_NAME", author)
        .env("GIT_AUTHOR_EMAIL", format!("{author}@bank.example"))
        .env("GIT_COMMITTER_NAME", author)
        .env("GIT_COMMITTER_EMAIL", format!("{author}@bank.example"))
        .output()
        .expect("git is installed");
    let ended = Ended::of(ended).expect(0);
    ended.stdout.trim_end().to_owned()
}

/// A change by ana, into which she merged a branch by bob.
fn repository(folder: &Folder) -> String {
    folder.write("repository/README", "first");
    let repository = folder.path("repository");
    let git = |author: &str, arguments: &[&str]| git(&repository, author, arguments);
    git("ana", &["init", "--quiet", "--initial-branch=main"]);
    git("ana", &["add", "."]);
    git("ana", &["commit", "--quiet", "--message=first"]);
    git("ana", &["switch", "--quiet", "--create=side"]);
    folder.write("repository/side", "by bob");
    git("ana", &["add", "."]);
    git("bob", &["commit", "--quiet", "--message=side"]);
    git("ana", &["switch", "--quiet", "--create=feature", "main"]);
    folder.write("repository/feature", "by ana");
    git("ana", &["add", "."]);
    git("ana", &["commit", "--quiet", "--message=feature"]);
    git("ana", &["merge", "--quiet", "--no-ff", "--no-edit", "side"]);
    repository
}

#[test]
fn who_enters_by_a_second_parent_does_not_approve() {
    let folder = Folder::new();
    let repository = repository(&folder);
    let directory = folder.write("directory.json", DIRECTORY);
    let collect = [
        "evidence",
        "git",
        "--repo",
        &repository,
        "--base",
        "main",
        "--head",
        "feature",
        "--repository",
        "bank/payments",
        "--change",
        "bank/payments#1",
        "--directory",
        &directory,
    ];
    let ended = run(&collect).expect(0);
    assert_eq!(ended.json()["changes"][0]["id"], "bank/payments#1");
    assert_eq!(
        ended.json()["commits"]["items"].as_array().unwrap().len(),
        3
    );
    assert!(ended.stderr.contains("note: 3 commits"), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("nobody observed who pushed"),
        "{}",
        ended.stderr
    );

    let file = folder.path("evidence.json");
    assert_eq!(
        run(&[&collect[..], &["-o", &file]].concat())
            .expect(0)
            .stdout,
        ""
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), ended.stdout);

    let approve = |person: &str| {
        let person = format!("Person::\"{person}\"");
        let resource = "Change::\"bank/payments#1\"";
        run(&[
            "decide",
            "policies/core-lanes",
            "--principal",
            &person,
            "--action",
            "approve",
            "--resource",
            resource,
            "--evidence",
            &file,
        ])
    };
    let bob = approve("bob").expect(2);
    assert!(
        bob.stdout.contains("contributors-never-approve"),
        "{}",
        bob.stdout
    );
    approve("ana").expect(2);
    approve("dana").expect(0);
}

#[test]
fn what_is_missing_is_said_before_a_verdict_has_to() {
    let folder = Folder::new();
    let repository = repository(&folder);
    let collect = [
        "evidence",
        "git",
        "--repo",
        &repository,
        "--base",
        "main",
        "--head",
    ];
    let ended = run(&[&collect[..], &["feature"]].concat()).expect(0);
    assert!(
        ended.stderr.contains("nobody is in the directory"),
        "{}",
        ended.stderr
    );
    assert!(
        ended.stderr.contains("no CODEOWNERS file of the base"),
        "{}",
        ended.stderr
    );
    let ended = run(&[&collect[..], &["no-such-branch"]].concat()).expect(1);
    assert_eq!(ended.stdout, "");
    assert!(
        ended.stderr.contains("git-revision-absent"),
        "{}",
        ended.stderr
    );
    let broken = folder.write("directory.json", "{\"people\": [{\"id\": 1}]}");
    let ended = run(&[&collect[..], &["feature", "--directory", &broken]].concat()).expect(1);
    assert!(
        ended.stderr.contains("directory.json:1:"),
        "{}",
        ended.stderr
    );
}

#[test]
fn the_flags_say_which_owners_are_read_and_how() {
    let folder = Folder::new();
    folder.write("repository/OWNERS", "[Payments]\n* @ana\n");
    let repository = repository(&folder);
    let collect = |flags: &[&str]| {
        let ends = ["--base", "main", "--head", "feature"];
        run(&[
            &["evidence", "git", "--repo", &repository],
            &ends[..],
            flags,
        ]
        .concat())
    };
    let ended = collect(&["--owners", "OWNERS", "--forge", "gitlab"]).expect(0);
    assert_eq!(
        ended.json()["changes"][0]["owners"]["items"][0],
        serde_json::json!({"path": "feature", "accounts": ["gitlab:ana"], "teams": ["ana"]})
    );
    assert!(ended.json()["changes"][0]["patch_id"].is_string());
    let ended = collect(&["--owners", "OWNERS"]).expect(1);
    assert!(ended.stderr.contains("OWNERS:1"), "{}", ended.stderr);
    let ended = collect(&["--owners", "CODEOWNERS"]).expect(1);
    assert!(
        ended.stderr.contains("git-owners-absent"),
        "{}",
        ended.stderr
    );
    collect(&["--owners", "OWNERS", "--without-blobs"]).expect(64);
    let change = collect(&["--without-blobs"]).expect(0).json()["changes"][0].clone();
    assert!(
        change["patch_id"].is_null() && change["owners"].is_null(),
        "{change}"
    );
}

#[test]
fn the_schemas_are_those_of_the_documentation() {
    for (flags, file) in [
        (&[][..], "evidence.schema.json"),
        (&["--request"][..], "request.schema.json"),
    ] {
        let ended = run(&[&["evidence", "schema"], flags].concat()).expect(0);
        let file = repository_folder().join("docs/schema").join(file);
        assert_eq!(ended.stdout, std::fs::read_to_string(file).unwrap());
        assert_eq!(ended.json()["type"], "object");
    }
}
