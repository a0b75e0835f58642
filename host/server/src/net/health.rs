//! `/healthz`, `/readyz`, `/metrics`: for orchestrators and for Prometheus.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use tokio::sync::watch;

use super::Phase;
use crate::service::Service;

pub(super) const HEALTHZ: &str = "/healthz";
pub(super) const READYZ: &str = "/readyz";
pub(super) const METRICS: &str = "/metrics";

#[derive(Debug, Clone)]
struct Health {
    service: Service,
    phase: watch::Receiver<Phase>,
}

pub(super) fn router(service: &Service, phase: watch::Receiver<Phase>) -> Router {
    Router::new()
        .route(HEALTHZ, get(|| async { "ok\n" }))
        .route(READYZ, get(ready))
        .route(METRICS, get(metrics))
        .with_state(Health {
            service: service.clone(),
            phase,
        })
}

/// Ready is who would decide the next request: not at the end, and not without a log.
async fn ready(State(health): State<Health>) -> Response {
    let not = |why: String| (StatusCode::SERVICE_UNAVAILABLE, why + "\n").into_response();
    if *health.phase.borrow() != Phase::Serving {
        return not("the server is ending".to_owned());
    }
    if health.service.packs().all().is_empty() {
        return not("no pack is loaded".to_owned());
    }
    match health.service.log().check() {
        Ok(()) => "ready\n".into_response(),
        Err(error) => not(error.to_string()),
    }
}

async fn metrics(State(health): State<Health>) -> Response {
    let format = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let text = health.service.metrics().text();
    ([(CONTENT_TYPE, format)], text).into_response()
}
