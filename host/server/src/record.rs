//! What is kept of a decision, and of a search, which is many decisions with one answer.
//!
//! How much of it gets into the log, and in which form, is the [log](crate::log)'s to say.

use serde::{Deserialize, Serialize};
use sod_host::{Digest, Effect, EntityUid, Policy, Request, Verdict};

use crate::service::Origin;

/// Through which door a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Api {
    /// `POST /v1/decide`
    Native,
    /// `POST /access/v1/evaluation` and `/evaluations`
    Authzen,
    /// `POST /access/v1/search/...`
    Search,
    /// Envoy's external authorization over gRPC.
    ExtAuthz,
    /// A proxy's subrequest over HTTP.
    ForwardAuth,
}

impl Api {
    /// As in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Api::Native => "native",
            Api::Authzen => "authzen",
            Api::Search => "search",
            Api::ExtAuthz => "ext-authz",
            Api::ForwardAuth => "forward-auth",
        }
    }
}

/// Which component decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PackId {
    /// `NAME` of `[pack.NAME]`.
    pub served_as: String,
    /// Name of the pack.
    pub name: String,
    /// Version of the pack.
    pub version: String,
    /// Digest of the component.
    pub digest: Digest,
    /// Digest of policies, schema and quorums, as in every verdict.
    pub policy_digest: Digest,
}

impl PackId {
    pub(crate) fn of(served_as: &str, policy: &Policy) -> Self {
        let description = policy.describe();
        PackId {
            served_as: served_as.to_owned(),
            name: description.name.clone(),
            version: description.version.clone(),
            digest: *policy.digest(),
            policy_digest: description.policy_digest,
        }
    }
}

/// What was decided, complete enough to be decided again.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Record<'a> {
    /// Milliseconds since the Unix epoch, when it was decided.
    pub time: i64,
    /// Who asked, and how.
    pub origin: Origin,
    /// What decided.
    pub pack: &'a PackId,
    /// What was asked and answered.
    pub answer: Answer<'a>,
    /// Microseconds that deciding took, waiting not counted.
    pub latency_us: u64,
}

/// One decision, or the many of a search.
#[derive(Debug, Clone, Copy)]
pub enum Answer<'a> {
    /// May this principal do this?
    Decision(&'a Decision),
    /// Who may, what may they do, or to what?
    Search(&'a Search),
}

/// One decision.
#[derive(Debug, Clone)]
pub struct Decision {
    /// What was asked, with the time that it was decided on.
    pub request: Request,
    /// What was answered.
    pub verdict: Verdict,
    /// What the caller was told to do: in shadow mode that is to go ahead, whatever the verdict.
    pub enforced: Effect,
}

/// What a search is after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sought {
    /// Who may do this to that?
    Principal,
    /// What may they do to that?
    Action,
    /// To what may they do this?
    Resource,
}

/// Many decisions with one answer.
#[derive(Debug, Clone)]
pub struct Search {
    /// What is the same in all questions, the time included. What is sought has no meaning here.
    pub request: Request,
    /// What differs between the questions.
    pub sought: Sought,
    /// Each candidate, in the order in which it was asked about.
    pub questions: Vec<Question>,
}

/// One question of a search, and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// What stands in the place of what is sought.
    pub candidate: EntityUid,
    /// What was decided.
    pub effect: Effect,
    /// Digest of the verdict's JSON, so that a replay can tell whether it is the same to the byte.
    pub verdict_digest: Digest,
}

impl Search {
    /// The candidates that were allowed: the answer.
    pub fn results(&self) -> impl Iterator<Item = &EntityUid> {
        let allowed = self.questions.iter().filter(|q| q.effect == Effect::Allow);
        allowed.map(|question| &question.candidate)
    }

    /// One of its questions.
    pub(crate) fn ask(request: &mut Request, sought: Sought, candidate: &EntityUid) {
        let place = match sought {
            Sought::Principal => &mut request.principal,
            Sought::Action => &mut request.action,
            Sought::Resource => &mut request.resource,
        };
        place.clone_from(candidate);
    }
}

impl Question {
    /// What is kept of a verdict.
    pub(crate) fn answered(candidate: EntityUid, verdict: &Verdict) -> Self {
        // A verdict is strings, lists and numbers: it always has a JSON form.
        let json = serde_json::to_vec(verdict).unwrap_or_default();
        Question {
            candidate,
            effect: verdict.effect,
            verdict_digest: Digest::of(&json),
        }
    }
}
