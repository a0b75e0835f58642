//! `[api]`: what the HTTP APIs offer.

use axum::http::{StatusCode, Uri};
use serde::Deserialize;
use sod_host::Request;

use super::problem::Problem;
use crate::config::ConfigError;
use crate::packs::Packs;

/// `[api]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Settings {
    /// The pack that answers where none is named; without, the only one there is.
    pub default: Option<String>,
    /// Where clients find this server, as AuthZEN's metadata has it: `https://pdp.bank.example`.
    pub url: Option<String>,
    /// Whether callers may say what time it is. Who can set the clock back uses what has expired.
    pub caller_time: bool,
    /// How many questions one request may have.
    pub batch: usize,
    /// How many candidates one search may have.
    pub search_candidates: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            default: None,
            url: None,
            caller_time: false,
            batch: 1000,
            search_candidates: 1000,
        }
    }
}

impl Settings {
    /// What is wrong with them, beside these packs.
    pub(crate) fn check(&self, packs: &Packs) -> Result<(), ConfigError> {
        let wrong = |key: &str, problem: String, help: &str| {
            Err(ConfigError::Contradiction {
                key: format!("api.{key}"),
                problem,
                help: help.to_owned(),
            })
        };
        if let Some(name) = &self.default
            && packs.get(Some(name)).is_none()
        {
            let problem = format!("no pack is served as `{name}`");
            return wrong("default", problem, "name one of `[pack.NAME]`");
        }
        if let Some(url) = &self.url
            && !is_base(url)
        {
            let problem = format!("`{url}` is no base of URLs");
            let help = "write `https://HOST` or `https://HOST/PATH`, without query and without a slash at the end";
            return wrong("url", problem, help);
        }
        for (key, value) in [
            ("batch", self.batch),
            ("search_candidates", self.search_candidates),
        ] {
            if value == 0 {
                return wrong(
                    key,
                    "nothing could be asked".to_owned(),
                    "set it to 1 or more",
                );
            }
        }
        Ok(())
    }

    /// The clock is the server's, unless it is configured otherwise.
    pub(super) fn time_is_ours(&self, request: &Request) -> Result<(), Problem> {
        if request.now.is_none() || self.caller_time {
            return Ok(());
        }
        let (title, detail) = (
            "the time is not the caller's to say",
            "this server decides at the time of its own clock",
        );
        Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "caller-time",
            title,
            detail.to_owned(),
        )
        .with_help("leave it out, or have the operator set `api.caller_time`")
        .at("now"))
    }

    /// So many questions at once, and no more.
    pub(super) fn bound(&self, questions: usize, key: &str) -> Result<(), Problem> {
        if questions <= self.batch {
            return Ok(());
        }
        let detail = format!("{questions} questions, and at most {} at once", self.batch);
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        Err(
            Problem::new(status, "too-many-questions", "too many questions", detail)
                .with_help("ask in several requests, or have the operator raise `api.batch`")
                .at(key),
        )
    }
}

/// Plain `http` is for a machine by itself and for a proxy in front; AuthZEN's metadata wants `https`.
fn is_base(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else {
        return false;
    };
    let scheme = uri
        .scheme_str()
        .is_some_and(|s| s == "https" || s == "http");
    scheme && uri.host().is_some() && !url.contains(['?', '#', '@']) && !url.ends_with('/')
}
