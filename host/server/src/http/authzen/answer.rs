//! What AuthZEN is answered: a decision, and in its context all that there is to say of it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use sod_host::{Digest, Effect, Missing, Obligation, Reason, Verdict};
use uuid::Uuid;

use crate::http::problem::Problem;
use crate::packs::OpenPack;
use crate::service::Decided;

/// What a reason is filed under: as HTTP would say it.
const FORBIDDEN: &str = "403";

/// A decision.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Decision<'a> {
    /// `true` is permission. Nothing else is.
    pub(super) decision: bool,
    /// What there is to say of it.
    context: Context<'a>,
}

/// The answer to many evaluations.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Decisions<'a> {
    /// In the order in which they were asked.
    pub(super) evaluations: Vec<Decision<'a>>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
enum Context<'a> {
    Decided(Box<OfDecision<'a>>),
    Failed(OfFailure),
}

/// What there is to say of a decision.
#[derive(Debug, Serialize, JsonSchema)]
struct OfDecision<'a> {
    /// Id of its record in the decision log.
    #[schemars(with = "String", extend("format" = "uuid"))]
    id: Uuid,
    /// What decided.
    pack: OfPack<'a>,
    /// Of a deny: codes and policies, under `403`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    reason_admin: BTreeMap<&'static str, String>,
    /// Of a deny: in plain words, under `403`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    reason_user: BTreeMap<&'static str, String>,
    /// Why; never empty.
    reasons: &'a Vec<Reason>,
    /// What would have to be added, and who could.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: &'a Vec<Missing>,
    /// What must be done besides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    obligations: &'a Vec<Obligation>,
    /// What in the evidence was not understood.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: &'a Vec<String>,
}

/// Which pack decided.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct OfPack<'a> {
    /// Its name.
    name: &'a str,
    /// Its version.
    version: &'a str,
    /// Digest of the component.
    #[schemars(with = "String")]
    digest: &'a Digest,
}

/// Why one of many evaluations is no decision.
#[derive(Debug, Serialize, JsonSchema)]
struct OfFailure {
    error: Failure,
}

/// What is wrong with one of many evaluations.
#[derive(Debug, Serialize, JsonSchema)]
struct Failure {
    /// The HTTP status that it would have had by itself.
    status: u16,
    /// What is wrong, and where.
    message: String,
}

impl<'a> Decision<'a> {
    /// What was decided.
    pub(super) fn of(decided: &'a Decided) -> Self {
        let Decided {
            id, pack, verdict, ..
        } = decided;
        let allowed = decided.enforced == Effect::Allow;
        let (reason_admin, reason_user) = match allowed {
            true => (BTreeMap::new(), BTreeMap::new()),
            false => (
                BTreeMap::from([(FORBIDDEN, codes(verdict))]),
                BTreeMap::from([(FORBIDDEN, messages(verdict))]),
            ),
        };
        Decision {
            decision: allowed,
            context: Context::Decided(Box::new(OfDecision {
                id: *id,
                pack: OfPack::of(pack),
                reason_admin,
                reason_user,
                reasons: &verdict.reasons,
                missing: &verdict.missing,
                obligations: &verdict.obligations,
                warnings: &verdict.warnings,
            })),
        }
    }

    /// What could not be decided.
    pub(super) fn failed(problem: &Problem) -> Self {
        Decision {
            decision: false,
            context: Context::Failed(OfFailure {
                error: Failure {
                    status: problem.status(),
                    message: problem.message(),
                },
            }),
        }
    }
}

impl<'a> OfPack<'a> {
    /// That pack.
    pub(super) fn of(pack: &'a OpenPack) -> Self {
        let description = pack.policy.describe();
        OfPack {
            name: &description.name,
            version: &description.version,
            digest: pack.policy.digest(),
        }
    }
}

/// `quorum-unmet (production-needs-both-sign-offs); no-permit`
fn codes(verdict: &Verdict) -> String {
    joined(verdict, |reason| match &reason.policy {
        Some(policy) => format!("{} ({policy})", reason.code),
        None => reason.code.clone(),
    })
}

fn messages(verdict: &Verdict) -> String {
    joined(verdict, |reason| reason.message.clone())
}

fn joined(verdict: &Verdict, part: impl Fn(&Reason) -> String) -> String {
    let parts: Vec<_> = verdict.reasons.iter().map(part).collect();
    parts.join("; ")
}
