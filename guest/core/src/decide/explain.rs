//! From what the rules said to a verdict with its reasons.

use std::collections::{BTreeMap, BTreeSet};

use crate::policy::Outcome;
use crate::program::Program;
use crate::request::Request;
use crate::verdict::{Effect, Obligation, Reason, Verdict, code};

/// The verdict of `outcome`. `if_met` is what the rules would say were every
/// quorum met; where the two differ, a quorum is the reason.
pub(super) fn verdict(
    program: &Program,
    request: &Request,
    outcome: &Outcome,
    if_met: &Outcome,
) -> Verdict {
    let effect = outcome.effect();
    let reasons = match effect {
        Effect::Allow => permits(program, request, outcome),
        Effect::Deny => denials(program, request, outcome, if_met),
    };
    Verdict {
        obligations: obligations(&reasons),
        effect,
        reasons,
        missing: Vec::new(),
        approvals: Vec::new(),
        warnings: Vec::new(),
        policy_digest: String::new(),
        evidence_digest: String::new(),
    }
}

/// Names of the quorums that hold rules back which would turn, were they met.
pub(super) fn holding_quorums<'p>(
    program: &'p Program,
    outcome: &Outcome,
    if_met: &Outcome,
) -> BTreeSet<&'p str> {
    let held = held_permits(outcome, if_met).chain(held_forbids(outcome, if_met));
    let rules = held.filter_map(|ix| program.rules.get(ix));
    rules
        .flat_map(|rule| rule.quorums.iter().map(String::as_str))
        .collect()
}

fn held_permits<'o>(outcome: &'o Outcome, if_met: &'o Outcome) -> impl Iterator<Item = u32> {
    let held = |ix: &&u32| !outcome.permits.contains(ix);
    if_met.permits.iter().filter(held).copied()
}

fn held_forbids<'o>(outcome: &'o Outcome, if_met: &'o Outcome) -> impl Iterator<Item = u32> {
    let held = |ix: &&u32| !if_met.forbids.contains(ix);
    outcome.forbids.iter().filter(held).copied()
}

fn permits(program: &Program, request: &Request, outcome: &Outcome) -> Vec<Reason> {
    let otherwise = format!(
        "`{}` may do `{}` to `{}`",
        request.principal, request.action, request.resource
    );
    let rules = outcome
        .permits
        .iter()
        .filter_map(|ix| program.rules.get(*ix));
    rules
        .map(|rule| rule.reason(code::PERMIT, &otherwise))
        .collect()
}

fn denials(
    program: &Program,
    request: &Request,
    outcome: &Outcome,
    if_met: &Outcome,
) -> Vec<Reason> {
    let rule = |ix| program.rules.get(ix);
    let errors = outcome.errors.iter().filter_map(|(ix, error)| {
        let mut reason = rule(*ix)?.reason(code::POLICY_ERROR, "");
        reason.message = format!("the policy could not be evaluated, which denies: {error}");
        Some(reason)
    });
    let forbids = outcome.forbids.iter().filter_map(|ix| {
        let code = if if_met.forbids.contains(ix) {
            code::FORBID
        } else {
            code::QUORUM_UNMET
        };
        Some(rule(*ix)?.reason(code, "a policy forbids it"))
    });
    let mut reasons: Vec<Reason> = errors.chain(forbids).collect();
    if reasons.is_empty() {
        let held = held_permits(outcome, if_met).filter_map(rule);
        reasons.extend(held.map(|rule| rule.reason(code::QUORUM_UNMET, "signatures are missing")));
    }
    // Where all that stands in the way is signatures, nobody is to collect them in vain.
    let only_quorums = if_met.errors.is_empty() && if_met.forbids.is_empty();
    if reasons.is_empty() || (only_quorums && if_met.permits.is_empty()) {
        reasons.push(no_permit(request));
    }
    reasons
}

fn no_permit(request: &Request) -> Reason {
    Reason {
        code: code::NO_PERMIT.to_owned(),
        policy: None,
        message: format!(
            "no policy permits `{}` to do `{}` to `{}`",
            request.principal, request.action, request.resource
        ),
        annotations: Default::default(),
    }
}

/// `@obligation` of every policy that is a reason, by id.
fn obligations(reasons: &[Reason]) -> Vec<Obligation> {
    let obligation = |reason: &Reason| {
        let obligation = reason.annotations.get("obligation")?;
        Some((reason.policy.clone()?, obligation.clone()))
    };
    let by_policy: BTreeMap<_, _> = reasons.iter().filter_map(obligation).collect();
    let obligation = |(policy, obligation)| Obligation { policy, obligation };
    by_policy.into_iter().map(obligation).collect()
}
