//! The HTTP APIs: OpenID AuthZEN, and the native one.

mod asker;
pub(crate) mod authzen;
mod body;
mod native;
mod openapi;
mod operation;
mod problem;
mod settings;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::Response;

use self::asker::REQUEST_ID;
use self::operation::Operation;
use crate::service::Service;

pub(crate) use problem::Problem;
pub(crate) use settings::Settings;

/// What every handler has.
#[derive(Debug, Clone)]
struct App {
    service: Service,
    settings: Arc<Settings>,
}

/// Who asks, where the listener found out. In the extensions of each request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Client(pub(crate) Option<String>);

/// The request came over TLS. In the extensions of each that did.
#[derive(Debug, Clone)]
pub(crate) struct Secure;

fn operations() -> impl Iterator<Item = &'static Operation> {
    [authzen::OPERATIONS, native::OPERATIONS, openapi::OPERATIONS]
        .into_iter()
        .flatten()
}

/// All of them. How large a body may be is the listener's to say.
pub(crate) fn router(service: &Service, settings: &Settings) -> Router {
    let app = App {
        service: service.clone(),
        settings: Arc::new(settings.clone()),
    };
    let mut router = Router::new();
    for operation in operations() {
        for path in operation.paths {
            router = router.route(path, (operation.handler)());
        }
    }
    router
        .fallback(async || StatusCode::NOT_FOUND)
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn(finish))
        .with_state(app)
}

/// Every answer names its request as the request did, and every error is a problem.
async fn finish(request: Request, next: Next) -> Response {
    let id = request.headers().get(REQUEST_ID).cloned();
    let uri = request.uri().clone();
    let mut response = next.run(request).await;
    if response.status().is_client_error() || response.status().is_server_error() {
        response = problem::complete(response, uri.path());
    }
    if let Some(id) = id {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}
