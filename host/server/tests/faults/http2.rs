//! HTTP/2, frame by frame.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use crate::serving::{ALLOWED, Connection, PATIENCE, resident, serve};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS: u8 = 4;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const GOAWAY: u8 = 7;
const DATA: u8 = 0;
const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
    [&head, payload].concat()
}

/// `POST /v1/decide` with RFC 7541's static table, and path, authority and content type as literals.
fn headers() -> Vec<u8> {
    let path = b"/v1/decide";
    let mut block = vec![0x83, 0x86, 0x04, path.len() as u8];
    block.extend_from_slice(path);
    block.extend_from_slice(&[0x01, 3]);
    block.extend_from_slice(b"sod");
    let json = b"application/json";
    block.extend_from_slice(&[0x0f, 0x10, json.len() as u8]);
    block.extend_from_slice(json);
    block
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_everything_back_is_sent_away() {
    let serving = serve("").await;
    serving.goes_on().await;
    let before = resident("self");
    let mut connection = serving.connect().await.0;
    connection.write_all(PREFACE).await.unwrap();
    connection
        .write_all(&frame(SETTINGS, 0, 0, &[]))
        .await
        .unwrap();
    let (mut reading, mut writing) = connection.into_split();
    let resetting = tokio::spawn(async move {
        let cancel = 8_u32.to_be_bytes();
        for stream in (1..200_000).step_by(2) {
            let open = frame(HEADERS, 0x4, stream, &headers());
            let reset = frame(RST_STREAM, 0, stream, &cancel);
            if writing.write_all(&[open, reset].concat()).await.is_err() {
                return stream;
            }
        }
        u32::MAX
    });
    let mut read = Vec::new();
    let end = timeout(Duration::from_secs(60), reading.read_to_end(&mut read)).await;
    assert!(end.is_ok(), "the connection stays open");
    let streams = resetting.await.unwrap();
    assert!(streams < 200_000, "all was taken");
    let goaway = read
        .windows(9)
        .any(|head| head[3] == GOAWAY && head[5..9] == [0; 4]);
    assert!(
        goaway || end.is_ok_and(|end| end.is_err()),
        "it was not told why"
    );
    let grown = resident("self").saturating_sub(before);
    assert!(grown < 64 << 10, "grew by {grown} kB");
    serving.goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_without_sense_end_the_connection() {
    let serving = serve("[server.limits]\nheader_timeout_ms = 500\nidle_timeout_ms = 500\n").await;
    let frames = [
        frame(HEADERS, 0x4, 1, &[0xff; 40]),
        frame(HEADERS, 0x4, 2, &headers()),
        frame(SETTINGS, 0, 1, &[]),
        vec![0xff; 100],
        frame(9, 0, 1, b"continuation of nothing"),
    ];
    for frame in frames {
        let mut connection = serving.connect().await;
        connection.send(PREFACE).await;
        connection.send(&self::frame(SETTINGS, 0, 0, &[])).await;
        connection.send(&frame).await;
        connection.closed().await;
    }
    serving.goes_on().await;
}

/// The next frame: kind, stream and payload.
async fn next(connection: &mut Connection) -> (u8, u32, Vec<u8>) {
    let mut head = [0; 9];
    let reading = connection.0.read_exact(&mut head);
    timeout(PATIENCE, reading).await.unwrap().unwrap();
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let stream = u32::from_be_bytes(head[5..].try_into().unwrap());
    let mut payload = vec![0; length as usize];
    connection.0.read_exact(&mut payload).await.unwrap();
    (head[3], stream, payload)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_streams_than_are_allowed() {
    const MAX_CONCURRENT_STREAMS: [u8; 2] = [0, 3];
    const REFUSED_STREAM: [u8; 4] = [0, 0, 0, 7];
    let serving = serve("[server.limits]\nhttp2_streams = 2\n").await;
    let mut connection = serving.connect().await;
    connection.send(PREFACE).await;
    connection.send(&frame(SETTINGS, 0, 0, &[])).await;
    // The client is told.
    let (kind, _, settings) = next(&mut connection).await;
    assert_eq!(kind, SETTINGS);
    let told = [&MAX_CONCURRENT_STREAMS[..], &[0, 0, 0, 2]].concat();
    assert!(settings.chunks(6).any(|setting| setting == told));
    // A client that does not care is refused what is beyond, and what came before goes on.
    for stream in [1, 3, 5] {
        connection
            .send(&frame(HEADERS, END_HEADERS, stream, &headers()))
            .await;
    }
    loop {
        let (kind, stream, payload) = next(&mut connection).await;
        assert!(kind != HEADERS && kind != GOAWAY, "{kind} {stream}");
        if kind == RST_STREAM {
            assert_eq!((stream, &payload[..]), (5, &REFUSED_STREAM[..]));
            break;
        }
    }
    for stream in [1, 3] {
        connection
            .send(&frame(DATA, END_STREAM, stream, ALLOWED.as_bytes()))
            .await;
    }
    let mut answered = Vec::new();
    while answered.len() < 2 {
        let (kind, stream, payload) = next(&mut connection).await;
        if kind == DATA && String::from_utf8_lossy(&payload).contains("\"allow\"") {
            answered.push(stream);
        }
    }
    answered.sort_unstable();
    assert_eq!(answered, [1, 3]);
    assert_eq!(serving.decisions().len(), 2);
    // There is room again.
    connection
        .send(&frame(HEADERS, END_HEADERS, 7, &headers()))
        .await;
    connection
        .send(&frame(DATA, END_STREAM, 7, ALLOWED.as_bytes()))
        .await;
    while next(&mut connection).await.1 != 7 {}
}
