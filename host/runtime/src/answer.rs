//! From what a component returned to what the host believes.
//!
//! A component is sandboxed, not trusted. Whatever in its answer can be
//! checked without knowing the policies is checked here, and an answer that
//! fails a check is no answer.

use std::collections::BTreeMap;

use crate::bindings::exports::sod::policy::authorizer as guest;
use crate::description::{ActionInfo, Description, Mode, Need, PolicyInfo, QuorumInfo};
use crate::digest::Digest;
use crate::entity::EntityUid;
use crate::request::Request;
use crate::verdict::{Approval, Effect, Fault, FaultKind, Missing, Obligation, Reason, Verdict};

/// What is wrong with an answer.
type Checked<T> = Result<T, String>;

/// Lends a request to the component.
pub(crate) fn lend(request: &Request) -> guest::Request<'_> {
    let [evidence, entities, context] = request.documents();
    guest::Request {
        principal: lend_uid(&request.principal),
        action: lend_uid(&request.action),
        resource: lend_uid(&request.resource),
        now: request.now,
        evidence,
        entities,
        context,
    }
}

fn lend_uid(uid: &EntityUid) -> guest::EntityUidParam<'_> {
    guest::EntityUidParam {
        type_: &uid.type_name,
        id: &uid.id,
    }
}

/// A verdict on this request by the component so described, or what is wrong with it.
pub(crate) fn verdict(
    answer: guest::Verdict,
    request: &Request,
    by: &Description,
) -> Checked<Verdict> {
    let verdict = Verdict {
        effect: effect(answer.effect),
        reasons: answer
            .reasons
            .into_iter()
            .map(reason)
            .collect::<Checked<_>>()?,
        missing: answer.missing.into_iter().map(missing).collect(),
        approvals: answer.approvals.into_iter().map(approval).collect(),
        obligations: answer.obligations.into_iter().map(obligation).collect(),
        warnings: answer.warnings,
        policy_digest: digest(&answer.policy_digest, "policy digest")?,
        evidence_digest: digest(&answer.evidence_digest, "evidence digest")?,
    };
    if verdict.reasons.is_empty() {
        return Err("it gives no reason".to_owned());
    }
    if verdict.policy_digest != by.policy_digest {
        return Err(
            "its policy digest is not the one that the component describes itself with".to_owned(),
        );
    }
    if verdict.evidence_digest != request.evidence_digest() {
        return Err("its evidence digest is not that of the request".to_owned());
    }
    match verdict.effect {
        Effect::Deny => Ok(verdict),
        Effect::Allow => allow(verdict, by),
    }
}

/// An allow has to follow from a permit, and nothing may stand against it.
fn allow(verdict: Verdict, by: &Description) -> Checked<Verdict> {
    let effects = || {
        verdict
            .reasons
            .iter()
            .map(|reason| by.effect_of(reason.policy.as_deref()?))
    };
    if !verdict.missing.is_empty() {
        Err("it allows although a quorum is not met".to_owned())
    } else if effects().any(|effect| effect == Some(Effect::Deny)) {
        Err("it allows and gives a forbid as a reason".to_owned())
    } else if !effects().any(|effect| effect == Some(Effect::Allow)) {
        Err("it allows without a permit of this component as a reason".to_owned())
    } else {
        Ok(verdict)
    }
}

/// The component's own word for why it has no verdict.
pub(crate) fn fault(fault: guest::Fault) -> Fault {
    let kind = match fault.kind {
        guest::FaultKind::InvalidRequest => FaultKind::InvalidRequest,
        guest::FaultKind::Limit => FaultKind::Limit,
        guest::FaultKind::Internal => FaultKind::Internal,
    };
    Fault {
        kind,
        message: fault.message,
    }
}

/// A description, or what is wrong with it.
pub(crate) fn description(answer: guest::Description) -> Checked<Description> {
    let description = Description {
        name: answer.name,
        version: answer.version,
        engine: answer.engine,
        mode: match answer.mode {
            guest::Mode::Evidence => Mode::Evidence,
            guest::Mode::Cedar => Mode::Cedar,
        },
        policy_digest: digest(&answer.policy_digest, "policy digest")?,
        policies: answer
            .policies
            .into_iter()
            .map(policy_info)
            .collect::<Checked<_>>()?,
        quorums: answer.quorums.into_iter().map(quorum_info).collect(),
        actions: answer.actions.into_iter().map(action_info).collect(),
    };
    // Policies are looked up by id when an allow is checked.
    if !description.policies.is_sorted_by(|a, b| a.id < b.id) {
        return Err("its policies are not sorted by id, each id once".to_owned());
    }
    Ok(description)
}

fn action_info(info: guest::ActionInfo) -> ActionInfo {
    ActionInfo {
        action: uid(info.action),
        principals: info.principals,
        resources: info.resources,
    }
}

fn policy_info(policy: guest::PolicyInfo) -> Checked<PolicyInfo> {
    Ok(PolicyInfo {
        id: policy.id,
        pack: policy.pack,
        effect: effect(policy.effect),
        annotations: annotations(policy.annotations)?,
        digest: digest(&policy.digest, "digest of a policy")?,
    })
}

fn quorum_info(quorum: guest::QuorumInfo) -> QuorumInfo {
    let needs = quorum.needs.into_iter().map(|need| Need {
        role: need.role,
        count: need.count,
    });
    QuorumInfo {
        name: quorum.name,
        of: quorum.of,
        needs: needs.collect(),
    }
}

fn effect(effect: guest::Effect) -> Effect {
    match effect {
        guest::Effect::Allow => Effect::Allow,
        guest::Effect::Deny => Effect::Deny,
    }
}

fn reason(reason: guest::Reason) -> Checked<Reason> {
    let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if reason.code.is_empty() || !reason.code.chars().all(kebab) {
        return Err(format!(
            "`{}` is no reason code",
            reason.code.escape_debug()
        ));
    }
    Ok(Reason {
        code: reason.code,
        policy: reason.policy,
        message: reason.message,
        annotations: annotations(reason.annotations)?,
    })
}

fn annotations(annotations: Vec<guest::Annotation>) -> Checked<BTreeMap<String, String>> {
    let mut by_name = BTreeMap::new();
    for annotation in annotations {
        if by_name.contains_key(&annotation.name) {
            return Err(format!(
                "the annotation `{}` is there twice",
                annotation.name.escape_debug()
            ));
        }
        by_name.insert(annotation.name, annotation.value);
    }
    Ok(by_name)
}

fn missing(missing: guest::Missing) -> Missing {
    Missing {
        quorum: missing.quorum,
        resource: uid(missing.resource),
        role: missing.role,
        count: missing.count,
        candidates: missing.candidates,
        more_candidates: missing.more_candidates,
    }
}

fn approval(approval: guest::Approval) -> Approval {
    Approval {
        resource: uid(approval.resource),
        index: approval.index,
        account: approval.account,
        person: approval.person,
        code: approval.code,
        policies: approval.policies,
    }
}

fn obligation(obligation: guest::Obligation) -> Obligation {
    Obligation {
        policy: obligation.policy,
        obligation: obligation.obligation,
    }
}

fn uid(uid: guest::EntityUidResult) -> EntityUid {
    EntityUid::new(uid.type_, uid.id)
}

fn digest(text: &str, what: &str) -> Checked<Digest> {
    text.parse()
        .map_err(|_| format!("its {what} is `{}`, no digest", text.escape_debug()))
}
