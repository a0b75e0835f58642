//! OpenID AuthZEN Authorization API 1.0.

use axum::Router;
use serde::Deserialize;

use crate::service::Service;

/// `[pack.NAME.authzen]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Mapping {}

pub(super) fn router() -> Router<Service> {
    Router::new()
}
