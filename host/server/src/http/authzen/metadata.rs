//! `/.well-known/authzen-configuration`: where everything is.

use axum::extract::{RawPathParams, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri, header};
use schemars::JsonSchema;
use serde::Serialize;

use crate::http::asker::Chosen;
use crate::http::problem::Problem;
use crate::http::{App, Secure};

/// Where everything is.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Metadata {
    /// What the other URLs begin with.
    policy_decision_point: String,
    access_evaluation_endpoint: String,
    access_evaluations_endpoint: String,
    search_subject_endpoint: String,
    search_resource_endpoint: String,
    search_action_endpoint: String,
}

/// For the pack of the path, or the default: there is none for what is not served.
pub(super) async fn metadata(
    State(app): State<App>,
    Chosen(_): Chosen,
    params: RawPathParams,
    secure: Option<axum::Extension<Secure>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<axum::Json<Metadata>, Problem> {
    let mut base = match &app.settings.url {
        Some(url) => url.clone(),
        None => {
            let scheme = if secure.is_some() { "https" } else { "http" };
            format!("{scheme}://{}", host(&uri, &headers)?)
        }
    };
    if let Some((_, pack)) = params.iter().find(|(key, _)| *key == "pack") {
        base.push_str("/packs/");
        base.push_str(pack);
    }
    let at = |path: &str| format!("{base}/access/v1/{path}");
    Ok(axum::Json(Metadata {
        access_evaluation_endpoint: at("evaluation"),
        access_evaluations_endpoint: at("evaluations"),
        search_subject_endpoint: at("search/subject"),
        search_resource_endpoint: at("search/resource"),
        search_action_endpoint: at("search/action"),
        policy_decision_point: base,
    }))
}

/// The name by which this client reached the server. It comes back to that client only.
fn host(uri: &Uri, headers: &HeaderMap) -> Result<Authority, Problem> {
    let from_header = || {
        let text = headers.get(header::HOST)?.to_str().ok()?;
        text.parse::<Authority>().ok()
    };
    let host = uri.authority().cloned().or_else(from_header);
    host.filter(|host| !host.as_str().contains('@'))
        .ok_or_else(|| {
            Problem::malformed("there is no valid `Host`")
                .with_help("send `Host`, or have the operator set `api.url`")
        })
}
