//! The answer.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::request::EntityUid;

/// Stable codes of reasons and approvals: docs/facts.md has a line for each.
pub mod code {
    /// A permit applies and nothing stands against it.
    pub const PERMIT: &str = "permit";
    /// A forbid applies.
    pub const FORBID: &str = "forbid";
    /// No permit applies.
    pub const NO_PERMIT: &str = "no-permit";
    /// A rule would turn the verdict if its quorum were met.
    pub const QUORUM_UNMET: &str = "quorum-unmet";
    /// A policy failed to evaluate.
    pub const POLICY_ERROR: &str = "policy-error";
    /// The pack has no such action, or not for such a principal and resource.
    pub const UNKNOWN_ACTION: &str = "unknown-action";
    /// The principal is nobody in the directory.
    pub const UNKNOWN_PRINCIPAL: &str = "unknown-principal";
    /// The evidence does not have the resource.
    pub const UNKNOWN_RESOURCE: &str = "unknown-resource";
    /// A list is cut off or a commit is absent.
    pub const EVIDENCE_INCOMPLETE: &str = "evidence-incomplete";
    /// The evidence contradicts itself or points at nothing.
    pub const EVIDENCE_INVALID: &str = "evidence-invalid";

    /// The approval counts.
    pub const COUNTED: &str = "counted";
    /// Given on another head than the present one.
    pub const STALE_HEAD: &str = "stale-head";
    /// Withdrawn or dismissed.
    pub const DISMISSED: &str = "dismissed";
    /// A comment or an objection.
    pub const NOT_AN_APPROVAL: &str = "not-an-approval";
    /// The same person objected or withdrew afterwards.
    pub const SUPERSEDED: &str = "superseded";
    /// The reviewer objects.
    pub const OBJECTION: &str = "objection";
    /// Its text was changed after it was given.
    pub const EDITED: &str = "edited";
    /// Given for another action.
    pub const OTHER_ACTION: &str = "other-action";
    /// Past its expiry.
    pub const EXPIRED: &str = "expired";
    /// Given in another repository.
    pub const OTHER_REPOSITORY: &str = "other-repository";
    /// Given for another target branch.
    pub const OTHER_BRANCH: &str = "other-branch";
    /// Given for another artifact digest.
    pub const OTHER_ARTIFACT: &str = "other-artifact";
    /// Given for another environment.
    pub const OTHER_ENVIRONMENT: &str = "other-environment";
    /// A machine gave it.
    pub const MACHINE: &str = "machine";
    /// The account belongs to nobody in the directory.
    pub const UNKNOWN_ACCOUNT: &str = "unknown-account";
    /// The same person already counts.
    pub const DUPLICATE_PERSON: &str = "duplicate-person";
    /// The pack's own `approve` rules refuse the approver.
    pub const NOT_PERMITTED: &str = "not-permitted";
}

/// Allow or deny.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Go ahead.
    Allow,
    /// Do not.
    Deny,
}

/// One reason for the effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// One of [`code`].
    pub code: String,
    /// `@id` of the policy, where one policy is the reason.
    pub policy: Option<String>,
    /// In plain words.
    pub message: String,
    /// The policy's annotations but `@id`.
    pub annotations: BTreeMap<String, String>,
}

/// A need of a quorum that is not met.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Missing {
    /// Name of the quorum.
    pub quorum: String,
    /// The change or deployment that lacks it.
    pub resource: EntityUid,
    /// The role whose signature is missing.
    pub role: String,
    /// How many more different people.
    pub count: u32,
    /// People of the directory who could fill it, sorted, at most 50.
    pub candidates: Vec<String>,
    /// There are more than listed.
    pub more_candidates: bool,
}

/// What became of one approval in the evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Approval {
    /// The change or deployment that it was found on.
    pub resource: EntityUid,
    /// Position in that resource's list, from 0.
    pub index: u32,
    /// The account that gave it.
    pub account: String,
    /// The person behind it.
    pub person: Option<String>,
    /// [`code::COUNTED`] or why not.
    pub code: String,
    /// Policies that refused the approver.
    pub policies: Vec<String>,
}

/// What the host must do if it acts on the verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Obligation {
    /// `@id` of the policy.
    pub policy: String,
    /// Value of its `@obligation`.
    pub obligation: String,
}

/// The whole answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
    /// Fields of the evidence, by path, that this engine does not know and that had no part in this.
    pub warnings: Vec<String>,
    /// Digest of policies, schema and quorums.
    pub policy_digest: String,
    /// Digest of evidence, entities and context.
    pub evidence_digest: String,
}

/// Why no verdict could be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// The request is not of the form that the pack takes.
    InvalidRequest,
    /// The request goes beyond a fixed bound.
    Limit,
    /// A defect of the engine.
    Internal,
}

/// A request that could not be decided. A deny.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// Which of the closed set.
    pub kind: FaultKind,
    /// What, where, and what to do about it.
    pub message: String,
}

impl Fault {
    pub(crate) fn invalid_request(message: impl Into<String>) -> Self {
        Fault {
            kind: FaultKind::InvalidRequest,
            message: message.into(),
        }
    }

    /// JSON that does not parse, or that nests deeper than the parser goes.
    pub(crate) fn json(field: &str, error: &serde_json::Error) -> Self {
        let message = format!("{field}: {error}");
        let too_deep = message.contains("recursion limit exceeded");
        Fault {
            kind: if too_deep {
                FaultKind::Limit
            } else {
                FaultKind::InvalidRequest
            },
            message,
        }
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Fault {
            kind: FaultKind::Internal,
            message: message.into(),
        }
    }
}
