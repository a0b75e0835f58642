//! One place where decisions are made and recorded, whichever door the request came through.

mod search;
mod turns;

use std::sync::Arc;
use std::time::{Duration, Instant};

use miette::Diagnostic;
use sod_host::{Effect, Request, Verdict};
use thiserror::Error;
use uuid::Uuid;

use crate::clock::Clock;
use crate::log::{DecisionLog, Queued};
use crate::metrics::Metrics;
use crate::packs::{OpenPack, Packs};
use crate::record::{Answer, Api, Decision, Record};
use crate::telemetry;

pub use search::{Found, SearchAsked};
pub use turns::Capacity;

use turns::Turns;

/// Bytes of evidence from which on a decision has a thread of its own: below, it is over before one would be found.
const LARGE: usize = 64 << 10;

/// Decides and records. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Service {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    packs: Packs,
    log: DecisionLog,
    clock: Clock,
    metrics: Arc<Metrics>,
    turns: Turns,
}

/// Where a question comes from: for the record, never for the decision.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Through which door.
    pub api: Api,
    /// Trace id of W3C Trace Context, 32 hex digits.
    pub trace_id: Option<String>,
    /// `X-Request-ID` as it came.
    pub request_id: Option<String>,
    /// Who asks, if they had to say so.
    pub client: Option<String>,
}

/// A question.
#[derive(Debug, Clone)]
pub struct Asked {
    /// What is to decide.
    pub pack: Arc<OpenPack>,
    /// What is asked. Without a time it is asked now.
    pub request: Request,
    /// Where it comes from.
    pub origin: Origin,
    /// Let it pass whatever the verdict, and only record it.
    pub shadow: bool,
}

/// A decision that is in the log.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Decided {
    /// Its id, the same as in the log.
    pub id: Uuid,
    /// What decided.
    pub pack: Arc<OpenPack>,
    /// What the component says.
    pub verdict: Verdict,
    /// What the caller is to do.
    pub enforced: Effect,
}

/// No decision. It is no permission.
#[derive(Debug, Clone, PartialEq, Eq, Error, Diagnostic)]
#[non_exhaustive]
pub enum Refusal {
    /// More decisions are asked for than may wait.
    #[error("too many decisions at once")]
    #[diagnostic(
        code("busy"),
        help("ask again in a second, or raise `server.limits.decisions`")
    )]
    Busy,
    /// The record could not be written.
    #[error("the decision could not be recorded: {problem}")]
    #[diagnostic(
        code("unrecorded"),
        help("the operator of the decision log has to act")
    )]
    Unrecorded {
        /// What stood against it.
        problem: String,
    },
    /// The decision broke off, which a component cannot bring about.
    #[error("the decision broke off")]
    #[diagnostic(code("broken-off"), help("a defect of sod: report it"))]
    BrokenOff,
}

impl Service {
    /// A service that makes at most so many decisions at once.
    pub fn new(packs: Packs, log: DecisionLog, clock: Clock, decisions: usize) -> Self {
        let capacity = Capacity::of(decisions);
        Service::with(packs, log, clock, capacity, Arc::default())
    }

    /// A service of that capacity, counted there.
    pub fn with(
        packs: Packs,
        log: DecisionLog,
        clock: Clock,
        capacity: Capacity,
        metrics: Arc<Metrics>,
    ) -> Self {
        Service {
            inner: Arc::new(Inner {
                packs,
                log,
                clock,
                metrics,
                turns: Turns::new(capacity),
            }),
        }
    }

    /// The packs that are served.
    pub fn packs(&self) -> &Packs {
        &self.inner.packs
    }

    /// Where decisions are recorded.
    pub fn log(&self) -> &DecisionLog {
        &self.inner.log
    }

    /// What time it is.
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// What has been counted.
    pub(crate) fn metrics(&self) -> &Arc<Metrics> {
        &self.inner.metrics
    }

    /// Decides, and writes the record before it returns.
    ///
    /// # Errors
    /// A [`Refusal`]: there is no decision, and the caller must not go ahead.
    pub async fn decide(&self, asked: Asked) -> Result<Decided, Refusal> {
        let decided = self.decide_in_turn(asked).await;
        match &decided {
            Ok(decided) => telemetry::decided(decided),
            Err(refusal) => self.inner.metrics.refused(refusal),
        }
        decided
    }

    async fn decide_in_turn(&self, asked: Asked) -> Result<Decided, Refusal> {
        let place = self.inner.turns.place().await?;
        if size(&asked.request) < LARGE && !self.inner.log.waits() {
            let deciding = self.decide_here(asked);
            drop(place);
            // The others whose requests are there decide, too, and all records are written at once.
            turns::pass().await;
            return deciding.recorded();
        }
        let service = self.clone();
        let deciding = tokio::task::spawn_blocking(move || {
            // Kept here: a caller who goes away does not end the decision.
            let _place = place;
            service.decide_here(asked).recorded()
        });
        deciding.await.map_err(|_| Refusal::BrokenOff)?
    }

    fn decide_here(&self, asked: Asked) -> Deciding<'_> {
        let Asked {
            pack,
            request,
            origin,
            shadow,
        } = asked;
        let time = self.inner.clock.now();
        let request = match request.now {
            Some(_) => request,
            None => request.with_now(time),
        };
        let began = Instant::now();
        let verdict = pack.policy.decide(&request);
        let took = began.elapsed();
        let enforced = if shadow {
            Effect::Allow
        } else {
            verdict.effect
        };
        let decision = Decision {
            request,
            verdict,
            enforced,
        };
        let record = Record {
            time,
            origin,
            pack: &pack.id,
            answer: Answer::Decision(&decision),
            latency_us: microseconds(took),
        };
        let api = record.origin.api;
        let queued = self.inner.log.queue(&record, &pack);
        Deciding(Some(Made {
            service: self,
            queued,
            pack,
            decision,
            api,
            took,
        }))
    }

    /// The id of the record, once it is written.
    fn recorded(&self, queued: Queued<'_>) -> Result<Uuid, Refusal> {
        let appended = queued.written();
        if appended.as_ref().map_or(true, |appended| appended.lost) {
            self.inner.metrics.log_failed();
        }
        let appended = appended.map_err(|error| {
            tracing::error!(%error, "a decision could not be recorded");
            Refusal::Unrecorded {
                problem: error.to_string(),
            }
        });
        Ok(appended?.id)
    }
}

/// A decision on its way into the log, where it arrives whether or not somebody still waits for it.
struct Deciding<'a>(Option<Made<'a>>);

struct Made<'a> {
    service: &'a Service,
    queued: Queued<'a>,
    pack: Arc<OpenPack>,
    decision: Decision,
    api: Api,
    took: Duration,
}

impl Deciding<'_> {
    /// The decision, once its record is written.
    fn recorded(mut self) -> Result<Decided, Refusal> {
        self.0.take().ok_or(Refusal::BrokenOff)?.recorded()
    }
}

impl Drop for Deciding<'_> {
    fn drop(&mut self) {
        if let Some(made) = self.0.take() {
            let _ = made.recorded();
        }
    }
}

impl Made<'_> {
    fn recorded(self) -> Result<Decided, Refusal> {
        let id = self.service.recorded(self.queued)?;
        let metrics = &self.service.inner.metrics;
        metrics.decided(&self.pack, self.api, &self.decision.verdict, self.took);
        Ok(Decided {
            id,
            pack: self.pack,
            verdict: self.decision.verdict,
            enforced: self.decision.enforced,
        })
    }
}

fn microseconds(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

fn size(request: &Request) -> usize {
    [&request.evidence, &request.entities, &request.context]
        .into_iter()
        .flatten()
        .map(|json| json.get().len())
        .sum()
}
