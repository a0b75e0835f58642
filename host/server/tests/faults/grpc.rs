//! Envoy's door, byte for byte: messages as protocol buffers have them, made by hand.

use tokio::time::timeout;

use crate::serving::{PATIENCE, Serving, http2_client, serve};

const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";

/// A call to `/deploys/...` is allowed, whoever says so in a header that only a proxy sets.
const SETTINGS: &str = r#"
grpc = "127.0.0.1:0"
[server.limits]
idle_timeout_ms = 2000
header_timeout_ms = 2000
[[route]]
methods = ["POST"]
path = "/deploys/{deployment}"
principal = { type = "Person", id = "{header.x-user}" }
headers_set_by_a_trusted_proxy = ["x-user"]
action = "deploy"
resource = { type = "Deployment", id = "{deployment}" }
evidence = "none"
"#;

/// What a call comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// `CheckResponse.status.code` is 0, which is the only yes.
    Allowed,
    /// It is this one.
    Denied(u64),
    /// There is no response: `grpc-status`, or the HTTP status where there is none.
    Failed(u16),
    /// The connection ended.
    Ended,
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(((number & 0x7f) as u8) | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// A field of a message: a string, bytes or a message.
fn field(number: u64, bytes: &[u8]) -> Vec<u8> {
    [
        varint((number << 3) | 2),
        varint(bytes.len() as u64),
        bytes.to_vec(),
    ]
    .concat()
}

/// `CheckRequest` with these fields of `AttributeContext.HttpRequest`.
fn request(http: &[Vec<u8>]) -> Vec<u8> {
    let (attributes, request, of_http) = (1, 4, 2);
    field(attributes, &field(request, &field(of_http, &http.concat())))
}

fn method(name: &[u8]) -> Vec<u8> {
    field(2, name)
}

fn path(path: &[u8]) -> Vec<u8> {
    field(4, path)
}

fn header(name: &str, value: &[u8]) -> Vec<u8> {
    field(3, &[field(1, name.as_bytes()), field(2, value)].concat())
}

fn user() -> Vec<u8> {
    header("x-user", b"finn")
}

/// A message as gRPC frames it.
fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0][..], &length, message].concat()
}

/// A `POST` to this path that a client of the server's asks about.
pub(crate) fn check(to: &str) -> Vec<u8> {
    framed(&request(&[method(b"POST"), path(to.as_bytes()), user()]))
}

fn good() -> Vec<u8> {
    check("/deploys/7")
}

/// Sends this as the body of a call.
pub(crate) async fn call(serving: &Serving, body: &[u8]) -> Outcome {
    send(serving, CHECK, "application/grpc", body).await
}

async fn send(serving: &Serving, path: &str, content_type: &str, body: &[u8]) -> Outcome {
    let address = serving.server.grpc().unwrap();
    let asked = http2_client()
        .post(format!("http://{address}{path}"))
        .header("content-type", content_type)
        .header("te", "trailers");
    let answer = timeout(PATIENCE, asked.body(body.to_vec()).send()).await;
    let Ok(answer) = answer.expect("an answer or an end") else {
        return Outcome::Ended;
    };
    let status = answer.headers().get("grpc-status");
    let status = status.map(|status| status.to_str().unwrap().parse().unwrap());
    let http = answer.status().as_u16();
    match (status, http) {
        (Some(status), _) if status != 0 => return Outcome::Failed(status),
        (_, 200) => {}
        (_, http) => return Outcome::Failed(http),
    }
    match timeout(PATIENCE, answer.bytes()).await.unwrap() {
        Ok(bytes) if bytes.len() >= 5 => outcome(&bytes[5..]),
        // A call that fails after its headers says so in trailers.
        _ => Outcome::Ended,
    }
}

/// Of a `CheckResponse`.
fn outcome(message: &[u8]) -> Outcome {
    let (status, denied, ok) = (1, 2, 3);
    let fields = fields(message);
    let has = |wanted| fields.iter().any(|(number, _)| *number == wanted);
    let said = fields.iter().find(|(number, _)| *number == status);
    // A message without a status, or a status without a code, is a yes.
    let code = said.map_or(0, |(_, status)| match status.split_first() {
        Some((0x08, rest)) => read_varint(rest).0,
        _ => 0,
    });
    match code {
        0 => Outcome::Allowed,
        code => {
            assert!(has(denied) && !has(ok), "a denial that says go ahead");
            Outcome::Denied(code)
        }
    }
}

/// Fields that are strings, bytes or messages, as all of a `CheckResponse` are.
fn fields(mut message: &[u8]) -> Vec<(u64, &[u8])> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let (tag, rest) = read_varint(message);
        let (length, rest) = read_varint(rest);
        let (value, rest) = rest.split_at(length as usize);
        assert_eq!(tag & 7, 2);
        fields.push((tag >> 3, value));
        message = rest;
    }
    fields
}

fn read_varint(bytes: &[u8]) -> (u64, &[u8]) {
    let end = bytes.iter().position(|byte| byte & 0x80 == 0).unwrap();
    let number = bytes[..=end]
        .iter()
        .rev()
        .fold(0, |number, byte| (number << 7) | u64::from(byte & 0x7f));
    (number, &bytes[end + 1..])
}

const INVALID_ARGUMENT: u64 = 3;
const PERMISSION_DENIED: u64 = 7;

/// The server lives on, and what is right is still allowed: it is not that everything is refused.
async fn goes_on(serving: &Serving) {
    assert_eq!(call(serving, &good()).await, Outcome::Allowed);
    serving.goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_message_is_no_ok() {
    let serving = serve(SETTINGS).await;
    goes_on(&serving).await;
    let decided = serving.decisions().len();
    let good = good();
    let longer = |by: u32| {
        let length = u32::try_from(good.len() - 5).unwrap() + by;
        [&[0][..], &length.to_be_bytes(), &good[5..]].concat()
    };
    let mut compressed = good.clone();
    compressed[0] = 1;
    let mut flags = good.clone();
    flags[0] = 0xff;
    let no_field = |tag: u64| framed(&[varint(tag), vec![0xff; 3]].concat());
    let nested = (0..200).fold(Vec::new(), |inner, _| field(1, &inner));
    let garbage = [
        Vec::new(),
        vec![0],
        vec![0, 0, 0, 0],
        longer(1),
        longer(u32::MAX - 10_000),
        compressed,
        flags,
        [good.clone(), vec![0, 0, 0]].concat(),
        framed(b"abcde"),
        framed(&[0xff; 64]),
        // Lengths beyond the end, tags without a field, groups that never end, varints without an end.
        framed(&[0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]),
        framed(&[0x0a, 0x05, 0x22]),
        framed(&[0x0b; 100]),
        framed(&[0x80; 20]),
        no_field(0),
        no_field(7),
        // A number where a message is.
        framed(&[0x08, 0x01]),
        framed(&request(&[vec![0x10, 0x01]])),
        framed(&nested),
        // Strings are UTF-8.
        framed(&request(&[
            method(b"POST"),
            path(b"/deploys/\xff\xfe"),
            user(),
        ])),
        framed(&request(&[
            method(b"\xc0\xaf"),
            path(b"/deploys/7"),
            user(),
        ])),
    ];
    for body in garbage {
        let called = call(&serving, &body).await;
        let shown: Vec<u8> = body.iter().copied().take(40).collect();
        assert!(
            matches!(called, Outcome::Failed(_) | Outcome::Ended),
            "{called:?}: {shown:02x?}"
        );
    }
    // The beginning of a check is none, wherever it ends: framed as it is, and cut on the way.
    for end in 1..good.len() - 5 {
        let called = call(&serving, &framed(&good[5..5 + end])).await;
        assert!(matches!(called, Outcome::Failed(_)), "{end}: {called:?}");
    }
    assert_eq!(serving.decisions().len(), decided);
    goes_on(&serving).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_lacks_something_is_denied() {
    let serving = serve(SETTINGS).await;
    let (post, to) = (|| method(b"POST"), || path(b"/deploys/7"));
    let unknown = [field(999, b"what is this"), vec![0xf8, 0x3e, 0x01]].concat();
    let lacking = [
        // Nothing, nothing in it, nothing but what nobody knows.
        (Vec::new(), INVALID_ARGUMENT),
        (field(1, b""), INVALID_ARGUMENT),
        (unknown.clone(), INVALID_ARGUMENT),
        (field(1, &unknown), INVALID_ARGUMENT),
        (request(&[]), INVALID_ARGUMENT),
        (request(std::slice::from_ref(&unknown)), INVALID_ARGUMENT),
        (request(&[post(), user()]), INVALID_ARGUMENT),
        (request(&[to(), user()]), INVALID_ARGUMENT),
        (request(&[post(), path(b""), user()]), INVALID_ARGUMENT),
        // Who asks, or what it is.
        (request(&[post(), to()]), PERMISSION_DENIED),
        (
            request(&[post(), to(), header("x-user", b"")]),
            PERMISSION_DENIED,
        ),
        (request(&[method(b"GET"), to(), user()]), PERMISSION_DENIED),
        (request(&[method(b"post"), to(), user()]), PERMISSION_DENIED),
        (
            request(&[post(), path(b"/deploys"), user()]),
            PERMISSION_DENIED,
        ),
        // Of a field that is there twice the last one counts, as protocol buffers have it.
        (
            request(&[post(), to(), path(b"/deploys/../7"), user()]),
            INVALID_ARGUMENT,
        ),
    ];
    for (message, code) in lacking {
        let called = call(&serving, &framed(&message)).await;
        assert_eq!(called, Outcome::Denied(code), "{message:02x?}");
    }
    assert_eq!(serving.decisions(), [""; 0]);
    // A newer Envoy has more to say: what nobody here knows changes nothing.
    let newer = request(&[post(), to(), user(), unknown.clone()]);
    let newer = framed(&[newer, unknown].concat());
    assert_eq!(call(&serving, &newer).await, Outcome::Allowed);
    goes_on(&serving).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_no_ok() {
    let serving = serve(SETTINGS).await;
    let (post, to) = (|| method(b"POST"), || path(b"/deploys/7"));
    let long = |length: usize| vec![b'a'; length];
    let with = |more: Vec<u8>| framed(&request(&[post(), to(), user(), more]));
    let user = |length| framed(&request(&[post(), to(), header("x-user", &long(length))]));
    assert_eq!(
        call(&serving, &user(2_000)).await,
        Outcome::Denied(PERMISSION_DENIED)
    );
    assert_eq!(
        call(&serving, &user(3 << 20)).await,
        Outcome::Denied(PERMISSION_DENIED)
    );
    let path = path(&[&b"/deploys/"[..], &long(9 << 10)].concat());
    let called = call(&serving, &with(path)).await;
    assert!(matches!(called, Outcome::Denied(_)), "{called:?}");
    // RESOURCE_EXHAUSTED: beyond `grpc_message_bytes`.
    assert_eq!(
        call(&serving, &with(field(11, &long(5 << 20)))).await,
        Outcome::Failed(8)
    );
    assert_eq!(call(&serving, &vec![0; 5 << 20]).await, Outcome::Failed(8));
    assert_eq!(serving.decisions(), [""; 0]);
    // Not in the message, but beside it.
    let address = serving.server.grpc().unwrap();
    for (name, value) in [
        ("x-long", long(64 << 10)),
        ("authorization", long(40 << 10)),
    ] {
        let asked = http2_client()
            .post(format!("http://{address}{CHECK}"))
            .header("content-type", "application/grpc")
            .header(name, value);
        let answer = timeout(PATIENCE, asked.body(good()).send()).await.unwrap();
        assert!(answer.is_err() || answer.is_ok_and(|answer| answer.status() == 431));
    }
    assert_eq!(serving.decisions(), [""; 0]);
    goes_on(&serving).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_call_is_no_ok() {
    let serving = serve(SETTINGS).await;
    let good = good();
    for content_type in [
        "application/json",
        "text/plain",
        "application/grpc-web",
        "application/grpc-web-text",
        "application/x-protobuf",
        "application/grpcx",
        "application/grpc+json",
        "",
    ] {
        let called = send(&serving, CHECK, content_type, &good).await;
        assert_eq!(called, Outcome::Failed(415), "{content_type}");
    }
    for path in [
        "/",
        "/envoy.service.auth.v3.Authorization",
        "/envoy.service.auth.v3.Authorization/check",
        "/envoy.service.auth.v3.Authorization/Check/",
        "/envoy.service.auth.v2.Authorization/Check",
        "/v1/decide",
    ] {
        let called = send(&serving, path, "application/grpc", &good).await;
        // UNIMPLEMENTED, or no such page.
        assert!(
            matches!(called, Outcome::Failed(12 | 404)),
            "{path}: {called:?}"
        );
    }
    let address = serving.server.grpc().unwrap();
    let get = http2_client().get(format!("http://{address}{CHECK}"));
    let answer = get
        .header("content-type", "application/grpc")
        .send()
        .await
        .unwrap();
    let status = answer.headers().get("grpc-status");
    assert!(
        answer.status() != 200 || status.is_some_and(|status| status != "0"),
        "{answer:?}"
    );
    assert_eq!(serving.decisions(), [""; 0]);
    goes_on(&serving).await;
}
