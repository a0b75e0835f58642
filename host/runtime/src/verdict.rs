//! The answer: what the component said, once it has been found credible.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::digest::Digest;
use crate::entity::EntityUid;

/// Allow or deny.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Go ahead.
    Allow,
    /// Do not.
    Deny,
}

/// One reason for the effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Reason {
    /// Stable and kebab-case: the component's (docs/facts.md) or the host's ([`code`](crate::code)).
    pub code: String,
    /// `@id` of the policy, where one policy is the reason.
    pub policy: Option<String>,
    /// In plain words.
    pub message: String,
    /// The policy's annotations but `@id`.
    pub annotations: BTreeMap<String, String>,
}

/// A need of a quorum that is not met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Missing {
    /// Name of the quorum.
    pub quorum: String,
    /// The change or deployment that lacks it.
    pub resource: EntityUid,
    /// The role whose signature is missing.
    pub role: String,
    /// How many more different people.
    pub count: u32,
    /// Ids of people who could fill it, sorted, at most 50.
    pub candidates: Vec<String>,
    /// There are more than listed.
    pub more_candidates: bool,
}

/// What became of one approval in the evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Approval {
    /// The change or deployment that it was found on.
    pub resource: EntityUid,
    /// Position in that resource's list, from 0.
    pub index: u32,
    /// The account that gave it.
    pub account: String,
    /// The person behind it.
    pub person: Option<String>,
    /// `counted`, or the code why not.
    pub code: String,
    /// Policies that refused the approver.
    pub policies: Vec<String>,
}

/// What the host must do if it acts on the verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Obligation {
    /// `@id` of the policy.
    pub policy: String,
    /// Value of its `@obligation`.
    pub obligation: String,
}

/// The whole answer, complete enough to be the audit record.
///
/// Only [`Effect::Allow`] in `effect` is permission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Verdict {
    /// Allow or deny.
    pub effect: Effect,
    /// Why; never empty.
    pub reasons: Vec<Reason>,
    /// What would have to be added.
    pub missing: Vec<Missing>,
    /// What became of every approval that concerns the resource.
    pub approvals: Vec<Approval>,
    /// What the host must do besides.
    pub obligations: Vec<Obligation>,
    /// Fields of the evidence, by path, that the engine does not know and that had no part in this.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Digest of policies, schema and quorums.
    pub policy_digest: Digest,
    /// Digest of evidence, entities and context.
    pub evidence_digest: Digest,
}

/// Why a component could not reach a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FaultKind {
    /// The request is not of the form that the pack takes.
    InvalidRequest,
    /// The request goes beyond a fixed bound of the component.
    Limit,
    /// A defect of the component.
    Internal,
}

/// A request that the component could not decide. A deny.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct Fault {
    /// Which of the closed set.
    pub kind: FaultKind,
    /// What is wrong, where, and what to do about it.
    pub message: String,
}
