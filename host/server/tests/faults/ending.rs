//! The end: everybody who asked has an answer, and nobody waits for ever.

use std::time::{Duration, Instant};

use sod_server::Ended;
use tokio::net::TcpStream;

use crate::serving::{ALLOWED, Connection, get, post, serve};

#[tokio::test(flavor = "multi_thread")]
async fn who_has_asked_is_answered_and_nobody_else_is_let_in() {
    let serving = serve("monitoring = \"127.0.0.1:0\"\n").await;
    let (http, monitoring) = (serving.http(), serving.server.monitoring().unwrap());
    let request = post("/v1/decide", ALLOWED);
    let (head, tail) = request.split_at(request.len() - 10);
    let mut asking = serving.connect().await;
    asking.send(head.as_bytes()).await;
    serving.until("sod_requests_in_flight", 2.0).await;
    let mut idle = serving.connect().await;
    assert!(idle.ask(ALLOWED).await.is(200));
    let ending = tokio::spawn(serving.server.stop());
    idle.closed().await;
    while TcpStream::connect(http).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut probe = Connection(TcpStream::connect(monitoring).await.unwrap());
    probe.send(get("/readyz").as_bytes()).await;
    let ready = probe.answer().await;
    assert!(ready.is(503), "{ready:?}");
    assert!(ready.body.contains("ending"), "{ready:?}");
    asking.send(tail.as_bytes()).await;
    assert!(asking.answer().await.is(200));
    assert_eq!(ending.await.unwrap(), Ended::Answered);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_never_ends_is_cut_off() {
    let serving = serve("drain_ms = 300\n").await;
    let mut asking = serving.connect().await;
    let request = post("/v1/decide", ALLOWED);
    asking.send(&request.as_bytes()[..request.len() - 1]).await;
    serving.until("sod_requests_in_flight", 2.0).await;
    assert_eq!(serving.server.stop().await, Ended::CutOff);
    let answer = asking.answer().await;
    assert_eq!(answer.status, 0, "{answer:?}");
}

/// Whoever balances load looks at `/readyz` every few seconds, and sends requests until then.
#[tokio::test(flavor = "multi_thread")]
async fn before_the_end_it_says_so_and_still_answers() {
    const DELAY: Duration = Duration::from_secs(3);
    let serving = serve("drain_delay_ms = 3000\n").await;
    let http = serving.http();
    assert!(serving.get("/readyz").await.is(200));
    let began = Instant::now();
    let ending = tokio::spawn(serving.server.stop());
    let ask = async |request: &str| {
        let mut connection = Connection(TcpStream::connect(http).await.ok()?);
        connection.send(request.as_bytes()).await;
        Some(connection.answer().await)
    };
    loop {
        let ready = ask(&get("/readyz")).await.unwrap();
        if ready.is(503) {
            assert!(ready.body.contains("ending"), "{ready:?}");
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // New connections, too.
    let answer = ask(&post("/v1/decide", ALLOWED)).await.unwrap();
    assert!(answer.is(200) && !ending.is_finished(), "{answer:?}");
    assert_eq!(ending.await.unwrap(), Ended::Answered);
    assert!(began.elapsed() >= DELAY, "{:?}", began.elapsed());
    assert!(TcpStream::connect(http).await.is_err());
}
