//! Components replaced while they decide.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sod_server::{Clock, Server};

use crate::serving::{ALLOWED, Serving, component, configured, runtime, serve, serve_in};

const OK: &str = "sod_reloads_total{what=\"one\",outcome=\"ok\"}";
const REFUSED: &str = "sod_reloads_total{what=\"one\",outcome=\"refused\"}";

async fn effect(serving: &Serving) -> &'static str {
    let answer = serving.connect().await.ask(ALLOWED).await;
    assert!(answer.is(200), "{answer:?}");
    if answer.body.contains("\"effect\":\"allow\"") {
        "allow"
    } else {
        "deny"
    }
}

fn replace(serving: &Serving, bytes: &[u8]) {
    std::fs::write(serving.file("next"), bytes).unwrap();
    std::fs::rename(serving.file("next"), serving.file("pack.wasm")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_component_is_refused_and_the_last_good_one_stays() {
    let serving = serve("").await;
    let importing =
        wat::parse_str("(component (import \"wasi:io/error@0.2.0\" (instance)))").unwrap();
    let good = component(true);
    let bad: [&[u8]; 4] = [b"garbage", b"", &good[..good.len() / 2], &importing];
    for (count, bytes) in (1..).zip(bad) {
        replace(&serving, bytes);
        serving.until(REFUSED, f64::from(count)).await;
        assert_eq!(effect(&serving).await, "allow");
        // Whoever wonders later what that was has its digest.
        let digest = sod_host::Digest::of(bytes);
        let recorded =
            format!("\"kind\":\"pack-refused\",\"served_as\":\"one\",\"digest\":\"{digest}\"");
        assert_eq!(serving.lines(&recorded).len(), 1, "{count}");
    }
    replace(&serving, &component(false));
    serving.until(OK, 1.0).await;
    assert_eq!(effect(&serving).await, "deny");
    std::fs::remove_file(serving.file("pack.wasm")).unwrap();
    serving.until(REFUSED, 5.0).await;
    assert_eq!(effect(&serving).await, "deny");
    assert_eq!(serving.lines("\"digest\":null").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_during_load_changes_no_answer() {
    let serving = Arc::new(serve("").await);
    let done = Arc::new(AtomicBool::new(false));
    let asking: Vec<_> = (0..4)
        .map(|_| {
            let (serving, done) = (Arc::clone(&serving), Arc::clone(&done));
            tokio::spawn(async move {
                let mut connection = serving.connect().await;
                let mut asked = 0;
                while !done.load(Ordering::Relaxed) {
                    let answer = connection.ask(ALLOWED).await;
                    assert!(answer.is(200), "{answer:?}");
                    assert!(answer.body.contains("\"effect\":\"allow\""), "{answer:?}");
                    asked += 1;
                }
                asked
            })
        })
        .collect();
    for count in 1..=5 {
        replace(&serving, format!("garbage {count}").as_bytes());
        serving.until(REFUSED, f64::from(count)).await;
    }
    done.store(true, Ordering::Relaxed);
    for asking in asking {
        assert!(asking.await.unwrap() > 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_holds_for_every_version() {
    let digest = sod_host::Digest::of(&component(true));
    let folder = tempfile::tempdir().unwrap();
    let (mut config, sources) = configured(folder.path(), "");
    config.pack.get_mut("one").unwrap().digest = Some(digest.to_string());
    let runtime = runtime(&config);
    let server = Server::start(&config, sources, runtime, Clock::system())
        .await
        .unwrap();
    let serving = Serving { server, folder };
    replace(&serving, &component(false));
    serving.until(REFUSED, 1.0).await;
    assert_eq!(effect(&serving).await, "allow");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_tokens_are_read_again_when_they_change() {
    const KEYS_OK: &str = "sod_reloads_total{what=\"keys\",outcome=\"ok\"}";
    const KEYS_REFUSED: &str = "sod_reloads_total{what=\"keys\",outcome=\"refused\"}";
    let key = || rcgen::KeyPair::generate().unwrap().public_key_pem();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("keys.pem"), key()).unwrap();
    let settings = "[identity.jwt]\nkeys = \"keys.pem\"\nalgorithms = [\"ES256\"]\n\
                    issuer = \"https://sso.bank.example\"\naudience = [\"deploys\"]\n";
    let serving = serve_in(folder, settings, Clock::system()).await;
    std::fs::write(serving.file("keys.pem"), "no key").unwrap();
    serving.until(KEYS_REFUSED, 1.0).await;
    assert_eq!(serving.metric(KEYS_OK).await, None);
    std::fs::write(serving.file("keys.pem"), key()).unwrap();
    serving.until(KEYS_OK, 1.0).await;
    serving.goes_on().await;
}
