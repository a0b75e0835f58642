//! `sod matrix`, and what it has to do with `sod test` and `sod check`.

use std::fs;

use crate::run::{Folder, run};

const QUESTIONS: &str = r#"
[people]
bob = 'User::"bob"'
eve = 'User::"eve"'

[[table]]
title = "A page"
fixture = "page.json"
resource = 'Page::"p"'
actions = ["read"]

[table.states]
"open" = {}
"secret" = { patch = [{ op = "replace", path = "/entities/0/attrs/secret", value = true }] }
"#;

const PAGE: &str = r#"{
  "entities": [{"uid": {"type": "Page", "id": "p"}, "attrs": {"secret": false}, "parents": []}],
  "context": {}
}"#;

const GRID: &str = "\
read  open   secret
bob   ALLOW  deny
eve   deny   deny
";

/// The small pack with a matrix.
fn asked(folder: &Folder) -> String {
    let pack = folder.pack();
    folder.write("pack/matrix.toml", QUESTIONS);
    folder.write("pack/cases/fixtures/page.json", PAGE);
    pack
}

#[test]
fn it_prints_the_table_and_keeps_it_when_told_to() {
    let folder = Folder::new();
    let pack = asked(&folder);
    let printed = run(&["matrix", &pack]).expect(0).stdout;
    assert!(printed.contains(GRID), "{printed}");
    assert!(
        printed.contains("secrets-stay\n   read: everyone (secret)"),
        "{printed}"
    );
    let golden = folder.path("pack/matrix.txt");
    assert!(fs::metadata(&golden).is_err(), "printing writes nothing");
    let blessed = run(&["matrix", &pack, "--bless"]).expect(0);
    assert_eq!(blessed.stdout, printed);
    assert!(blessed.stderr.contains("matrix.txt"), "{}", blessed.stderr);
    assert_eq!(fs::read_to_string(&golden).unwrap(), printed);
    run(&["matrix", &pack, "--check"]).expect(0);
    run(&["test", &pack]).expect(0);
}

#[test]
fn a_table_that_differs_is_4_and_shows_how() {
    let folder = Folder::new();
    let pack = asked(&folder);
    // Never reviewed: all of it is new.
    for arguments in [["matrix", &pack, "--check"].as_slice(), &["test", &pack]] {
        let ended = run(arguments).expect(4);
        assert!(
            ended.stdout.contains("+bob   ALLOW  deny"),
            "{}",
            ended.stdout
        );
        assert!(ended.stdout.contains("--bless"), "{}", ended.stdout);
    }
    run(&["matrix", &pack, "--bless"]).expect(0);
    // A rule more, that no case of the pack would notice.
    folder.write(
        "pack/rules/eve.cedar",
        "@id(\"eve-reads\")\n@reason(\"eve reads\")\npermit (principal == User::\"eve\", action == Action::\"read\", resource);\n",
    );
    let ended = run(&["matrix", &pack, "--check"]).expect(4);
    for part in [
        "-eve   deny   deny",
        "+eve   ALLOW  deny",
        "+eve-reads",
        " bob   ALLOW  deny",
    ] {
        assert!(ended.stdout.contains(part), "{part}: {}", ended.stdout);
    }
    let json = run(&["matrix", &pack, "--check", "--format", "json"])
        .expect(4)
        .json();
    assert_eq!(
        (&json["differing"], &json["packs"][0]["cells"]),
        (&1.into(), &4.into())
    );
    let json = run(&["test", &pack, "--format", "json"]).expect(4).json();
    // The rule without a case, and the matrix.
    assert_eq!(json["failed"], 2);
    let difference = json["packs"][0]["matrix"]["difference"].as_str().unwrap();
    assert!(difference.contains("+eve   ALLOW  deny"), "{difference}");
    // A part of the cases is no run of the pack.
    let json = run(&["test", &pack, "--filter", "deny/", "--format", "json"])
        .expect(0)
        .json();
    assert!(json["packs"][0]["matrix"].is_null());
}

#[test]
fn a_pack_without_one_has_nothing_to_show_and_still_passes() {
    let folder = Folder::new();
    let pack = folder.pack();
    let ended = run(&["matrix", &pack]).expect(1);
    assert_eq!(ended.stdout, "");
    assert!(ended.stderr.contains("matrix.toml"), "{}", ended.stderr);
    run(&["test", &pack]).expect(0);
    // Losing the questions is no way round the answers.
    folder.write("pack/matrix.txt", GRID);
    for verb in ["check", "test", "matrix"] {
        let ended = run(&[verb, &pack]).expect(3);
        let said = ended.stdout + &ended.stderr;
        assert!(said.contains("matrix-invalid"), "{verb}: {said}");
    }
}

#[test]
fn questions_that_cannot_be_read_are_3() {
    let folder = Folder::new();
    let pack = asked(&folder);
    folder.write(
        "pack/matrix.toml",
        QUESTIONS.replace("\"read\"", "\"raed\""),
    );
    for verb in ["check", "test", "matrix"] {
        let ended = run(&[verb, &pack]).expect(3);
        let said = ended.stdout + &ended.stderr;
        assert!(said.contains("`raed`"), "{verb}: {said}");
    }
}

#[test]
fn it_is_a_page_a_picture_or_json_too() {
    let folder = Folder::new();
    let pack = asked(&folder);
    let page = run(&["matrix", &pack, "--format", "html"]).expect(0).stdout;
    assert!(
        page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"),
        "{page}"
    );
    let picture = run(&["matrix", &pack, "--format", "svg"]).expect(0).stdout;
    assert!(
        picture.starts_with("<svg ") && picture.ends_with("</svg>\n"),
        "{picture}"
    );
    let json = run(&["matrix", &pack, "--format", "json"]).expect(0).json();
    let grid = &json[0]["tables"][0]["grids"][0];
    assert_eq!(grid["rows"][0][0]["effect"], "allow");
    assert_eq!(
        grid["rows"][0][1]["reasons"],
        serde_json::json!(["secrets-stay"])
    );
}

#[test]
fn what_does_not_go_together_is_64() {
    let folder = Folder::new();
    let pack = asked(&folder);
    run(&["matrix", &pack, "--bless", "--check"]).expect(64);
    run(&["matrix", &pack, "--check", "--format", "html"]).expect(64);
    run(&["matrix"]).expect(64);
    run(&["check", &pack, "--format", "svg"]).expect(64);
}
