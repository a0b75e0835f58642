//! Who may ask: bearer tokens, and the paths that need none.

use std::path::{Path, PathBuf};

use arc_swap::ArcSwap;
use axum::http::HeaderMap;

use super::health::{HEALTHZ, METRICS, READYZ};
use super::tokens::Tokens;
use crate::config::ConfigError;

/// The tokens of a file, as it was when it was last read.
#[derive(Debug)]
pub(super) struct Guard {
    path: PathBuf,
    tokens: ArcSwap<Tokens>,
    open_metrics: bool,
}

impl Guard {
    pub(super) fn new(path: PathBuf, open_metrics: bool) -> Result<Self, ConfigError> {
        let tokens = ArcSwap::from_pointee(Tokens::read(&path)?);
        Ok(Guard {
            path,
            tokens,
            open_metrics,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// # Errors
    /// A file that means nothing; the tokens that there were stay.
    pub(super) fn reload(&self) -> Result<(), ConfigError> {
        self.tokens.store(Tokens::read(&self.path)?.into());
        Ok(())
    }

    /// The name of the token that the request has.
    pub(super) fn name(&self, headers: &HeaderMap) -> Option<String> {
        self.tokens.load().name(headers).map(str::to_owned)
    }

    /// Whether the path is for those, too, who have no token: probes have none.
    pub(super) fn is_open(&self, path: &str) -> bool {
        matches!(path, HEALTHZ | READYZ) || (self.open_metrics && path == METRICS)
    }
}
