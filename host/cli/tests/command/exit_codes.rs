//! Every class of outcome has its own exit code.

use serde_json::Value;

use crate::run::{Ended, Folder, allowed, command, component, denied, run};

#[test]
fn allowed_is_0_and_denied_is_2() {
    let folder = Folder::new();
    let allow = folder.json("allow.json", &allowed());
    let deny = folder.json("deny.json", &denied());
    run(&["decide", component(), "--request", &allow]).expect(0);
    run(&["decide", component(), "--request", &deny]).expect(2);
}

/// No decision: exit 1, a message with a code, and nothing on stdout that could be taken for a verdict.
#[track_caller]
fn undecided(ended: Ended, code: &str) {
    let ended = ended.expect(1);
    assert_eq!(ended.stdout, "");
    assert!(ended.stderr.contains(code), "{}", ended.stderr);
}

#[test]
fn what_cannot_be_read_is_1() {
    let folder = Folder::new();
    let request = folder.json("request.json", &denied());
    let absent = folder.path("absent");
    let text = folder.write("text.wasm", "not WebAssembly");
    let empty = folder.write("empty.wasm", "");
    let module = folder.write("module.wasm", b"\0asm\x01\0\0\0");
    let cut = std::fs::read(component()).unwrap();
    let cut = folder.write("cut.wasm", &cut[..cut.len() / 2]);
    undecided(run(&["decide", component(), "--request", &absent]), "file");
    undecided(
        run(&["decide", &absent, "--request", &request]),
        "component-unreadable",
    );
    undecided(
        run(&["decide", &text, "--request", &request]),
        "not-a-component",
    );
    undecided(
        run(&["decide", &empty, "--request", &request]),
        "not-a-component",
    );
    undecided(
        run(&["decide", &module, "--request", &request]),
        "not-a-component",
    );
    undecided(
        run(&["decide", &cut, "--request", &request]),
        "component-invalid",
    );
    undecided(run(&["inspect", &text]), "not-wasm");
    undecided(run(&["inspect", &absent]), "file");
    undecided(
        run(&[
            "evidence", "git", "--repo", &absent, "--base", "a", "--head", "b",
        ]),
        "git-not-a-repository",
    );
}

#[test]
fn what_is_malformed_is_1() {
    let folder = Folder::new();
    let decide = |name: &str, request: &str| {
        let file = folder.write(name, request);
        run(&["decide", component(), "--request", &file])
    };
    undecided(decide("cut.json", "{\"principal\": "), "request-invalid");
    undecided(decide("empty.json", ""), "request-invalid");
    undecided(decide("list.json", "[]"), "request-invalid");
    let unknown = denied()
        .to_string()
        .replacen("\"principal\"", "\"principle\"", 1);
    undecided(decide("unknown.json", &unknown), "request-invalid");
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for key in ["entities", "context"] {
        let mut deep = denied();
        deep[key] = Value::Null;
        let deep = deep.to_string().replacen("null", &nested, 1);
        undecided(decide("deep.json", &deep), "fault-");
    }
    let text = b"{\"principal\": \"\xff\"}".as_slice();
    let file = folder.write("utf8.json", text);
    undecided(
        run(&["decide", component(), "--request", &file]),
        "request-invalid",
    );
    let evidence = folder.write("evidence.json", text);
    let flags = [
        "--principal",
        "Person::\"a\"",
        "--action",
        "merge",
        "--resource",
        "Change::\"c\"",
        "--evidence",
        &evidence,
    ];
    undecided(
        run(&[&["decide", component()], flags.as_slice()].concat()),
        "json",
    );
}

#[test]
fn a_broken_pack_is_3_for_every_verb() {
    let folder = Folder::new();
    let pack = folder.pack();
    folder.write(
        "pack/rules/typo.cedar",
        "@id(\"typo\")\nforbid (principal, action, resource) when { resource.sercet };\n",
    );
    let request = folder.json("request.json", &denied());
    let out = folder.path("out.wasm");
    for arguments in [
        ["check", &pack].as_slice(),
        &["test", &pack],
        &["build", &pack, "-o", &out],
        &["decide", &pack, "--request", &request],
    ] {
        let ended = run(arguments).expect(3);
        let findings = if arguments[0] == "check" {
            &ended.stdout
        } else {
            &ended.stderr
        };
        for part in ["unknown-attribute", "typo.cedar", "sercet", "secret"] {
            assert!(findings.contains(part), "{part}: {findings}");
        }
    }
    assert!(!std::path::Path::new(&out).exists());
    run(&["check", &folder.path("absent")]).expect(3);
    folder.write("pack/rules/typo.cedar", "forbid (");
    run(&["check", &pack]).expect(3);
}

#[test]
fn another_digest_is_5_before_anything_is_run() {
    let folder = Folder::new();
    let request = folder.json("request.json", &allowed());
    let digest = run(&["inspect", component(), "--format", "json"])
        .expect(0)
        .json()["digest"]
        .as_str()
        .unwrap()
        .to_owned();
    run(&[
        "decide",
        component(),
        "--request",
        &request,
        "--expect-digest",
        &digest,
    ])
    .expect(0);
    let last = if digest.ends_with('0') { "1" } else { "0" };
    let other = format!("{}{last}", &digest[..digest.len() - 1]);
    let ended = run(&[
        "decide",
        component(),
        "--request",
        &request,
        "--expect-digest",
        &other,
    ])
    .expect(5);
    assert_eq!(ended.stdout, "");
    assert!(ended.stderr.contains("digest-mismatch"), "{}", ended.stderr);
    // What it is comes second.
    let text = folder.write("text", "no component");
    run(&[
        "decide",
        &text,
        "--request",
        &request,
        "--expect-digest",
        &digest,
    ])
    .expect(5);
}

#[test]
fn metadata_that_contradict_the_component_are_5() {
    let folder = Folder::new();
    let mut bytes = std::fs::read(component()).unwrap();
    let rule = b"\"id\":\"contributors-never-approve\"";
    let at = bytes
        .windows(rule.len())
        .rposition(|window| window == rule)
        .unwrap();
    bytes[at + 6] = b'k';
    let forged = folder.write("forged.wasm", bytes);
    let ended = run(&["inspect", &forged]).expect(5);
    assert_eq!(ended.stdout, "");
    assert!(
        ended.stderr.contains("metadata-mismatch"),
        "{}",
        ended.stderr
    );
}

#[test]
fn wrong_usage_is_64_and_never_2() {
    let folder = Folder::new();
    let request = folder.json("request.json", &denied());
    let digest = format!("sha256:{}", "0".repeat(64));
    let pack = "policies/core-lanes";
    let (who, what) = ("Person::\"bob\"", "Change::\"c\"");
    for arguments in [
        [].as_slice(),
        &["frobnicate"],
        &["decide"],
        &["decide", pack],
        &["decide", pack, "--request"],
        &["decide", pack, "--request", &request, "--frobnicate"],
        &["decide", pack, "--request", &request, "--format", "yaml"],
        &["decide", pack, "--request", &request, "--principal", who],
        &["decide", pack, "--request", &request, "--now", "tomorrow"],
        &[
            "decide",
            pack,
            "--request",
            &request,
            "--expect-digest",
            "sha256:abc",
        ],
        &[
            "decide",
            pack,
            "--request",
            &request,
            "--expect-digest",
            &digest,
        ],
        &[
            "decide",
            pack,
            "--request",
            &request,
            "--evidence",
            &request,
        ],
        &["decide", pack, "--request", "-", "--evidence", "-"],
        &["decide", pack, "--principal", who, "--action", "merge"],
        &[
            "decide",
            pack,
            "--principal",
            "bob",
            "--action",
            "merge",
            "--resource",
            what,
        ],
        &[
            "decide",
            pack,
            "--principal",
            who,
            "--action",
            "merge it",
            "--resource",
            what,
        ],
        &["build", pack],
        &["build", pack, "-o", "/dev/null"],
        &["check"],
        &["test"],
        &["evidence"],
        &["evidence", "git", "--head", "HEAD"],
        &[
            "evidence",
            "git",
            "--base",
            "a",
            "--head",
            "b",
            "--artifact",
            &digest,
        ],
        &[
            "evidence", "git", "--base", "a", "--head", "b", "--live", "c",
        ],
        &[
            "evidence", "git", "--base", "a", "--head", "b", "--role", "r",
        ],
        &[
            "evidence",
            "git",
            "--base",
            "a",
            "--head",
            "b",
            "--directory",
            "d",
            "--assume-emails-are-people",
        ],
        &["completions", "ksh"],
    ] {
        let ended = run(arguments).expect(64);
        assert_eq!(ended.stdout, "", "{arguments:?}");
        assert_ne!(ended.stderr, "", "{arguments:?}");
    }
    let out = folder.path("out.wasm");
    for time in ["", "yesterday", "-1", "1.5", "99999999999999999999"] {
        let mut build = command(&["build", pack, "-o", &out]);
        Ended::of(build.env("SOURCE_DATE_EPOCH", time).output().unwrap()).expect(64);
    }
}

#[test]
fn help_and_version_are_0_on_stdout() {
    let verbs = [
        "check",
        "fmt",
        "test",
        "build",
        "inspect",
        "decide",
        "evidence",
        "completions",
    ];
    let help = run(&["--help"]).expect(0);
    for verb in verbs {
        assert!(
            help.stdout.contains(&format!("\n  {verb} ")),
            "{}",
            help.stdout
        );
        let ended = run(&[verb, "--help"]).expect(0);
        assert!(ended.stdout.contains("Usage: sod"), "{}", ended.stdout);
        assert!(
            ended.stdout.contains("Examples:") || verb == "evidence",
            "{verb}"
        );
        assert_eq!(ended.stderr, "");
    }
    assert!(help.stdout.contains("64  wrong usage"));
    assert_eq!(
        run(&["--version"]).expect(0).stdout,
        concat!("sod ", env!("CARGO_PKG_VERSION"), "\n")
    );
}
