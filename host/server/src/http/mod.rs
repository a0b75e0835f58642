//! The HTTP APIs.

pub(crate) mod authzen;
mod native;

use axum::Router;
use serde::Deserialize;

use crate::service::Service;

/// `[api]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Settings {}

/// All of them.
pub(crate) fn router(service: &Service, _: &Settings) -> Router {
    Router::new()
        .merge(authzen::router())
        .merge(native::router())
        .with_state(service.clone())
}

/// Who asks, where the listener found out. In the extensions of each request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Client(pub(crate) Option<String>);
