//! Who may ask.

use crate::serving::{ALLOWED, Answer, Serving, http2_client, post, serve_in};
use sod_server::Clock;

/// SHA-256 of `abc`, FIPS 180-2 appendix B.1.
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

async fn guarded(settings: &str) -> Serving {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tokens"), format!("deploy-bot:{ABC}\n")).unwrap();
    let settings = format!("tokens = \"tokens\"\n{settings}");
    serve_in(folder, &settings, Clock::system()).await
}

async fn with(serving: &Serving, header: &str) -> Answer {
    let request = post("/v1/decide", ALLOWED).replacen("\r\n", &format!("\r\n{header}"), 1);
    let mut connection = serving.connect().await;
    connection.send(request.as_bytes()).await;
    connection.answer().await
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_known_token_nobody_is_answered() {
    let serving = guarded("").await;
    for header in [
        "",
        "authorization: Bearer abcd\r\n",
        "authorization: Basic abc\r\n",
    ] {
        let answer = with(&serving, header).await;
        assert!(answer.is(401), "{header}: {answer:?}");
        assert!(
            answer.head.contains("www-authenticate: bearer"),
            "{answer:?}"
        );
        assert!(!answer.body.contains("effect"), "{answer:?}");
    }
    assert_eq!(serving.decisions(), [""; 0]);
    let answer = with(&serving, "authorization: Bearer abc\r\n").await;
    assert!(answer.is(200), "{answer:?}");
    let decisions = serving.decisions();
    assert_eq!(decisions.len(), 1);
    assert!(decisions[0].contains("\"deploy-bot\""), "{decisions:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_need_no_token_and_metrics_do() {
    let serving = guarded("").await;
    assert!(serving.get("/healthz").await.is(200));
    assert!(serving.get("/readyz").await.is(200));
    assert!(serving.get("/metrics").await.is(401));
    let serving = guarded("metrics_without_token = true\n").await;
    assert!(serving.get("/metrics").await.is(200));
    assert!(serving.get("/metrics/").await.is(401));
}

#[tokio::test(flavor = "multi_thread")]
async fn grpc_is_told_in_its_own_words() {
    let serving = guarded("grpc = \"127.0.0.1:0\"\n").await;
    let address = serving.server.grpc().unwrap();
    let client = http2_client();
    let check = format!("http://{address}/envoy.service.auth.v3.Authorization/Check");
    let asked = client
        .post(check)
        .header("content-type", "application/grpc");
    let answer = asked.body(vec![0; 5]).send().await.unwrap();
    // UNAUTHENTICATED
    assert_eq!(answer.headers().get("grpc-status").unwrap(), "16");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_taken_back_is_worth_nothing_soon() {
    let serving = guarded("metrics_without_token = true\n").await;
    let header = "authorization: Bearer abc\r\n";
    assert!(with(&serving, header).await.is(200));
    std::fs::write(
        serving.file("tokens"),
        format!("other:{}\n", "0".repeat(64)),
    )
    .unwrap();
    serving
        .until("sod_reloads_total{what=\"tokens\",outcome=\"ok\"}", 1.0)
        .await;
    assert!(with(&serving, header).await.is(401));
    // A file that means nothing is refused: nobody is let in who was not before, and nobody is put out.
    std::fs::write(serving.file("tokens"), "nonsense\n").unwrap();
    serving
        .until(
            "sod_reloads_total{what=\"tokens\",outcome=\"refused\"}",
            1.0,
        )
        .await;
    assert!(with(&serving, header).await.is(401));
}
