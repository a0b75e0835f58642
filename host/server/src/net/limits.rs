//! `[server.limits]`: how much anybody may ask of the server.

use std::num::NonZeroUsize;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::Deserialize;

use crate::config::ConfigError;
use crate::service::Capacity;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
/// Open files that are no connections.
const OTHER_FILES: usize = 128;
/// Decisions at once that the sandbox can have room for, less one to load a component.
const MOST_DECISIONS: usize = 999;

/// `[server.limits]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of the headers of a request.
    pub header_bytes: usize,
    /// How many headers.
    pub headers: usize,
    /// Milliseconds until the headers are there; for a TLS handshake, too.
    pub header_timeout_ms: u64,
    /// Bytes of a body.
    pub body_bytes: usize,
    /// Bytes of all bodies that are in memory together.
    pub bodies_bytes: usize,
    /// Bytes of a gRPC message.
    pub grpc_message_bytes: usize,
    /// Milliseconds from the headers to the answer.
    pub request_timeout_ms: u64,
    /// Milliseconds after which a connection without a request is closed.
    pub idle_timeout_ms: u64,
    /// Open connections.
    pub connections: Option<usize>,
    /// Decisions at once; twice the threads if not given.
    pub decisions: Option<NonZeroUsize>,
    /// Questions that wait for a decision.
    pub waiting: usize,
    /// Milliseconds that each of them may.
    pub wait_ms: u64,
    /// Requests at once on one HTTP/2 connection.
    pub http2_streams: u32,
    /// Requests that an HTTP/2 client may take back before they were looked at.
    pub http2_resets: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            header_bytes: 32 * KIB,
            headers: 100,
            header_timeout_ms: 10_000,
            body_bytes: 16 * MIB,
            bodies_bytes: 256 * MIB,
            grpc_message_bytes: 4 * MIB,
            request_timeout_ms: 30_000,
            idle_timeout_ms: 60_000,
            connections: None,
            decisions: None,
            waiting: 1_000,
            wait_ms: 1_000,
            http2_streams: 128,
            http2_resets: 20,
        }
    }
}

impl Limits {
    /// Refuses limits under which nothing could be answered, or more than the machine has.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let huge = 1 << 30;
        let time = 24 * 60 * 60 * 1000;
        let ranges: [(&str, u64, u64, u64); 13] = [
            ("header_bytes", self.header_bytes as u64, 8192, 1 << 20),
            ("headers", self.headers as u64, 1, 1000),
            ("header_timeout_ms", self.header_timeout_ms, 1, time),
            ("body_bytes", self.body_bytes as u64, 1, huge),
            (
                "bodies_bytes",
                self.bodies_bytes as u64,
                self.body_bytes as u64,
                1 << 40,
            ),
            (
                "grpc_message_bytes",
                self.grpc_message_bytes as u64,
                1,
                self.body_bytes as u64,
            ),
            ("request_timeout_ms", self.request_timeout_ms, 1, time),
            ("idle_timeout_ms", self.idle_timeout_ms, 1, time),
            (
                "decisions",
                self.decisions(1) as u64,
                1,
                MOST_DECISIONS as u64,
            ),
            ("waiting", self.waiting as u64, 0, 1_000_000),
            ("wait_ms", self.wait_ms, 0, time),
            ("http2_streams", u64::from(self.http2_streams), 1, 10_000),
            ("http2_resets", self.http2_resets as u64, 1, 10_000),
        ];
        for (key, value, least, most) in ranges {
            if !(least..=most).contains(&value) {
                let key = format!("server.limits.{key}");
                let help = format!("choose a number from {least} to {most}");
                return Err(ConfigError::contradiction(
                    key,
                    format!("{value} is out of range"),
                    help,
                ));
            }
        }
        Ok(())
    }

    pub(super) fn decisions(&self, threads: usize) -> usize {
        let default = threads.saturating_mul(2).clamp(4, MOST_DECISIONS);
        self.decisions.map_or(default, usize::from)
    }

    pub(super) fn capacity(&self, threads: usize) -> Capacity {
        Capacity {
            decisions: self.decisions(threads),
            waiting: self.waiting,
            wait: Duration::from_millis(self.wait_ms),
        }
    }

    pub(super) fn header_timeout(&self) -> Duration {
        Duration::from_millis(self.header_timeout_ms)
    }

    pub(super) fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms)
    }

    pub(super) fn idle_timeout(&self) -> Duration {
        Duration::from_millis(self.idle_timeout_ms)
    }

    /// How many connections there may be, after the process has been given as many files as it may open.
    ///
    /// 10,000 unless the machine has less; a number that was asked for is one that the machine must have.
    pub(super) fn open_connections(&self) -> Result<usize, ConfigError> {
        let room = files().saturating_sub(OTHER_FILES).max(1);
        match self.connections {
            Some(wanted) if wanted == 0 || wanted > room => {
                let key = "server.limits.connections";
                let problem = format!("{wanted} is out of range: this process may open {room}");
                let help = "choose a number from 1 on, or raise the limit on open files (`LimitNOFILE=`, `ulimit -n`)";
                Err(ConfigError::contradiction(key, problem, help))
            }
            Some(wanted) => Ok(wanted),
            None => Ok(room.min(10_000)),
        }
    }
}

/// How many files this process may open, once it has taken all that it may take.
fn files() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let current = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    current.map_or(usize::MAX, |files| {
        usize::try_from(files).unwrap_or(usize::MAX)
    })
}

#[cfg(test)]
mod tests {
    //! Numbers that make no sense.

    use super::*;

    #[test]
    fn the_defaults_are_allowed() {
        assert!(Limits::default().check().is_ok());
    }

    #[test]
    fn a_limit_that_lets_nothing_through_is_named() {
        let limits = Limits {
            body_bytes: 0,
            ..Limits::default()
        };
        let error = limits.check().err().map(|error| error.to_string());
        assert_eq!(
            error.as_deref(),
            Some("`server.limits.body_bytes`: 0 is out of range")
        );
    }

    #[test]
    fn more_connections_than_files_are_refused() {
        let limits = Limits {
            connections: Some(usize::MAX),
            ..Limits::default()
        };
        let error = limits
            .open_connections()
            .err()
            .map(|error| error.to_string());
        assert!(error.is_some_and(|error| error.contains("this process may open")));
    }
}
