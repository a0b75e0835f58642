//! A verdict in plain words.

use std::collections::BTreeSet;

use sod_host::{Approval, Effect, EntityUid, Missing, Reason, Request, Verdict};

use crate::page::{Look, Page};

/// Why an approval does not count. docs/facts.md has a line for each code.
const UNCOUNTED: &[(&str, &str)] = &[
    ("stale-head", "given on another head than the present one"),
    ("dismissed", "dismissed or withdrawn"),
    ("not-an-approval", "a comment"),
    ("objection", "an objection"),
    ("superseded", "the same person objected or withdrew later"),
    ("expired", "expired"),
    ("edited", "its text was changed after it was given"),
    ("other-action", "given for another action"),
    ("other-repository", "given in another repository"),
    ("other-branch", "given for another target branch"),
    ("other-artifact", "given for another artifact"),
    ("other-environment", "given for another environment"),
    ("machine", "a machine gave it"),
    (
        "unknown-account",
        "the account belongs to nobody in the directory",
    ),
    (
        "duplicate-person",
        "this person counts already, by another approval",
    ),
    ("not-permitted", "this person may not approve it"),
];

/// What to do about a reason whose policy does not say.
const NEXT: &[(&str, &str)] = &[
    (
        "forbid",
        "have the policy's owner add a `@remedy`, or ask them what would satisfy it",
    ),
    ("quorum-unmet", "ask those who are missing to approve"),
    (
        "no-permit",
        "ask somebody whose role permits it, or add a rule to the pack that does",
    ),
    (
        "policy-error",
        "correct the policy, or the evidence that it stumbles over: an error always denies",
    ),
    (
        "unknown-action",
        "check the spelling of the action, and that it goes with this kind of resource",
    ),
    (
        "unknown-principal",
        "add the person, machine or account to the directory in the evidence",
    ),
    (
        "unknown-resource",
        "collect evidence that has this resource, or check its spelling",
    ),
    (
        "evidence-incomplete",
        "collect the evidence again, with all pages and the full history",
    ),
    (
        "evidence-invalid",
        "correct the evidence where the message says, or the collector that made it",
    ),
];

/// So that nobody takes what follows for a decision.
pub(crate) fn on_facts(page: &mut Page) {
    page.put(Look::Bad, "ON FACTS, NOT EVIDENCE");
    page.line(": what the rules say of these facts. It is no permission for anything");
    page.end();
}

pub(crate) fn explain(page: &mut Page, request: &Request, verdict: &Verdict) {
    headline(page, request, verdict);
    page.heading("Why");
    for (number, reason) in (1..).zip(&verdict.reasons) {
        why(page, number, reason);
    }
    if !verdict.missing.is_empty() {
        page.heading("Who is missing");
        verdict
            .missing
            .iter()
            .for_each(|missing| who(page, missing));
    }
    if !verdict.approvals.is_empty() {
        page.heading("Approvals on record");
        verdict
            .approvals
            .iter()
            .for_each(|approval| counted(page, approval));
    }
    if !verdict.obligations.is_empty() {
        page.heading("To be done besides");
        for obligation in &verdict.obligations {
            page.line(&format!(
                "  - {} ({})",
                obligation.obligation, obligation.policy
            ));
        }
    }
    if !verdict.warnings.is_empty() {
        page.heading("Not understood, and left out of account");
        for field in &verdict.warnings {
            page.line(&format!("  - {field}"));
        }
    }
}

pub(crate) fn headline(page: &mut Page, request: &Request, verdict: &Verdict) {
    let (look, effect, may) = match verdict.effect {
        Effect::Allow => (Look::Good, "ALLOW", "may"),
        Effect::Deny => (Look::Bad, "DENY", "may not"),
    };
    let Request {
        principal,
        resource,
        ..
    } = request;
    let action = action(&request.action);
    page.put(look, effect);
    page.line(&format!("  {principal} {may} {action} {resource}"));
    page.entry("policies", &verdict.policy_digest.to_string());
    page.entry("evidence", &verdict.evidence_digest.to_string());
}

/// `merge`, unless the pack has actions of another type.
fn action(action: &EntityUid) -> String {
    if action.type_name == "Action" {
        action.id.clone()
    } else {
        action.to_string()
    }
}

fn why(page: &mut Page, number: usize, reason: &Reason) {
    page.line(&format!("  {number}. {}", reason.message));
    match &reason.policy {
        Some(policy) => page.entry("policy", &format!("{policy} ({})", reason.code)),
        None => page.entry("code", &reason.code),
    }
    for name in ["control", "remedy"] {
        if let Some(value) = reason.annotations.get(name) {
            page.entry(name, value);
        }
    }
}

fn who(page: &mut Page, missing: &Missing) {
    let people = people(missing.count);
    page.line(&format!(
        "  {people} with the role `{}`, to approve {}",
        missing.role, missing.resource
    ));
    page.entry("quorum", &missing.quorum);
    let candidates = candidates(missing).unwrap_or_else(|| "nobody in the directory".to_owned());
    page.entry("could be", &candidates);
}

fn people(count: u32) -> String {
    match count {
        1 => "one more person".to_owned(),
        count => format!("{count} more people"),
    }
}

/// `gita, jon`
fn candidates(missing: &Missing) -> Option<String> {
    let more = if missing.more_candidates {
        ", and others"
    } else {
        ""
    };
    let names = missing.candidates.join(", ");
    (!names.is_empty()).then(|| names + more)
}

pub(crate) fn counted(page: &mut Page, approval: &Approval) {
    let person = match &approval.person {
        Some(person) => format!("{person}, by {}", approval.account),
        None => approval.account.clone(),
    };
    page.put(
        Look::Plain,
        &format!("  {person}, on {}: ", approval.resource),
    );
    if approval.code == "counted" {
        return page.line("counts");
    }
    let plain = words(UNCOUNTED, &approval.code);
    page.put(Look::Plain, "does not count: ");
    page.line(&match (plain, approval.policies.as_slice()) {
        (None, _) => approval.code.clone(),
        (Some(plain), []) => plain.to_owned(),
        (Some(plain), policies) => format!("{plain} ({})", policies.join(", ")),
    });
}

fn words(table: &[(&str, &'static str)], code: &str) -> Option<&'static str> {
    let found = table.iter().find(|(known, _)| *known == code);
    found.map(|(_, words)| *words)
}

/// After a deny, what those who asked can do.
pub(crate) fn next(page: &mut Page, verdict: &Verdict) {
    if verdict.effect == Effect::Allow {
        return;
    }
    page.heading("What to do next");
    let asks = verdict.missing.iter().map(ask);
    let remedies = verdict
        .reasons
        .iter()
        .filter_map(|reason| remedy(reason, verdict));
    let mut said = BTreeSet::new();
    for step in asks.chain(remedies) {
        if said.insert(step.clone()) {
            page.line(&format!("  - {step}"));
        }
    }
    page.line("  - then collect the evidence anew and decide again");
}

fn ask(missing: &Missing) -> String {
    let Missing { resource, role, .. } = missing;
    match candidates(missing) {
        Some(names) => {
            let count = match missing.count {
                1 => "one".to_owned(),
                count => count.to_string(),
            };
            format!("ask {count} of {names} to approve {resource} as `{role}`")
        }
        None => {
            let people = people(missing.count);
            format!(
                "have {people} with the role `{role}` who may approve {resource}: nobody in the directory can"
            )
        }
    }
}

/// Signatures that are missing have been asked for by name already.
fn remedy(reason: &Reason, verdict: &Verdict) -> Option<String> {
    if reason.code == "quorum-unmet" && !verdict.missing.is_empty() {
        return None;
    }
    let remedy = reason
        .annotations
        .get("remedy")
        .filter(|remedy| !remedy.is_empty());
    remedy
        .cloned()
        .or_else(|| words(NEXT, &reason.code).map(str::to_owned))
}
