//! Clients that take their time.

use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt as _;
use tokio::time::sleep;

use crate::serving::{ALLOWED, get, post, serve};

const LIMITS: &str =
    "[server.limits]\nheader_timeout_ms = 400\nrequest_timeout_ms = 400\nidle_timeout_ms = 400\n";

#[tokio::test(flavor = "multi_thread")]
async fn headers_byte_by_byte_are_not_waited_for() {
    let serving = serve(LIMITS).await;
    let mut connection = serving.connect().await;
    let began = Instant::now();
    for byte in get("/healthz").into_bytes().into_iter().cycle() {
        // The end of the headers never comes.
        if byte == b'\n' {
            continue;
        }
        if connection.0.write_all(&[byte]).await.is_err() {
            break;
        }
        sleep(Duration::from_millis(20)).await;
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "it is still being read"
        );
    }
    serving.goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_byte_by_byte_is_not_waited_for() {
    let serving = serve("[server.limits]\nrequest_timeout_ms = 400\n").await;
    let connection = serving.connect().await;
    let (mut reading, mut writing) = connection.0.into_split();
    let sending = tokio::spawn(async move {
        for byte in post("/v1/decide", &ALLOWED.repeat(100)).into_bytes() {
            let pause = if byte == b'{' { 100 } else { 0 };
            sleep(Duration::from_millis(pause)).await;
            if writing.write_all(&[byte]).await.is_err() {
                break;
            }
        }
    });
    let mut answer = Vec::new();
    // A reset after the answer is as good an end as any.
    let _ = tokio::io::AsyncReadExt::read_to_end(&mut reading, &mut answer).await;
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("request-timeout"), "{answer}");
    sending.abort();
    serving.goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_without_a_request_are_closed() {
    let serving = serve(LIMITS).await;
    let mut silent = serving.connect().await;
    let mut idle = serving.connect().await;
    assert!(idle.ask(ALLOWED).await.is(200));
    silent.closed().await;
    idle.closed().await;
    serving.goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_in_use_is_not_idle() {
    let serving = serve(LIMITS).await;
    let mut connection = serving.connect().await;
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(1500) {
        assert!(connection.ask(ALLOWED).await.is(200));
        sleep(Duration::from_millis(50)).await;
    }
}
