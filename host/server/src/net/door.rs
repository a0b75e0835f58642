//! What every request passes before a handler sees it: who asks, how much, how long.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use axum::response::IntoResponse as _;
use futures_util::FutureExt as _;
use hyper::body::Incoming;
use tokio::time::timeout_at;
use tonic::{Code, Status};
use tower::ServiceExt as _;
use tracing::Instrument as _;

use super::body::{self, Room, Unread};
use super::guard::Guard;
use super::limits::Limits;
use super::{Listener, health};
use crate::http::{Client, Problem, REQUEST_ID, Secure, complete};
use crate::metrics::Metrics;
use crate::telemetry;

/// One listener's way in. Shared by all of its connections.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) listener: Listener,
    /// Everything comes over TLS.
    pub(super) secure: bool,
    pub(super) router: Router,
    pub(super) limits: Limits,
    pub(super) guard: Option<Arc<Guard>>,
    pub(super) room: Room,
    pub(super) metrics: Arc<Metrics>,
}

/// Why a request does not get to a handler.
#[derive(Debug, Clone, Copy)]
enum Turned {
    Unknown,
    TooManyHeaders,
    /// To the gRPC services, and no gRPC.
    Foreign,
    Slow,
    Late,
    /// A defect.
    BrokenOff,
    Unread(Unread),
}

impl Door {
    /// The answer, always: there is no error that would leave the caller guessing.
    pub(super) async fn answer(
        &self,
        request: Request<Incoming>,
        certificate: Option<Arc<str>>,
    ) -> Response<Body> {
        let began = Instant::now();
        let _counted = self.metrics.request();
        let span = telemetry::span(self.listener.as_str(), &request);
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let grpc = is_grpc(request.headers());
        let request_id = request.headers().get(REQUEST_ID).cloned();
        let client = self.client(&request, certificate.as_deref());
        let response = self.pass(request, client.clone()).instrument(span.clone());
        let response = response
            .await
            .unwrap_or_else(|turned| turned.into_response(grpc, &self.limits));
        let mut response = complete(response, &path);
        let status = response.status();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            let headers = response.headers_mut();
            headers
                .entry(RETRY_AFTER)
                .or_insert(HeaderValue::from_static("1"));
        }
        // Every answer has the name that the sender gave to the request.
        if let Some(id) = request_id.filter(|_| !grpc) {
            response.headers_mut().entry(REQUEST_ID).or_insert(id);
        }
        span.record("http.response.status_code", status.as_u16());
        self.metrics
            .answered(self.listener.as_str(), status.as_u16());
        let client = client.ok().flatten();
        let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        let listener = self.listener.as_str();
        if status.is_client_error() || status.is_server_error() {
            tracing::warn!(target: telemetry::ACCESS, listener, %method, path, status = status.as_u16(), micros, client);
        } else {
            tracing::info!(target: telemetry::ACCESS, listener, %method, path, status = status.as_u16(), micros, client);
        }
        response
    }

    /// Who asks, as far as they have to say.
    fn client<B>(
        &self,
        request: &Request<B>,
        certificate: Option<&str>,
    ) -> Result<Option<String>, Turned> {
        let certificate = certificate.map(str::to_owned);
        let Some(guard) = &self.guard else {
            return Ok(certificate);
        };
        match guard.name(request.headers()) {
            Some(name) => Ok(Some(name)),
            None if guard.is_open(request.uri().path()) => Ok(certificate),
            None => Err(Turned::Unknown),
        }
    }

    async fn pass(
        &self,
        request: Request<Incoming>,
        client: Result<Option<String>, Turned>,
    ) -> Result<Response<Body>, Turned> {
        let (mut parts, mut body) = request.into_parts();
        let client = match client {
            Ok(_) if parts.headers.len() > self.limits.headers => Err(Turned::TooManyHeaders),
            Ok(_) if self.listener == Listener::Grpc && !is_grpc(&parts.headers) => {
                Err(Turned::Foreign)
            }
            client => client,
        };
        let client = match client {
            Ok(client) => client,
            Err(turned) => {
                body::discard(body, body::UNWANTED_FOR);
                return Err(turned);
            }
        };
        let deadline = tokio::time::Instant::now() + self.limits.request_timeout();
        let most = self.most_bytes(&parts.uri);
        let read = match timeout_at(deadline, body::read(&mut body, most, &self.room)).await {
            Ok(Ok(read)) => read,
            Ok(Err(unread)) => {
                body::discard(body, body::UNWANTED_FOR);
                return Err(Turned::Unread(unread));
            }
            Err(_) => {
                body::discard(body, body::LATE_FOR);
                return Err(Turned::Slow);
            }
        };
        parts.extensions.insert(Client(client));
        if self.secure {
            parts.extensions.insert(Secure);
        }
        let request = Request::from_parts(parts, Body::from(read.bytes));
        let answer = AssertUnwindSafe(self.router.clone().oneshot(request)).catch_unwind();
        let answer = timeout_at(deadline, answer).await;
        drop(read.room);
        let Ok(answer) = answer
            .map_err(|_| Turned::Late)?
            .map_err(|_| Turned::BrokenOff)?;
        Ok(answer)
    }

    fn most_bytes(&self, uri: &axum::http::Uri) -> usize {
        // A gRPC message has five bytes before it.
        match self.listener {
            Listener::Grpc => self.limits.grpc_message_bytes.saturating_add(5),
            Listener::Monitoring => 0,
            Listener::Http if uri.path() == health::METRICS => 0,
            Listener::Http => self.limits.body_bytes,
        }
    }
}

/// By its content type, which every call of gRPC has.
fn is_grpc(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let essence = kind.and_then(|kind| kind.split(|&byte| byte == b';').next());
    matches!(
        essence.map(<[u8]>::trim_ascii_end),
        Some(b"application/grpc" | b"application/grpc+proto")
    )
}

impl Turned {
    fn status(self) -> (StatusCode, Code) {
        match self {
            Turned::Unknown => (StatusCode::UNAUTHORIZED, Code::Unauthenticated),
            Turned::TooManyHeaders => (
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                Code::ResourceExhausted,
            ),
            Turned::Foreign => (StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::InvalidArgument),
            Turned::Slow => (StatusCode::REQUEST_TIMEOUT, Code::DeadlineExceeded),
            Turned::Late => (StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable),
            Turned::BrokenOff => (StatusCode::INTERNAL_SERVER_ERROR, Code::Internal),
            Turned::Unread(Unread::TooLarge) => {
                (StatusCode::PAYLOAD_TOO_LARGE, Code::ResourceExhausted)
            }
            Turned::Unread(Unread::NoRoom) => (StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable),
            Turned::Unread(Unread::Broken) => (StatusCode::BAD_REQUEST, Code::InvalidArgument),
        }
    }

    fn code(self) -> &'static str {
        match self {
            Turned::Unknown => "unauthenticated",
            Turned::TooManyHeaders => "too-many-headers",
            Turned::Foreign => "not-grpc",
            Turned::Slow => "request-timeout",
            Turned::Late => "late",
            Turned::BrokenOff => "broken-off",
            Turned::Unread(Unread::TooLarge) => "too-large",
            Turned::Unread(Unread::NoRoom) => "busy",
            Turned::Unread(Unread::Broken) => "body-broken",
        }
    }

    fn help(self) -> &'static str {
        match self {
            Turned::Unknown => "send `Authorization: Bearer TOKEN`; the operator hands tokens out",
            Turned::TooManyHeaders => {
                "send fewer, or have the operator raise `server.limits.headers`"
            }
            Turned::Foreign => "ask the HTTP APIs at `server.http`",
            Turned::Slow | Turned::Unread(Unread::Broken) => {
                "send all of the body that is announced"
            }
            Turned::Late | Turned::Unread(Unread::NoRoom) => "ask again in a second",
            Turned::BrokenOff => "a defect of sod: report it",
            Turned::Unread(Unread::TooLarge) => {
                "send less, or have the operator raise `server.limits.body_bytes`"
            }
        }
    }

    fn message(self, limits: &Limits) -> String {
        match self {
            Turned::Unknown => "a bearer token that this server knows is needed".to_owned(),
            Turned::TooManyHeaders => format!("there are more than {} headers", limits.headers),
            Turned::Foreign => "gRPC is spoken here, in messages of `application/grpc`".to_owned(),
            Turned::Slow => format!(
                "the body was not there after {} ms",
                limits.request_timeout_ms
            ),
            Turned::Late => format!("there was no answer after {} ms", limits.request_timeout_ms),
            Turned::BrokenOff => "the answer broke off".to_owned(),
            Turned::Unread(Unread::TooLarge) => {
                "the body is larger than this server takes".to_owned()
            }
            Turned::Unread(Unread::NoRoom) => "too many bodies at once".to_owned(),
            Turned::Unread(Unread::Broken) => "the body broke off".to_owned(),
        }
    }

    /// In the words of who asked: a gRPC client does not read HTTP's.
    fn into_response(self, grpc: bool, limits: &Limits) -> Response<Body> {
        let (status, code) = self.status();
        let message = self.message(limits);
        if grpc {
            return Status::new(code, message).into_http();
        }
        let title = status.canonical_reason().unwrap_or_default();
        let problem = Problem::new(status, self.code(), title, message);
        let mut response = problem.with_help(self.help()).into_response();
        let headers = response.headers_mut();
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    //! A defect is the end of one answer, and of nothing else.

    #![expect(
        clippy::panic,
        clippy::unwrap_used,
        reason = "a test fails by panicking, and what is tested panics"
    )]

    use axum::routing::get;
    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    async fn broken() -> &'static str {
        panic!("this is the defect")
    }

    /// What comes for a GET of the path, as it comes.
    async fn answer(door: &Arc<Door>, path: &str) -> String {
        let (mut client, server) = duplex(64 << 10);
        let door = Arc::clone(door);
        let service = service_fn(move |request| {
            let door = Arc::clone(&door);
            async move { Ok::<_, std::convert::Infallible>(door.answer(request, None).await) }
        });
        let serving = http1::Builder::new().serve_connection(TokioIo::new(server), service);
        let asking = async {
            let head = "host: sod\r\nx-request-id: r-1\r\nconnection: close\r\n\r\n";
            let request = format!("GET {path} HTTP/1.1\r\n{head}");
            client.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.unwrap();
            answer
        };
        let (served, answer) = tokio::join!(serving, asking);
        served.unwrap();
        answer
    }

    #[tokio::test]
    async fn a_panic_is_an_answer_like_every_other_error() {
        let router = Router::new()
            .route("/broken", get(broken))
            .route("/whole", get(async || "whole"));
        let limits = Limits::default();
        let door = Arc::new(Door {
            listener: Listener::Http,
            secure: false,
            router,
            room: Room::new(limits.bodies_bytes),
            limits,
            guard: None,
            metrics: Arc::default(),
        });
        let broken = answer(&door, "/broken").await;
        assert!(broken.starts_with("HTTP/1.1 500 "), "{broken}");
        for part in [
            "x-request-id: r-1",
            r#""type":"urn:sod:problem:broken-off""#,
            r#""instance":"/broken""#,
        ] {
            assert!(broken.contains(part), "{part}: {broken}");
        }
        let whole = answer(&door, "/whole").await;
        assert!(whole.starts_with("HTTP/1.1 200 "), "{whole}");
    }
}
