//! `[gate]`, and all that routes need to be true at start.

use std::path::Path;

use miette::Diagnostic;
use serde::Deserialize;
use sod_route::{Code, Denial, Evidence, Route, RouteError, Routes};
use thiserror::Error;

use super::evidence::Finder;
use super::identity::Identities;
use crate::config::{Config, ConfigError};

/// `[gate]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Settings {
    /// Proxies that may ask, by the name of their token or certificate; whoever the listener lets in if there is none.
    pub clients: Vec<String>,
    /// HTTP status of a request that could not be decided or recorded: 503 or 403.
    pub refusal_status: u16,
    /// Bytes of evidence, from wherever.
    pub evidence_bytes: usize,
    /// Milliseconds that fetching evidence may take, connecting included.
    pub evidence_timeout_ms: u64,
    /// Fetches at a time.
    pub evidence_fetches: usize,
    /// Certificates of those who may sign for `https://` evidence, in PEM.
    pub evidence_ca: Option<std::path::PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            clients: Vec::new(),
            refusal_status: 503,
            evidence_bytes: 8 << 20,
            evidence_timeout_ms: 2_000,
            evidence_fetches: 64,
            evidence_ca: None,
        }
    }
}

impl Settings {
    /// Is it a proxy that may ask?
    pub(super) fn admit(&self, client: Option<&str>) -> Result<(), Denial> {
        let listed = client.is_some_and(|client| self.clients.iter().any(|name| name == client));
        if self.clients.is_empty() || listed {
            return Ok(());
        }
        Err(Denial::new(
            Code::RequestRefused,
            "only the proxies that are listed in `gate.clients` may ask here",
        ))
    }
}

/// A route that cannot be used.
#[derive(Debug, Error, Diagnostic)]
#[error("{error}")]
#[diagnostic(code("route-invalid"), help("{}", error.help))]
pub struct RouteProblem {
    /// What is wrong, and where.
    pub error: RouteError,
}

/// What the configuration says of routes and identities, once it is found to be right.
pub(super) fn valid(config: &Config) -> Result<(Routes, Identities, Finder), ConfigError> {
    let routes = Routes::new(config.route.clone());
    let mut errors = Vec::new();
    for (index, route) in config.route.iter().enumerate() {
        surroundings(config, route, |key, problem, help| {
            let error = RouteError::new(index + 1, route.name.clone(), key, problem, help);
            errors.push(error);
        });
    }
    let routes = match routes {
        Ok(routes) if errors.is_empty() => routes,
        Ok(_) => return Err(problems(errors)),
        Err(mut others) => {
            others.append(&mut errors);
            others.sort_by_key(|error| error.number);
            return Err(problems(others));
        }
    };
    limits(&config.gate)?;
    let identities = Identities::open(config)?;
    if routes.read_claims() && !identities.read_tokens() {
        return Err(contradiction(
            "identity.jwt",
            "a route reads claims of tokens, and there are no keys to check them with",
            "say in `[identity.jwt]` whose tokens are believed: `keys`, `algorithms`, `issuer`, `audience`",
        ));
    }
    let finder = Finder::open(config)?;
    Ok((routes, identities, finder))
}

fn problems(errors: Vec<RouteError>) -> ConfigError {
    let routes = errors.into_iter().map(|error| RouteProblem { error });
    ConfigError::Routes {
        routes: routes.collect(),
    }
}

/// What a route needs beside itself: its pack, its folder.
fn surroundings(config: &Config, route: &Route, mut fail: impl FnMut(&str, String, &'static str)) {
    let packs = config.pack.len();
    match &route.pack {
        Some(pack) if !config.pack.contains_key(pack) => {
            fail(
                "pack",
                format!("`{pack}` is not served"),
                "name it in `[pack.NAME]`",
            );
        }
        None if packs != 1 && route.decision == sod_route::Decision::Policy => {
            fail(
                "pack",
                format!("{packs} packs are served"),
                "say which one decides",
            );
        }
        _ => {}
    }
    if let Some(Evidence::Directory { path, .. }) = &route.evidence
        && !config.path(Path::new(path)).is_dir()
    {
        let help = "a relative path begins at the folder of the configuration file";
        fail(
            "evidence.directory.path",
            format!("`{path}` is no folder"),
            help,
        );
    }
    if let Some(Evidence::Url(url)) = &route.evidence
        && url.starts_with("https://")
        && config.gate.evidence_ca.is_none()
    {
        let help = "name the file with the certificates of those who may sign for it";
        fail(
            "evidence.url",
            "`gate.evidence_ca` is missing".to_owned(),
            help,
        );
    }
}

fn limits(settings: &Settings) -> Result<(), ConfigError> {
    if !matches!(settings.refusal_status, 403 | 503) {
        return Err(contradiction(
            "gate.refusal_status",
            format!("`{}` is neither 503 nor 403", settings.refusal_status),
            "nginx takes 403 only; the others know 503 for a failure that passes",
        ));
    }
    let none = [
        ("gate.evidence_bytes", settings.evidence_bytes == 0),
        (
            "gate.evidence_timeout_ms",
            settings.evidence_timeout_ms == 0,
        ),
        ("gate.evidence_fetches", settings.evidence_fetches == 0),
    ];
    match none.into_iter().find(|(_, none)| *none) {
        Some((key, _)) => Err(contradiction(key, "it is 0", "write at least 1")),
        None => Ok(()),
    }
}

pub(super) fn contradiction(
    key: impl Into<String>,
    problem: impl Into<String>,
    help: impl Into<String>,
) -> ConfigError {
    ConfigError::Contradiction {
        key: key.into(),
        problem: problem.into(),
        help: help.into(),
    }
}
