//! `sod build` and `sod inspect`.

use std::fs;

use crate::run::{Ended, Folder, command, run};

#[test]
fn twice_the_same_bytes_and_inspect_tells_what_they_are() {
    let folder = Folder::new();
    let pack = folder.pack();
    let (first, second) = (folder.path("first.wasm"), folder.path("second.wasm"));
    let built = run(&[
        "build",
        &pack,
        "-o",
        &first,
        "--revision",
        "abc",
        "--format",
        "json",
    ])
    .expect(0)
    .json();
    run(&["build", &pack, "-o", &second, "--revision", "abc"]).expect(0);
    let bytes = fs::read(&first).unwrap();
    assert!(bytes == fs::read(&second).unwrap());
    assert_eq!(
        (&built["name"], &built["version"], &built["policies"]),
        (&"small".into(), &"1.2.3".into(), &2.into())
    );

    let inspected = run(&["inspect", &first, "--format", "json"])
        .expect(0)
        .json();
    for key in ["name", "version", "digest", "size", "revision"] {
        assert_eq!(inspected[key], built[key], "{key}");
    }
    assert_eq!(inspected["size"], bytes.len());
    assert_eq!(inspected["imports"], serde_json::json!([]));
    assert_eq!(
        inspected["exports"],
        serde_json::json!(["sod:policy/authorizer@0.1.0"])
    );
    assert_eq!(inspected["revision"], "abc");
    assert_eq!(inspected["created"], serde_json::Value::Null);
    let policies = inspected["policies"].as_array().unwrap();
    let ids: Vec<_> = policies
        .iter()
        .map(|policy| policy["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["bob-reads", "secrets-stay"]);
    assert!(
        policies
            .iter()
            .all(|policy| policy["digest"].as_str().unwrap().starts_with("sha256:"))
    );
}

#[test]
fn the_time_of_a_build_is_told_to_it() {
    let folder = Folder::new();
    let pack = folder.pack();
    let out = folder.path("out.wasm");
    let mut build = command(&["build", &pack, "-o", &out]);
    Ended::of(
        build
            .env("SOURCE_DATE_EPOCH", "1700000000")
            .output()
            .unwrap(),
    )
    .expect(0);
    let inspected = run(&["inspect", &out, "--format", "json"]).expect(0).json();
    assert_eq!(inspected["created"], 1_700_000_000);
    // A folder that is in no repository has no revision.
    assert_eq!(inspected["revision"], serde_json::Value::Null);
    // Others can read it, as far as this process's umask lets them.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let plain = folder.write("plain", "");
        let mode = |path: &str| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&out), mode(&plain));
    }
}

#[test]
fn a_build_that_fails_leaves_what_was_there() {
    let folder = Folder::new();
    let pack = folder.pack();
    folder.write("out/p.wasm", "precious");
    let out = folder.path("out/p.wasm");
    folder.write("pack/rules/read.cedar", "forbid (");
    run(&["build", &pack, "-o", &out]).expect(3);
    assert_eq!(fs::read(&out).unwrap(), b"precious");
    folder.pack();
    run(&["build", &pack, "-o", &out]).expect(0);
    assert_ne!(fs::read(&out).unwrap(), b"precious");
    // Nothing else is left behind.
    assert_eq!(fs::read_dir(folder.path("out")).unwrap().count(), 1);
}
