//! Subrequests of proxies over HTTP: Envoy's HTTP ext_authz, nginx `auth_request`, Traefik and Caddy forward-auth.
//!
//! They differ in where the client's method and path are. A path of its own for each, so that nobody guesses.

use axum::Extension;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use sod_route::{Code, Denial, HttpRequest};

use super::answer::{Answer, Go};
use super::{Arrived, Gate};
use crate::http::{Client, whole};
use crate::record::Api;

/// Envoy puts this before the client's path.
const ENVOY: &str = "/gate/envoy";

/// Where a proxy puts what the client's request line had.
#[derive(Debug, Clone, Copy)]
struct Names {
    method: &'static str,
    target: &'static str,
    host: &'static str,
}

const NGINX: Names = Names {
    method: "x-original-method",
    target: "x-original-uri",
    host: "x-original-host",
};

const FORWARDED: Names = Names {
    method: "x-forwarded-method",
    target: "x-forwarded-uri",
    host: "x-forwarded-host",
};

/// The paths that proxies ask.
pub(super) fn router(gate: &Gate) -> Router {
    let named = |names| any(by_headers).layer(Extension::<Names>(names));
    Router::new()
        .route("/gate/nginx", named(NGINX))
        .route("/gate/forwarded", named(FORWARDED))
        .route(ENVOY, any(by_path))
        .route("/gate/envoy/", any(by_path))
        .route("/gate/envoy/{*path}", any(by_path))
        .with_state(gate.clone())
}

/// The subrequest's own method and path are the client's.
async fn by_path(State(gate): State<Gate>, request: Request) -> Response {
    let target = request.uri().path_and_query().map(|target| target.as_str());
    let target = target.and_then(|target| target.strip_prefix(ENVOY));
    let target = target.unwrap_or_default().to_owned();
    let method = request.method().to_string();
    answer(&gate, request, |headers| {
        Ok(HttpRequest {
            method,
            target,
            host: take(headers, "host")?,
            headers: Vec::new(),
        })
    })
    .await
}

/// Method and path of the client are in headers that the proxy sets.
async fn by_headers(
    State(gate): State<Gate>,
    Extension(names): Extension<Names>,
    request: Request,
) -> Response {
    answer(&gate, request, |headers| {
        // The subrequest's own.
        take(headers, "host")?;
        Ok(HttpRequest {
            method: needed(headers, names.method)?,
            target: needed(headers, names.target)?,
            host: take(headers, names.host)?,
            headers: Vec::new(),
        })
    })
    .await
}

/// The client's request is what the line says, and what is left of the headers.
async fn answer(
    gate: &Gate,
    request: Request,
    line: impl FnOnce(&mut HeaderMap) -> Result<HttpRequest, Denial>,
) -> Response {
    let client = request.extensions().get::<Client>();
    let client = client.and_then(|Client(name)| name.clone());
    let mut headers = request.headers().clone();
    let answer = match read(&mut headers, line) {
        Err(denial) => Err(denial),
        Ok(read) => match whole(request.into_body()).await {
            None => Err(Denial::new(Code::RequestRefused, "the body broke off")),
            Some(body) => Ok(Arrived {
                request: read,
                body: body.to_vec(),
                peer: None,
                client,
                api: Api::ForwardAuth,
            }),
        },
    };
    let answer = match answer {
        Ok(arrived) => gate.answer(arrived).await,
        Err(denial) => gate.deny(&denial),
    };
    response(answer)
}

fn read(
    headers: &mut HeaderMap,
    line: impl FnOnce(&mut HeaderMap) -> Result<HttpRequest, Denial>,
) -> Result<HttpRequest, Denial> {
    let request = line(headers)?;
    let mut left = Vec::new();
    for (name, value) in headers.iter() {
        // A value that is no text is none that a route could use, but one that is there.
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        left.push((name.as_str().to_owned(), value));
    }
    Ok(HttpRequest {
        headers: left,
        ..request
    })
}

fn needed(headers: &mut HeaderMap, name: &'static str) -> Result<String, Denial> {
    take(headers, name)?.ok_or_else(|| {
        let problem = format!("the proxy has not set `{name}`");
        Denial::new(Code::RequestRefused, problem)
    })
}

/// The header's one value, which is then gone from them.
fn take(headers: &mut HeaderMap, name: &'static str) -> Result<Option<String>, Denial> {
    let refused = |problem: &str| {
        Denial::new(
            Code::RequestRefused,
            format!("the header `{name}` {problem}"),
        )
    };
    let mut values = headers.get_all(name).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(_), Some(_)) => return Err(refused("is there twice")),
        (Some(value), None) => value
            .to_str()
            .map_err(|_| refused("is no text"))?
            .to_owned(),
    };
    headers.remove(name);
    Ok(Some(value).filter(|value| !value.is_empty()))
}

fn response(answer: Answer) -> Response {
    let (mut response, told) = match answer {
        Answer::Go(Go { headers, told }) => {
            let mut response = StatusCode::OK.into_response();
            for (name, value) in &headers.set {
                insert(response.headers_mut(), name, value);
            }
            (response, told)
        }
        Answer::Stop(stop) => {
            let status = StatusCode::from_u16(stop.status).unwrap_or(StatusCode::FORBIDDEN);
            let json = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
            (
                (status, json, stop.body.to_string()).into_response(),
                stop.told,
            )
        }
    };
    for (name, value) in told.headers() {
        insert(response.headers_mut(), name, &value);
    }
    response
}

fn insert(headers: &mut HeaderMap, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
        headers.insert(name, value);
    }
}
