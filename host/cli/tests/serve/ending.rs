//! Signals under load.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::serving::{ALLOWED, Client, Serving, build, logged, run};

fn start(folder: &std::path::Path, more: &str) -> Serving {
    build(folder, "views");
    let config = format!(
        "[pack.views]\ncomponent = \"views.wasm\"\n[log]\ndirectory = \"log\"\n[server]\nhttp = \"127.0.0.1:0\"\n{more}"
    );
    fs::write(folder.join("sod.toml"), config).unwrap();
    Serving::start(folder)
}

#[test]
fn a_server_told_to_end_under_load_loses_no_answer_and_no_record() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut serving = start(folder, "");
    let ending = Arc::new(AtomicBool::new(false));
    let asking: Vec<_> = (0..4)
        .map(|_| {
            let (mut client, ending) = (serving.client(), Arc::clone(&ending));
            std::thread::spawn(move || {
                let mut ids = Vec::new();
                // Until the server says goodbye. What it has taken in before that, it answers.
                while let Some(answer) = client.ask(ALLOWED) {
                    assert_eq!(answer.status, 200, "{answer:?}");
                    ids.push(answer.header("sod-decision-id").unwrap().to_owned());
                }
                assert!(
                    ending.load(Ordering::Relaxed),
                    "it ended before it was told to"
                );
                ids
            })
        })
        .collect();
    serving.until("sod_answers_total{listener=\"http\",status=\"200\"}", 100.0);
    ending.store(true, Ordering::Relaxed);
    serving.signal("TERM");
    assert_eq!(serving.ended().code(), Some(0), "{}", serving.stderr());
    let mut ids: Vec<String> = asking
        .into_iter()
        .flat_map(|asking| asking.join().unwrap())
        .collect();
    let mut logged = logged(&folder.join("log"));
    ids.sort_unstable();
    logged.sort_unstable();
    assert_eq!(ids, logged);
    assert!(run(&["audit", "verify", "log"], folder).status.success());
}

#[test]
fn a_second_signal_ends_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut serving = start(folder.path(), "drain_ms = 600000\n");
    let mut asking = Client::connect(serving.http);
    asking.send("POST /v1/decide HTTP/1.1\r\nhost: sod\r\ncontent-length: 10\r\n\r\n{");
    serving.until("sod_requests_in_flight", 2.0);
    serving.signal("TERM");
    while !serving.stderr().contains("ending") {
        std::thread::yield_now();
    }
    serving.signal("INT");
    assert_eq!(serving.ended().code(), Some(1));
}
