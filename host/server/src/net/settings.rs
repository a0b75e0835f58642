//! `[server]`

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use serde::Deserialize;

use super::limits::Limits;
use super::tls;
use crate::config::{Config, ConfigError};

/// `[server]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Settings {
    /// Address of the HTTP APIs.
    pub http: Option<SocketAddr>,
    /// Address of the gRPC services.
    pub grpc: Option<SocketAddr>,
    /// Address of health and metrics alone, in plain text and for everybody who gets there.
    pub monitoring: Option<SocketAddr>,
    /// Threads that answer; as many as there are processors if not given.
    pub threads: Option<NonZeroUsize>,
    /// `[server.tls]`: certificate, key, and whose clients are let in.
    pub tls: Option<tls::Settings>,
    /// A file of bearer tokens, one `name:sha256-of-token` on each line. Whoever has none is not let in.
    pub tokens: Option<PathBuf>,
    /// Metrics are for those, too, who have no token.
    pub metrics_without_token: bool,
    /// Addresses beyond this machine may be served without TLS, or to everybody.
    pub dangerous_network_without_protection: bool,
    /// Files are loaded anew when they change.
    pub watch: bool,
    /// Milliseconds for the answers that are due when the server ends.
    pub drain_ms: u64,
    /// Milliseconds before that, in which it only says that it is not ready.
    pub drain_delay_ms: u64,
    /// `[server.limits]`: how much anybody may ask.
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            http: None,
            grpc: None,
            monitoring: None,
            threads: None,
            tls: None,
            tokens: None,
            metrics_without_token: false,
            dangerous_network_without_protection: false,
            watch: true,
            drain_ms: 30_000,
            drain_delay_ms: 0,
            limits: Limits::default(),
        }
    }
}

impl Settings {
    /// Threads that answer.
    pub fn threads(&self) -> usize {
        let processors = || std::thread::available_parallelism().map_or(1, usize::from);
        self.threads.map_or_else(processors, usize::from)
    }

    /// Places that the sandbox must have, so that nobody who may decide waits for one: [`Runtime`]'s `concurrency`.
    ///
    /// [`Runtime`]: sod_host::Runtime
    pub fn places(&self) -> usize {
        // One for a component that is loaded meanwhile.
        self.limits.decisions(self.threads()) + 1
    }

    pub(super) fn check(&self, config: &Config) -> Result<(), ConfigError> {
        self.limits.check()?;
        for (key, address) in [("http", self.http), ("grpc", self.grpc)] {
            if let Some(address) = address {
                self.check_protection(key, address)?;
            }
        }
        if self.metrics_without_token && self.tokens.is_none() {
            let key = "server.metrics_without_token";
            let problem = "there are no tokens that metrics could do without";
            return Err(ConfigError::contradiction(key, problem, "leave it out"));
        }
        if config.pack.is_empty() {
            let help = "add a `[pack.NAME]` with a `component` or a `folder`, or give `--component` or `--pack`";
            return Err(ConfigError::contradiction("pack", "there is none", help));
        }
        Ok(())
    }

    /// Who is beyond this machine is told apart and not overheard, or somebody has said that it shall not matter.
    fn check_protection(&self, key: &str, address: SocketAddr) -> Result<(), ConfigError> {
        let known =
            self.tokens.is_some() || self.tls.as_ref().is_some_and(|tls| tls.client_ca.is_some());
        let lacking = match (&self.tls, known) {
            (Some(_), true) => return Ok(()),
            (None, _) => "no `[server.tls]`",
            (Some(_), false) => "neither `server.tokens` nor `server.tls.client_ca`",
        };
        if address.ip().is_loopback() || self.dangerous_network_without_protection {
            return Ok(());
        }
        let problem = format!("{address} can be reached by others, and there is {lacking}");
        let help = "add it, listen on 127.0.0.1, or set `server.dangerous_network_without_protection = true` where \
                    the network itself lets nobody else through";
        Err(ConfigError::contradiction(
            format!("server.{key}"),
            problem,
            help,
        ))
    }
}
