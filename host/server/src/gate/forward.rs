//! Subrequests of proxies over HTTP: Envoy's HTTP ext_authz, nginx `auth_request`, Traefik and Caddy forward-auth.

use axum::Router;

use crate::service::Service;

use super::Settings;

/// The paths that proxies ask.
pub(crate) fn router(service: &Service, _: &[Settings]) -> Router {
    Router::new().with_state(service.clone())
}
