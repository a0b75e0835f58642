//! The configuration file: TOML, unknown keys are errors, every error has its line.
//!
//! Each part of the server owns its table; this is where they come together.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use miette::{Diagnostic, NamedSource, SourceSpan};
use serde::Deserialize;
use sod_host::Digest;
use thiserror::Error;
use toml::de::DeTable;

use crate::{gate, http, log, net, packs, telemetry};

/// What a server is to do.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Config {
    /// `[server]`: addresses, TLS, limits, who may ask.
    pub server: net::Settings,
    /// `[telemetry]`: events and traces.
    pub telemetry: telemetry::Settings,
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
    /// Its name and text, to show what is wrong with it.
    #[serde(skip)]
    file: Option<(String, String)>,
    /// Digest of the file, if there is one: the log says which configuration was in force.
    #[serde(skip)]
    pub digest: Option<Digest>,
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
    /// As [`Contradiction`](Self::Contradiction), with its place in the file.
    #[error("`{key}`: {problem}")]
    #[diagnostic(code("config-contradiction"))]
    ContradictionAt {
        key: String,
        problem: String,
        #[help]
        help: String,
        #[source_code]
        file: NamedSource<String>,
        #[label("here")]
        place: SourceSpan,
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

impl ConfigError {
    pub(crate) fn contradiction(
        key: impl Into<String>,
        problem: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        ConfigError::Contradiction {
            key: key.into(),
            problem: problem.into(),
            help: help.into(),
        }
    }
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
        let mut config: Config = toml::from_str(text).map_err(|error| ConfigError::Invalid {
            message: error.message().to_owned(),
            place: error.span().map(SourceSpan::from),
            file: NamedSource::new(name, text.to_owned()),
        })?;
        for pack in config.pack.values_mut() {
            pack.authzen.resolve(&folder);
        }
        let file = Some((name.to_owned(), text.to_owned()));
        Ok(Config {
            folder,
            file,
            digest: Some(Digest::of(text.as_bytes())),
            ..config
        })
    }

    /// Adds to a contradiction where in the file its key is, if it is there.
    #[must_use]
    pub fn locate(&self, error: ConfigError) -> ConfigError {
        match (error, &self.file) {
            (ConfigError::Contradiction { key, problem, help }, Some((name, text))) => {
                match place(text, &key) {
                    Some(place) => ConfigError::ContradictionAt {
                        key,
                        problem,
                        help,
                        file: NamedSource::new(name, text.clone()),
                        place,
                    },
                    None => ConfigError::Contradiction { key, problem, help },
                }
            }
            (error, _) => error,
        }
    }

    /// The path as the file means it.
    pub fn path(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }
}

/// Where the value of a dotted key is, or else of the innermost table of it that is there.
fn place(text: &str, key: &str) -> Option<SourceSpan> {
    let document = DeTable::parse(text).ok()?;
    let mut table = document.get_ref();
    let mut found = None;
    for part in key.split('.') {
        let Some(value) = table.get(part) else { break };
        found = Some(SourceSpan::from(value.span()));
        let Some(inner) = value.get_ref().as_table() else {
            break;
        };
        table = inner;
    }
    found
}

#[cfg(test)]
mod tests {
    //! Where mistakes are shown.

    use super::*;

    #[test]
    fn a_contradiction_is_shown_at_its_value() {
        let text = "[server]\nhttp = \"127.0.0.1:1\"\n\n[server.limits]\nconnections = 7\n";
        let at = |key| {
            let place = place(text, key)?;
            text.get(place.offset()..place.offset() + place.len())
        };
        assert_eq!(at("server.limits.connections"), Some("7"));
        assert_eq!(at("server.http"), Some("\"127.0.0.1:1\""));
        assert_eq!(at("log.directory"), None);
    }

    #[test]
    fn an_unknown_key_is_shown_with_its_line() {
        let error = Config::parse("[server]\nhtpp = 1\n", "sod.toml", PathBuf::new());
        let Err(ConfigError::Invalid { message, place, .. }) = error else {
            unreachable!("an unknown key was taken")
        };
        assert!(message.contains("unknown field `htpp`"), "{message}");
        assert_eq!(place.map(|place| place.offset()), Some(9));
    }
}
