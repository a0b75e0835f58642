//! What is wrong is said before anything is served, with its place.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::serving::{ALLOWED, Serving, build, replace, run};

fn folder(config: &str) -> TempDir {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    let folder = tempfile::tempdir().unwrap();
    let component = COMPONENT.get_or_init(|| fs::read(build(folder.path(), "views")).unwrap());
    fs::write(folder.path().join("pack.wasm"), component).unwrap();
    fs::write(folder.path().join("sod.toml"), config).unwrap();
    folder
}

/// Exit code and what is said.
fn serve(folder: &Path, more: &[&str]) -> (i32, String) {
    let arguments = [&["serve", "--config", "sod.toml", "--check"], more].concat();
    let ended = run(&arguments, folder);
    assert!(ended.stdout.is_empty());
    (
        ended.status.code().unwrap(),
        String::from_utf8(ended.stderr).unwrap(),
    )
}

const PACK: &str = "[pack.one]\ncomponent = \"pack.wasm\"\n";

#[test]
fn what_can_be_served_is_found_out_without_serving_it() {
    let folder = folder(&format!("[log]\ndirectory = \"log\"\n{PACK}"));
    let (code, said) = serve(folder.path(), &[]);
    assert_eq!((code, said.as_str()), (0, "note: 1 pack can be served\n"));
}

#[test]
fn each_mistake_is_named_with_its_key_and_place() {
    let digest = format!("sha256:{}", "0".repeat(64));
    let mistakes: [(&str, &[&str], i32, &[&str]); 12] = [
        (
            "[server]\nhtpp = \"127.0.0.1:1\"\n",
            &[],
            1,
            &["unknown field `htpp`", "sod.toml:2:1"],
        ),
        (
            "[server]\nhttp = \"localhost\"\n",
            &[],
            1,
            &["sod.toml:2:8"],
        ),
        (
            "[server]\nhttp = \"127.0.0.1:1\"\n",
            &["--http", "127.0.0.1:2"],
            1,
            &["`server.http`", "sod.toml:2:8"],
        ),
        (
            "[server]\nhttp = \"0.0.0.0:1\"\n",
            &[],
            1,
            &["no `[server.tls]`", "sod.toml:2:8", "dangerous_network"],
        ),
        (
            "[server]\ntokens = \"nothing\"\n",
            &[],
            1,
            &["cannot read", "nothing"],
        ),
        (
            "[server]\nmetrics_without_token = true\n",
            &[],
            1,
            &["`server.metrics_without_token`", "sod.toml:2:"],
        ),
        (
            "[server.limits]\nbody_bytes = 0\n",
            &[],
            1,
            &["`server.limits.body_bytes`", "sod.toml:2:14"],
        ),
        (
            "[server.limits]\nconnections = 1000000000\n",
            &[],
            1,
            &["may open", "sod.toml:2:15"],
        ),
        (
            "[server.tls]\ncertificate = \"x\"\nkey = \"y\"\n",
            &[],
            1,
            &["`server.tls.certificate`", "sod.toml:2:"],
        ),
        (
            "[telemetry]\nfilter = \"a=b=c\"\n",
            &[],
            1,
            &["`telemetry.filter`", "sod.toml:2:10"],
        ),
        (
            "[pack.two]\n",
            &[],
            1,
            &["`pack.two`", "neither", "sod.toml"],
        ),
        (
            "",
            &["--component", "one.wasm"],
            1,
            &["`pack.one`", "another pack of that name"],
        ),
    ];
    for (config, flags, code, parts) in mistakes {
        let folder = folder(&format!("{config}{PACK}"));
        let (ended, said) = serve(folder.path(), flags);
        assert_eq!(ended, code, "{config}{said}");
        for part in parts {
            assert!(said.contains(part), "`{part}` is not in: {said}");
        }
    }
    let folder = folder(&format!("{PACK}digest = \"{digest}\"\n"));
    let (code, said) = serve(folder.path(), &[]);
    assert_eq!(code, 5, "{said}");
    assert!(said.contains(&digest), "{said}");
}

#[test]
fn a_check_finds_a_log_that_cannot_be_written() {
    let folder = folder(&format!("[log]\ndirectory = \"file/log\"\n{PACK}"));
    fs::write(folder.path().join("file"), "in the way").unwrap();
    let (code, said) = serve(folder.path(), &[]);
    assert_eq!(code, 1, "{said}");
    for part in [
        "`log.directory`: cannot write to `",
        "Not a directory",
        "sod.toml:2:13",
        "name a folder that this user may write to",
    ] {
        assert!(said.contains(part), "`{part}` is not in: {said}");
    }
    fs::remove_file(folder.path().join("file")).unwrap();
    assert_eq!(serve(folder.path(), &[]).0, 0);
    // It was asked about, and nothing was made there.
    assert!(!folder.path().join("file").exists());
}

/// As systemd's ExecStartPre does at every restart.
#[test]
fn a_check_beside_a_running_server_disturbs_nobody() {
    let folder = folder(&format!(
        "[server]\nhttp = \"127.0.0.1:0\"\n[log]\ndirectory = \"log\"\n{PACK}"
    ));
    let serving = Serving::start(folder.path());
    let ask = || serving.client().ask(ALLOWED).unwrap().status;
    assert_eq!(ask(), 200);
    let (code, said) = serve(folder.path(), &[]);
    assert_eq!((code, said.as_str()), (0, "note: 1 pack can be served\n"));
    assert_eq!(ask(), 200);
    assert!(
        run(&["audit", "verify", "log"], folder.path())
            .status
            .success()
    );
}

#[test]
fn a_log_that_cannot_be_written_ends_it() {
    let folder = folder(&format!("[log]\ndirectory = \"file/log\"\n{PACK}"));
    fs::write(folder.path().join("file"), "in the way").unwrap();
    let ended = run(
        &["serve", "--config", "sod.toml", "--http", "0"],
        folder.path(),
    );
    assert_eq!(ended.status.code(), Some(1));
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(said.contains("file/log"), "{said}");
    assert!(!said.contains("HTTP on"), "{said}");
}

#[test]
fn a_new_pin_holds_after_a_hangup() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let [first, second] = ["first", "second"].map(|name| fs::read(build(folder, name)).unwrap());
    let file = folder.join("pack.wasm");
    let pinned = |component: &[u8]| {
        let digest = sod_host::Digest::of(component);
        let config = format!(
            "[server]\nhttp = \"127.0.0.1:0\"\n[log]\ndirectory = \"log\"\n{PACK}digest = \"{digest}\"\n"
        );
        fs::write(folder.join("sod.toml"), config).unwrap();
    };
    replace(&file, &first);
    pinned(&first);
    let serving = Serving::start(folder);
    let rule = || {
        let answer = serving.client().ask(ALLOWED).unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        ["first", "second"]
            .into_iter()
            .find(|name| answer.body.contains(&format!("\"{name}\"")))
            .unwrap()
    };
    assert_eq!(rule(), "first");
    replace(&file, &second);
    serving.until("sod_reloads_total{what=\"one\",outcome=\"refused\"}", 1.0);
    assert_eq!(rule(), "first");
    pinned(&second);
    serving.signal("HUP");
    serving.until(
        "sod_reloads_total{what=\"configuration\",outcome=\"ok\"}",
        1.0,
    );
    assert_eq!(rule(), "second");
    // A configuration that is broken changes nothing.
    fs::write(folder.join("sod.toml"), "[nonsense]\n").unwrap();
    serving.signal("HUP");
    serving.until(
        "sod_reloads_total{what=\"configuration\",outcome=\"refused\"}",
        1.0,
    );
    assert_eq!(rule(), "second");
}
