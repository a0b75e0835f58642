//! What every request passes before a handler sees it: who asks, how much, how long.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use axum::response::IntoResponse as _;
use hyper::body::Incoming;
use tokio::time::timeout_at;
use tonic::{Code, Status};
use tower::ServiceExt as _;
use tracing::Instrument as _;

use super::body::{self, Room, Unread};
use super::guard::Guard;
use super::limits::Limits;
use super::{Listener, health};
use crate::http::{Client, Problem, REQUEST_ID, Secure};
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
        let mut response = response
            .await
            .unwrap_or_else(|turned| turned.into_response(grpc, &self.limits));
        let status = response.status();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            let headers = response.headers_mut();
            headers
                .entry(RETRY_AFTER)
                .or_insert(HeaderValue::from_static("1"));
        }
        // What is turned away at the door has the name that its sender gave it, too.
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
        let answer = self.router.clone().oneshot(request);
        let answer = timeout_at(deadline, answer).await;
        drop(read.room);
        let Ok(answer) = answer.map_err(|_| Turned::Late)?;
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
