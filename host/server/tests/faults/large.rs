//! Too much: bodies, connections, all of them together.

use tokio::io::AsyncWriteExt as _;

use crate::serving::{ALLOWED, post, resident, serve};
use crate::unrecorded::SETTINGS;

const MIB: usize = 1 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_100_mb_is_refused_and_not_kept() {
    let serving = serve("").await;
    serving.goes_on().await;
    let before = resident("self");
    let block = vec![b' '; MIB];
    for chunked in [false, true] {
        let how = if chunked {
            "transfer-encoding: chunked".to_owned()
        } else {
            format!("content-length: {}", 100 * MIB)
        };
        let head = format!("POST /v1/decide HTTP/1.1\r\nhost: sod\r\n{how}\r\n\r\n");
        let mut connection = serving.connect().await;
        connection.send(head.as_bytes()).await;
        for _ in 0..100 {
            if chunked {
                connection.send(format!("{MIB:x}\r\n").as_bytes()).await;
            }
            connection.send(&block).await;
            if chunked {
                connection.send(b"\r\n").await;
            }
        }
        // All of it is sent before the answer is looked at, as simple clients do.
        let answer = connection.answer().await;
        assert!(answer.is(413), "{answer:?}");
        assert!(answer.body.contains("too-large"), "{answer:?}");
    }
    let grown = resident("self").saturating_sub(before);
    assert!(grown < 64 << 10, "grew by {grown} kB");
    serving.goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_proxy_sends_on_may_be_as_large_as_what_others_send() {
    let serving = serve(SETTINGS).await;
    let sent = post("/gate/envoy/deploy", &" ".repeat(15 * MIB));
    let answer = serving.ask(&sent).await;
    assert!(answer.is(200), "{answer:?}");
    let sent = post("/gate/envoy/deploy", &" ".repeat(17 * MIB));
    let answer = serving.ask(&sent).await;
    assert!(answer.is(413), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_bodies_together_have_a_limit() {
    let limits =
        "[server.limits]\nbody_bytes = 65536\nbodies_bytes = 65536\ngrpc_message_bytes = 1024\n";
    let serving = serve(limits).await;
    let head = "POST /v1/decide HTTP/1.1\r\nhost: sod\r\ncontent-length: 65536\r\n\r\n";
    let other = format!("{ALLOWED}{}", " ".repeat(8000));
    // The others come while the first body is on its way, whenever it has arrived. If one of them was there before it, the
    // first is sent away, and comes again.
    let first = 'full: loop {
        let mut first = serving.connect().await;
        first.send(head.as_bytes()).await;
        first.send(&vec![b' '; 60_000]).await;
        for _ in 0..50 {
            let answer = serving.connect().await.ask(&other).await;
            if answer.is(503) {
                answer.is_unavailable("busy");
                break 'full first;
            }
            assert!(answer.is(200), "{answer:?}");
        }
    };
    drop(first);
    loop {
        let answer = serving.connect().await.ask(ALLOWED).await;
        if answer.is(200) {
            break;
        }
        assert!(answer.is(503), "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_beyond_the_limit_are_told_so() {
    let serving = serve("[server.limits]\nconnections = 2\n").await;
    let mut first = serving.connect().await;
    let mut second = serving.connect().await;
    assert!(first.ask(ALLOWED).await.is(200));
    assert!(second.ask(ALLOWED).await.is(200));
    let third = serving.connect().await.answer().await;
    assert!(third.is(503), "{third:?}");
    assert!(third.body.contains("too many connections"), "{third:?}");
    // Who was there first is not put out.
    assert!(first.ask(ALLOWED).await.is(200));
    drop(second);
    loop {
        let mut next = serving.connect().await;
        let sent = next
            .0
            .write_all(post("/v1/decide", ALLOWED).as_bytes())
            .await;
        if sent.is_ok() && next.answer().await.is(200) {
            break;
        }
    }
}
