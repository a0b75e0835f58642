//! Traces, as a collector gets them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;

use crate::serving::{ALLOWED, PATIENCE, post as request, serve};

type Seen = Arc<Mutex<Vec<u8>>>;

/// `ExportTraceServiceResponse` without fields, as gRPC frames it.
async fn export(State(seen): State<Seen>, body: Bytes) -> Response {
    seen.lock().unwrap().extend_from_slice(&body);
    let mut response = vec![0_u8; 5].into_response();
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static("application/grpc"));
    headers.insert("grpc-status", HeaderValue::from_static("0"));
    response
}

async fn collector() -> (String, Seen) {
    let seen = Seen::default();
    let path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    let router = Router::new()
        .route(path, post(export))
        .with_state(Arc::clone(&seen));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (format!("http://{address}"), seen)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_a_span_below_its_caller() {
    let (endpoint, seen) = collector().await;
    let serving = serve(&format!(
        "[telemetry]\notlp = \"{endpoint}\"\nfilter = \"off\"\n"
    ))
    .await;
    let text = format!("[telemetry]\notlp = \"{endpoint}\"\nfilter = \"off\"\n");
    let config = sod_server::Config::parse(&text, "sod.toml", "".into()).unwrap();
    let telemetry = sod_server::telemetry::start(&config.telemetry).unwrap();
    // The example of W3C Trace Context.
    let trace = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n";
    let asked = request("/v1/decide", ALLOWED).replacen("\r\n", &format!("\r\n{trace}"), 1);
    let mut connection = serving.connect().await;
    connection.send(asked.as_bytes()).await;
    assert!(connection.answer().await.is(200));
    let flushed = tokio::task::spawn_blocking(|| drop(telemetry));
    tokio::time::timeout(PATIENCE, flushed)
        .await
        .unwrap()
        .unwrap();
    let holds = |bytes: &[u8]| {
        seen.lock()
            .unwrap()
            .windows(bytes.len())
            .any(|part| part == bytes)
    };
    let trace = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736_u128.to_be_bytes();
    assert!(holds(&trace), "no span of that trace");
    assert!(
        holds(&0x00f0_67aa_0ba9_02b7_u64.to_be_bytes()),
        "no such parent"
    );
    for text in [
        "POST /v1/decide",
        "sod.decision.id",
        "sod.pack",
        "sod.effect",
    ] {
        assert!(holds(text.as_bytes()), "no `{text}` in the span");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_not_there_changes_nothing() {
    // Nobody listens on port 1.
    let serving = serve("[telemetry]\notlp = \"http://127.0.0.1:1\"\n").await;
    let began = std::time::Instant::now();
    for _ in 0..20 {
        serving.goes_on().await;
    }
    assert!(began.elapsed() < Duration::from_secs(20));
}
