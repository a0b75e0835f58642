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

use self::operation::Operation;
use crate::service::Service;

pub(crate) use asker::{REQUEST_ID, trace_of};
pub(crate) use body::whole;
pub(crate) use problem::{Problem, complete};
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

/// All of them. How large a body may be is the listener's to say; every error is a [`Problem`].
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
    // No layers: each is a box and an allocation a request. What holds for all answers, the door sees to.
    router
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .fallback(async || Problem::not_found())
        .with_state(app)
}
