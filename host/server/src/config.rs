//! The configuration file: TOML, unknown keys are errors, every error has its line.
//!
//! Each part of the server owns its table; this is where they come together.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use miette::{Diagnostic, NamedSource, SourceSpan};
use serde::Deserialize;
use thiserror::Error;

use crate::{gate, http, log, net, packs};

/// What a server is to do.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Config {
    /// `[server]`: addresses, TLS, limits, who may ask.
    pub server: net::Settings,
    /// `[log]`: where records go, and what they hold.
    pub log: log::Settings,
    /// `[api]`: what the HTTP API offers.
    pub api: http::Settings,
    /// `[pack.NAME]`: the components that decide.
    pub pack: BTreeMap<String, packs::Settings>,
    /// `[[route]]`: what a proxy's request means.
    pub route: Vec<gate::Route>,
    /// `[gate]`: which proxies may ask, and limits of evidence.
    pub gate: gate::Settings,
    /// `[identity]`: whose tokens and certificates are believed.
    pub identity: gate::IdentitySettings,
    /// Where relative paths begin: the folder of the file.
    #[serde(skip)]
    pub folder: PathBuf,
}

/// A configuration that cannot be used.
#[derive(Debug, Error, Diagnostic)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read `{}`", path.display())]
    #[diagnostic(code("config-unreadable"))]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    /// It is not TOML, or has a key or value that means nothing.
    #[error("{message}")]
    #[diagnostic(
        code("config-invalid"),
        help("docs/server.md has every key with its values")
    )]
    Invalid {
        message: String,
        #[source_code]
        file: NamedSource<String>,
        #[label("here")]
        place: Option<SourceSpan>,
    },
    /// Two settings, or a setting and the machine, contradict each other.
    #[error("`{key}`: {problem}")]
    #[diagnostic(code("config-contradiction"))]
    Contradiction {
        key: String,
        problem: String,
        #[help]
        help: String,
    },
    /// All that is wrong with routes.
    #[error("a route cannot be used")]
    #[diagnostic(
        code("config-routes"),
        help("docs/proxies.md has every key of a route")
    )]
    Routes {
        #[related]
        routes: Vec<gate::RouteProblem>,
    },
}

impl Config {
    /// Reads the file.
    ///
    /// # Errors
    /// The first thing that is wrong in it, with its place.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        Config::parse(&text, &path.display().to_string(), folder)
    }

    /// As [`read`](Self::read), from text.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parse(text: &str, name: &str, folder: PathBuf) -> Result<Self, ConfigError> {
        let config: Config = toml::from_str(text).map_err(|error| ConfigError::Invalid {
            message: error.message().to_owned(),
            place: error.span().map(SourceSpan::from),
            file: NamedSource::new(name, text.to_owned()),
        })?;
        Ok(Config { folder, ..config })
    }

    /// The path as the file means it.
    pub fn path(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }
}
