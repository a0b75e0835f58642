//! Between the types of the contract and those of the core.

use std::collections::BTreeMap;

use sod_core::verdict as core;

use crate::wit;

impl From<wit::EntityUid> for sod_core::EntityUid {
    fn from(uid: wit::EntityUid) -> Self {
        sod_core::EntityUid {
            type_name: uid.type_,
            id: uid.id,
        }
    }
}

impl From<sod_core::EntityUid> for wit::EntityUid {
    fn from(uid: sod_core::EntityUid) -> Self {
        wit::EntityUid {
            type_: uid.type_name,
            id: uid.id,
        }
    }
}

impl From<wit::Request> for sod_core::Request {
    fn from(request: wit::Request) -> Self {
        sod_core::Request {
            principal: request.principal.into(),
            action: request.action.into(),
            resource: request.resource.into(),
            now: request.now,
            evidence: request.evidence,
            entities: request.entities,
            context: request.context,
        }
    }
}

impl From<core::Effect> for wit::Effect {
    fn from(effect: core::Effect) -> Self {
        match effect {
            core::Effect::Allow => wit::Effect::Allow,
            core::Effect::Deny => wit::Effect::Deny,
        }
    }
}

impl From<core::Verdict> for wit::Verdict {
    fn from(verdict: core::Verdict) -> Self {
        wit::Verdict {
            effect: verdict.effect.into(),
            reasons: verdict.reasons.into_iter().map(Into::into).collect(),
            missing: verdict.missing.into_iter().map(Into::into).collect(),
            approvals: verdict.approvals.into_iter().map(Into::into).collect(),
            obligations: verdict.obligations.into_iter().map(Into::into).collect(),
            warnings: verdict.warnings,
            policy_digest: verdict.policy_digest,
            evidence_digest: verdict.evidence_digest,
        }
    }
}

impl From<core::Reason> for wit::Reason {
    fn from(reason: core::Reason) -> Self {
        wit::Reason {
            code: reason.code,
            policy: reason.policy,
            message: reason.message,
            annotations: annotations(reason.annotations),
        }
    }
}

impl From<core::Missing> for wit::Missing {
    fn from(missing: core::Missing) -> Self {
        wit::Missing {
            quorum: missing.quorum,
            resource: missing.resource.into(),
            role: missing.role,
            count: missing.count,
            candidates: missing.candidates,
            more_candidates: missing.more_candidates,
        }
    }
}

impl From<core::Approval> for wit::Approval {
    fn from(approval: core::Approval) -> Self {
        wit::Approval {
            resource: approval.resource.into(),
            index: approval.index,
            account: approval.account,
            person: approval.person,
            code: approval.code,
            policies: approval.policies,
        }
    }
}

impl From<core::Obligation> for wit::Obligation {
    fn from(obligation: core::Obligation) -> Self {
        wit::Obligation {
            policy: obligation.policy,
            obligation: obligation.obligation,
        }
    }
}

impl From<core::Fault> for wit::Fault {
    fn from(fault: core::Fault) -> Self {
        wit::Fault {
            kind: match fault.kind {
                core::FaultKind::InvalidRequest => wit::FaultKind::InvalidRequest,
                core::FaultKind::Limit => wit::FaultKind::Limit,
                core::FaultKind::Internal => wit::FaultKind::Internal,
            },
            message: fault.message,
        }
    }
}

impl From<&sod_core::Description> for wit::Description {
    fn from(description: &sod_core::Description) -> Self {
        wit::Description {
            name: description.name.clone(),
            version: description.version.clone(),
            engine: description.engine.clone(),
            mode: match description.mode {
                sod_core::Mode::Evidence => wit::Mode::Evidence,
                sod_core::Mode::Cedar => wit::Mode::Cedar,
            },
            policy_digest: description.policy_digest.clone(),
            policies: description.policies.iter().map(policy).collect(),
            quorums: description.quorums.iter().map(quorum).collect(),
            actions: description.actions.iter().map(action).collect(),
        }
    }
}

/// What an engine without a pack says of itself.
pub(crate) fn nothing_loaded() -> wit::Description {
    wit::Description {
        name: String::new(),
        version: String::new(),
        engine: env!("CARGO_PKG_VERSION").to_owned(),
        mode: wit::Mode::Evidence,
        policy_digest: String::new(),
        policies: Vec::new(),
        quorums: Vec::new(),
        actions: Vec::new(),
    }
}

fn policy(info: &sod_core::PolicyInfo) -> wit::PolicyInfo {
    wit::PolicyInfo {
        id: info.id.clone(),
        pack: info.pack.clone(),
        effect: info.effect.into(),
        annotations: annotations(info.annotations.clone()),
        digest: info.digest.clone(),
    }
}

fn action(action: &sod_core::ActionInfo) -> wit::ActionInfo {
    wit::ActionInfo {
        action: action.action.clone().into(),
        principals: action.principals.clone(),
        resources: action.resources.clone(),
    }
}

fn quorum(quorum: &sod_core::Quorum) -> wit::QuorumInfo {
    let of = match quorum.of {
        sod_core::QuorumOf::Change => "change",
        sod_core::QuorumOf::Deployment => "deployment",
    };
    let need = |(role, count): (&String, &u32)| wit::Need {
        role: role.clone(),
        count: *count,
    };
    wit::QuorumInfo {
        name: quorum.name.clone(),
        of: of.to_owned(),
        needs: quorum.need.iter().map(need).collect(),
    }
}

fn annotations(map: BTreeMap<String, String>) -> Vec<wit::Annotation> {
    let pair = |(name, value)| wit::Annotation { name, value };
    map.into_iter().map(pair).collect()
}
