//! What is no request.

use std::fmt::Write as _;

use tokio::io::AsyncWriteExt as _;

use crate::serving::{ALLOWED, Serving, post, serve};

async fn status(serving: &Serving, bytes: &str) -> u16 {
    let mut connection = serving.connect().await;
    connection.send(bytes.as_bytes()).await;
    connection.answer().await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_gets_a_4xx() {
    let serving = serve("").await;
    let many: String = (0..200).fold(String::new(), |mut all, n| {
        let _ = write!(all, "x-{n}: 1\r\n");
        all
    });
    let long = "y".repeat(100_000);
    let cases = [
        ("NONSENSE\r\n\r\n".to_owned(), 400),
        (
            "POST /v1/decide HTTP/1.1\r\nhost: sod\r\ncontent-length: x\r\n\r\n".to_owned(),
            400,
        ),
        ("GET /healthz HTTP/9.9\r\n\r\n".to_owned(), 400),
        (
            format!("GET /healthz HTTP/1.1\r\nhost: sod\r\n{many}\r\n"),
            431,
        ),
        (
            format!("GET /healthz HTTP/1.1\r\nhost: sod\r\nx: {long}\r\n\r\n"),
            431,
        ),
        (post("/v1/decide", ""), 400),
        (post("/v1/decide", "{"), 400),
        (post("/v1/decide", "[]"), 400),
        (post("/v1/decide", "null"), 400),
        (post("/v1/decide", "\u{0}\u{1}"), 400),
        (post("/v1/decide", &ALLOWED[..40]), 400),
        (
            post(
                "/v1/decide",
                &ALLOWED.replace("merge\"", "merge\", \"x\": 1"),
            ),
            400,
        ),
        (post("/v1/decide", &"[".repeat(1_000_000)), 400),
        (post("/v1/nothing", ALLOWED), 404),
        (
            "GET /v1/decide HTTP/1.1\r\nhost: sod\r\n\r\n".to_owned(),
            405,
        ),
    ];
    for (bytes, expected) in cases {
        let shown: String = bytes.chars().take(80).collect();
        assert_eq!(status(&serving, &bytes).await, expected, "{shown}");
    }
    serving.goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_body_is_never_decided_on() {
    let serving = serve("").await;
    let request = post("/v1/decide", ALLOWED).replace("content-length: ", "content-length: 1");
    let mut connection = serving.connect().await;
    connection.send(request.as_bytes()).await;
    connection.0.shutdown().await.unwrap();
    let answer = connection.answer().await;
    assert!(matches!(answer.status, 0 | 400), "{answer:?}");
    assert!(!answer.body.contains("allow"), "{answer:?}");
    serving.goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_nothing_more_to_say_still_gets_the_answer() {
    let serving = serve("").await;
    let mut connection = serving.connect().await;
    connection
        .send(post("/v1/decide", ALLOWED).as_bytes())
        .await;
    connection.0.shutdown().await.unwrap();
    assert!(connection.answer().await.is(200));
}
