//! `POST /v1/decide`: a request as `sod decide --request` takes it, a verdict as it prints it.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use sod_host::Request;

use crate::record::Api;
use crate::service::{Asked, Origin, Service};

pub(super) fn router() -> Router<Service> {
    Router::new().route("/v1/decide", post(decide))
}

async fn decide(State(service): State<Service>, body: Bytes) -> Response {
    let request = match Request::from_json(&body) {
        Ok(request) => request,
        Err(error) => return (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    };
    let Some(pack) = service.packs().get(None) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let origin = Origin {
        api: Api::Native,
        trace_id: None,
        request_id: None,
        client: None,
    };
    let asked = Asked {
        pack,
        request,
        origin,
        shadow: false,
    };
    match service.decide(asked).await {
        Ok(decided) => Json(decided.verdict).into_response(),
        Err(refusal) => (StatusCode::SERVICE_UNAVAILABLE, refusal.to_string()).into_response(),
    }
}
