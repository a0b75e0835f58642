//! `sod check` and `sod test`.

use std::fs;

use crate::run::{Folder, run, small_case};

/// Every one of them.
fn shipped() -> Vec<String> {
    let folders = fs::read_dir("../../policies").unwrap().flatten();
    let packs = folders.filter(|folder| folder.path().join("pack.toml").exists());
    let name = |pack: fs::DirEntry| format!("policies/{}", pack.file_name().to_str().unwrap());
    packs.map(name).collect()
}

#[test]
fn the_shipped_packs_are_valid_and_pass() {
    let shipped = shipped();
    let packs: Vec<&str> = shipped.iter().map(String::as_str).collect();
    let check = run(&[&["check", "--format", "json"], packs.as_slice()].concat())
        .expect(0)
        .json();
    assert_eq!(
        (&check["errors"], &check["warnings"]),
        (&0.into(), &0.into())
    );
    let test = run(&[&["test"], packs.as_slice()].concat()).expect(0);
    // Each is compared with its matrix, too.
    let compared = test.stdout.matches(" cells of the matrix").count();
    assert_eq!(compared, packs.len(), "{}", test.stdout);
    let last = test.stdout.lines().last().unwrap();
    assert!(last.ends_with(" passed, 0 failed"), "{last}");
    // Not fewer than there are files, which a wrong path would not find; suites have more.
    let cases = |pack: &str, effect: &str| {
        fs::read_dir(format!("../../{pack}/cases/{effect}"))
            .unwrap()
            .count()
    };
    let files: usize = packs
        .iter()
        .map(|pack| cases(pack, "allow") + cases(pack, "deny"))
        .sum();
    let passed: usize = last.split(' ').next().unwrap().parse().unwrap();
    assert!(passed > files, "{passed} of {files} files");
}

#[test]
fn a_case_with_another_verdict_is_4_and_shows_both() {
    let folder = Folder::new();
    let pack = folder.pack();
    assert!(
        run(&["test", &pack])
            .expect(0)
            .stdout
            .ends_with("\n2 passed, 0 failed\n")
    );
    // Denied, but for another reason.
    folder.write(
        "pack/cases/deny/secret.json",
        small_case(true, r#"["no-permit"]"#),
    );
    let ended = run(&["test", &pack]).expect(4);
    for part in [
        "deny/secret",
        "`no-permit`",
        "`forbid:secrets-stay`",
        "secret.json",
        "a case",
    ] {
        assert!(ended.stdout.contains(part), "{part}: {}", ended.stdout);
    }
    let json = run(&["test", &pack, "--format", "json"]).expect(4).json();
    assert_eq!(json["packs"][0]["cases"][1]["name"], "deny/secret");
    assert_eq!(
        json["packs"][0]["cases"][1]["mismatches"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    // Not denied at all.
    folder.write(
        "pack/cases/deny/secret.json",
        small_case(false, r#"["forbid:secrets-stay"]"#),
    );
    let ended = run(&["test", &pack]).expect(4);
    assert!(
        ended.stdout.contains("expected deny, got allow"),
        "{}",
        ended.stdout
    );
}

#[test]
fn a_rule_without_a_case_is_4() {
    let folder = Folder::new();
    let pack = folder.pack();
    folder.write(
        "pack/rules/more.cedar",
        "@id(\"nobody-needs-me\")\n@reason(\"-\")\nforbid (principal == User::\"eve\", action == Action::\"read\", resource);\n",
    );
    let ended = run(&["test", &pack]).expect(4);
    assert!(ended.stdout.contains("rule-undecided"), "{}", ended.stdout);
    assert!(
        ended.stdout.contains("`nobody-needs-me`"),
        "{}",
        ended.stdout
    );
    assert!(
        ended.stdout.ends_with("\n2 passed, 1 failed\n"),
        "{}",
        ended.stdout
    );
    let json = run(&["test", &pack, "--format", "json"]).expect(4).json();
    assert_eq!(json["packs"][0]["undecided"][0]["code"], "rule-undecided");
    // A part of the cases cannot show which rules have none.
    run(&["test", &pack, "--filter", "deny/"]).expect(0);
}

/// A run that ran nothing has shown nothing.
#[test]
fn a_pack_without_cases_is_4() {
    let folder = Folder::new();
    let pack = folder.pack();
    run(&["test", &pack, "--filter", "no-such-case"]).expect(4);
    fs::remove_dir_all(folder.path("pack/cases")).unwrap();
    let ended = run(&["test", &pack]).expect(4);
    assert!(ended.stdout.contains("no case was run"), "{}", ended.stdout);
    assert!(
        ended.stdout.ends_with("\n0 passed, 3 failed\n"),
        "{}",
        ended.stdout
    );
}

#[test]
fn a_case_that_cannot_be_read_is_3() {
    let folder = Folder::new();
    let pack = folder.pack();
    folder.write("pack/cases/deny/secret.json", small_case(true, "[]"));
    for verb in ["check", "test"] {
        let ended = run(&[verb, &pack]).expect(3);
        let findings = ended.stdout + &ended.stderr;
        assert!(findings.contains("case-expectation"), "{findings}");
    }
}

/// The case is well-formed, the request in it is not one.
#[test]
fn a_case_that_is_no_request_fails_and_is_no_deny() {
    let folder = Folder::new();
    let pack = folder.pack();
    let case =
        small_case(true, r#"["forbid:secrets-stay"]"#).replace("\"User::\\\"bob\\\"\"", "\"bob\"");
    folder.write("pack/cases/deny/secret.json", case);
    let ended = run(&["test", &pack]).expect(4);
    assert!(ended.stdout.contains("not a request"), "{}", ended.stdout);
}

#[test]
fn warnings_do_not_fail_a_check() {
    let folder = Folder::new();
    let pack = folder.pack();
    folder.write(
        "pack/rules/silent.cedar",
        "@id(\"silent\")\npermit (principal, action == Action::\"read\", resource);\n",
    );
    let json = run(&["check", &pack, "--format", "json"]).expect(0).json();
    assert_eq!(json["packs"][0]["findings"][0]["code"], "reason-missing");
    assert_eq!((&json["errors"], &json["warnings"]), (&0.into(), &1.into()));
}
