//! Routes of a configuration that changes while it is served.

use std::fs;
use std::path::Path;

use serde_json::Value;
use sod_host::Digest;

use crate::serving::{Serving, build, replace, run};

const OK: &str = "sod_reloads_total{what=\"configuration\",outcome=\"ok\"}";
const REFUSED: &str = "sod_reloads_total{what=\"configuration\",outcome=\"refused\"}";

/// A configuration with a route for each of these paths.
fn configuration(paths: &[&str]) -> String {
    let server = "[server]\nhttp = \"127.0.0.1:0\"\n[log]\ndirectory = \"log\"\n[pack.views]\ncomponent = \"views.wasm\"\n";
    let route = |path: &&str| {
        format!(
            "[[route]]\nmethods = [\"GET\"]\npath = \"{path}\"\nprincipal = {{ type = \"user\", id = \"ana\" }}\n\
             action = \"view\"\nresource = {{ type = \"record\", id = \"1\" }}\nevidence = \"none\"\n"
        )
    };
    let routes: String = paths.iter().map(route).collect();
    format!("{server}{routes}")
}

fn configure(folder: &Path, text: &str) {
    fs::write(folder.join("sod.toml"), text).unwrap();
}

/// Which of the two may go through.
fn passing(serving: &Serving) -> Vec<&'static str> {
    let mut client = serving.client();
    let mut passing = Vec::new();
    for path in ["/a", "/b"] {
        let answer = client.get(&format!("/gate/envoy{path}"));
        match answer.status {
            200 => passing.push(path),
            status => assert!(
                status == 403 && answer.body.contains("no-route"),
                "{answer:?}"
            ),
        }
    }
    passing
}

#[test]
fn routes_change_all_at_once_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let component = build(folder, "views");
    let good = fs::read(&component).unwrap();
    configure(folder, &configuration(&["/a"]));
    let mut serving = Serving::start(folder);
    assert_eq!(passing(&serving), ["/a"]);
    // One that is right beside one that is wrong; and one in the file, but without a word.
    configure(folder, &configuration(&["/b", "b"]));
    assert_eq!(passing(&serving), ["/a"]);
    serving.signal("HUP");
    serving.until(REFUSED, 1.0);
    assert_eq!(passing(&serving), ["/a"]);
    assert!(serving.stderr().contains("route 2"), "{}", serving.stderr());
    // Routes for a component that is refused.
    replace(&component, b"garbage");
    configure(folder, &configuration(&["/b"]));
    serving.signal("HUP");
    serving.until(REFUSED, 2.0);
    assert_eq!(passing(&serving), ["/a"]);
    replace(&component, &good);
    let text = configuration(&["/b"]);
    configure(folder, &text);
    serving.signal("HUP");
    serving.until(OK, 1.0);
    assert_eq!(passing(&serving), ["/b"]);
    serving.signal("TERM");
    assert_eq!(serving.ended().code(), Some(0), "{}", serving.stderr());
    // The log says which configuration was in force, and when it changed.
    assert!(run(&["audit", "verify", "log"], folder).status.success());
    let file = fs::read_dir(folder.join("log")).unwrap();
    let mut files = file.map(|entry| entry.unwrap().path());
    let file = files.find(|path| path.extension().is_some_and(|kind| kind == "jsonl"));
    let lines = fs::read_to_string(file.unwrap()).unwrap();
    let lines = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let changed: Vec<Value> = lines
        .filter(|line| line["kind"] == "configuration")
        .collect();
    assert_eq!(changed.len(), 1, "{changed:?}");
    assert_eq!(
        changed[0]["configuration"],
        Digest::of(text.as_bytes()).to_string()
    );
}
