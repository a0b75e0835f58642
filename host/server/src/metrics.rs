//! What is counted and timed, in the text that Prometheus scrapes. docs/server.md lists it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use sod_host::{Effect, Verdict};

use crate::packs::OpenPack;
use crate::record::Api;
use crate::service::Refusal;

/// More reason codes than this are `other`: a component may make up its own, and a scrape must stay small.
const REASONS: usize = 100;

/// Seconds: a decision takes from tens of microseconds to some seconds.
const BUCKETS: [f64; 14] = [
    50e-6, 100e-6, 200e-6, 500e-6, 1e-3, 2e-3, 5e-3, 10e-3, 20e-3, 50e-3, 0.1, 0.5, 1.0, 5.0,
];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Decision {
    pack: String,
    api: &'static str,
    effect: &'static str,
    reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Door {
    api: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Why {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reload {
    what: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Serving {
    pack: String,
    name: String,
    version: String,
    digest: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    listener: &'static str,
    status: u16,
}

/// Everything that is counted.
pub struct Metrics {
    registry: Registry,
    decisions: Family<Decision, Counter>,
    latency: Family<Door, Histogram>,
    refusals: Family<Why, Counter>,
    reloads: Family<Reload, Counter>,
    packs: Family<Serving, Gauge>,
    log_failures: Counter,
    answers: Family<Answer, Counter>,
    in_flight: Gauge,
    connections: Gauge,
    connections_refused: Counter,
    reasons: RwLock<BTreeSet<String>>,
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("sod");
        let version = ("version", env!("CARGO_PKG_VERSION"));
        let build = Info::new(vec![version]);
        registry.register("build", "The program", build);
        let metrics = Metrics {
            registry: Registry::default(),
            decisions: Family::default(),
            latency: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            refusals: Family::default(),
            reloads: Family::default(),
            packs: Family::default(),
            log_failures: Counter::<u64, AtomicU64>::default(),
            answers: Family::default(),
            in_flight: Gauge::<i64, AtomicI64>::default(),
            connections: Gauge::<i64, AtomicI64>::default(),
            connections_refused: Counter::<u64, AtomicU64>::default(),
            reasons: RwLock::default(),
        };
        metrics.register(&mut registry);
        Metrics {
            registry,
            ..metrics
        }
    }

    fn register(&self, to: &mut Registry) {
        to.register(
            "decisions",
            "Decisions that are in the log",
            self.decisions.clone(),
        );
        to.register(
            "decision_seconds",
            "What a decision took, waiting not counted",
            self.latency.clone(),
        );
        to.register(
            "refusals",
            "Questions without a decision",
            self.refusals.clone(),
        );
        to.register(
            "reloads",
            "Packs, certificates and tokens loaded anew",
            self.reloads.clone(),
        );
        to.register(
            "pack",
            "1 for each component that decides",
            self.packs.clone(),
        );
        to.register(
            "log_failures",
            "Records that could not be written",
            self.log_failures.clone(),
        );
        to.register(
            "answers",
            "HTTP answers by listener and status",
            self.answers.clone(),
        );
        to.register(
            "requests_in_flight",
            "Requests without an answer yet",
            self.in_flight.clone(),
        );
        to.register("connections", "Open connections", self.connections.clone());
        to.register(
            "connections_refused",
            "Connections beyond the limit, or without TLS that works",
            self.connections_refused.clone(),
        );
    }

    /// In the text format of OpenMetrics.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Only a writer fails, and a string is none that does.
        let _ = encode(&mut text, &self.registry);
        text
    }

    pub(crate) fn decided(&self, pack: &OpenPack, api: Api, verdict: &Verdict, took: Duration) {
        let code = verdict
            .reasons
            .first()
            .map_or("", |reason| reason.code.as_str());
        let decision = Decision {
            pack: pack.name.clone(),
            api: api.as_str(),
            effect: match verdict.effect {
                Effect::Allow => "allow",
                Effect::Deny => "deny",
            },
            reason: self.bounded(code),
        };
        self.decisions.get_or_create(&decision).inc();
        let door = Door { api: api.as_str() };
        self.latency
            .get_or_create(&door)
            .observe(took.as_secs_f64());
    }

    /// The code, unless there are too many others already.
    fn bounded(&self, code: &str) -> String {
        // A set of strings is whole at every moment, so poison means nothing here.
        let known = self.reasons.read().unwrap_or_else(PoisonError::into_inner);
        if known.contains(code) {
            return code.to_owned();
        }
        drop(known);
        let mut known = self.reasons.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() < REASONS {
            known.insert(code.to_owned());
            return code.to_owned();
        }
        "other".to_owned()
    }

    pub(crate) fn refused(&self, refusal: &Refusal) {
        let reason = match refusal {
            Refusal::Busy => "busy",
            Refusal::Unrecorded { .. } => "unrecorded",
            Refusal::BrokenOff => "broken-off",
        };
        self.refusals.get_or_create(&Why { reason }).inc();
    }

    /// A record could not be written, whatever the configuration makes of that.
    pub(crate) fn log_failed(&self) {
        self.log_failures.inc();
    }

    pub(crate) fn reloaded(&self, what: &str, outcome: &'static str) {
        let what = what.to_owned();
        self.reloads.get_or_create(&Reload { what, outcome }).inc();
    }

    /// What decides now.
    pub(crate) fn serving(&self, packs: &[Arc<OpenPack>]) {
        self.packs.clear();
        for pack in packs {
            let description = pack.policy.describe();
            let serving = Serving {
                pack: pack.name.clone(),
                name: description.name.clone(),
                version: description.version.clone(),
                digest: pack.policy.digest().to_string(),
            };
            self.packs.get_or_create(&serving).set(1);
        }
    }

    pub(crate) fn answered(&self, listener: &'static str, status: u16) {
        self.answers
            .get_or_create(&Answer { listener, status })
            .inc();
    }

    pub(crate) fn connection_refused(&self) {
        self.connections_refused.inc();
    }

    /// Counts a connection for as long as the answer lives.
    pub(crate) fn connection(&self) -> Counted {
        Counted::new(&self.connections)
    }

    /// Counts a request for as long as the answer lives.
    pub(crate) fn request(&self) -> Counted {
        Counted::new(&self.in_flight)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Metrics::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

/// One more in a gauge, until it is dropped.
#[derive(Debug)]
pub(crate) struct Counted(Gauge);

impl Counted {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Counted(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    //! Labels stay few.

    use super::*;

    #[test]
    fn reason_codes_without_end_become_one() {
        let metrics = Metrics::new();
        let bounded: BTreeSet<String> = (0..1000)
            .map(|n| metrics.bounded(&format!("made-up-{n}")))
            .collect();
        assert_eq!(bounded.len(), REASONS + 1);
        assert!(bounded.contains("other"));
        assert_eq!(metrics.bounded("made-up-7"), "made-up-7");
    }
}
