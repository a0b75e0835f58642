//! What becomes of a request, and what its client and the access log are told.

use serde::Serialize;
use sod_core::verdict::{Missing, Reason};
use sod_core::{Description, Effect, EntityUid, Fault, FaultKind, Request, Verdict};
use sod_route::Denial;

use crate::proxy;

/// No decision was reached. Names as the host has them for its own.
fn fault_code(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::InvalidRequest => "fault-invalid-request",
        FaultKind::Limit => "fault-limit",
        FaultKind::Internal => "fault-internal",
    }
}

/// A request that ends here without a decision, and why.
pub(crate) struct Refusal {
    status: u32,
    code: &'static str,
    message: String,
    remedy: &'static str,
    route: Option<String>,
}

impl Refusal {
    /// Something that must not be: whoever runs the proxy has to look.
    pub(crate) fn broken(message: &str) -> Self {
        Refusal {
            status: 403,
            code: "unavailable",
            message: message.to_owned(),
            remedy: "the operator of the proxy has to act",
            route: None,
        }
    }

    pub(crate) fn too_large(route: &str, limit: usize) -> Self {
        Refusal {
            status: 413,
            code: "body-too-large",
            message: format!("the body has more than {limit} bytes"),
            remedy: "send less evidence, or have the operator raise `max_body_bytes`",
            route: Some(route.to_owned()),
        }
    }

    pub(crate) fn fault(route: &str, fault: Fault) -> Self {
        Refusal {
            status: 403,
            code: fault_code(fault.kind),
            message: fault.message,
            remedy: "the message says what is wrong with the request or its evidence",
            route: Some(route.to_owned()),
        }
    }

    pub(crate) fn send(self) {
        let reason = Said {
            code: self.code,
            policy: None,
            message: &self.message,
            remedy: Some(self.remedy),
        };
        let body = Body {
            decision_id: None,
            effect: Effect::Deny,
            route: self.route.as_deref(),
            pack: None,
            principal: None,
            action: None,
            resource: None,
            reasons: vec![reason],
            missing: &[],
        };
        send(self.status, Effect::Deny, None, &json(&body));
    }
}

impl From<Denial> for Refusal {
    fn from(denial: Denial) -> Self {
        Refusal {
            status: u32::from(denial.code.status()),
            code: denial.code.as_str(),
            message: denial.message,
            remedy: denial.code.remedy(),
            route: denial.route,
        }
    }
}

/// What a client gets that may not go on: the same as from `sod serve`.
#[derive(Serialize)]
struct Body<'a> {
    decision_id: Option<&'a str>,
    effect: Effect,
    route: Option<&'a str>,
    pack: Option<Pack<'a>>,
    principal: Option<&'a EntityUid>,
    action: Option<&'a EntityUid>,
    resource: Option<&'a EntityUid>,
    reasons: Vec<Said<'a>>,
    missing: &'a [Missing],
}

/// What decided. A module does not know its own digest.
#[derive(Serialize)]
struct Pack<'a> {
    name: &'a str,
    version: &'a str,
    policy_digest: &'a str,
}

/// One reason.
#[derive(Serialize)]
struct Said<'a> {
    code: &'a str,
    policy: Option<&'a str>,
    message: &'a str,
    remedy: Option<&'a str>,
}

impl<'a> From<&'a Reason> for Said<'a> {
    fn from(reason: &'a Reason) -> Self {
        Said {
            code: &reason.code,
            policy: reason.policy.as_deref(),
            message: &reason.message,
            remedy: reason.annotations.get("remedy").map(String::as_str),
        }
    }
}

/// What a pack has decided, and about what.
pub(crate) struct Decided<'a> {
    /// The proxy's own id of the request, which is in its log.
    pub(crate) id: Option<&'a str>,
    pub(crate) route: &'a str,
    pub(crate) pack: &'a Description,
    pub(crate) request: &'a Request,
    pub(crate) verdict: &'a Verdict,
    /// What becomes of the request: in shadow mode it goes on.
    pub(crate) enforced: Effect,
}

impl Decided<'_> {
    fn pack(&self) -> Pack<'_> {
        Pack {
            name: &self.pack.name,
            version: &self.pack.version,
            policy_digest: &self.verdict.policy_digest,
        }
    }

    /// The pack says no.
    pub(crate) fn deny(&self) {
        let body = Body {
            decision_id: self.id,
            effect: Effect::Deny,
            route: Some(self.route),
            pack: Some(self.pack()),
            principal: Some(&self.request.principal),
            action: Some(&self.request.action),
            resource: Some(&self.request.resource),
            reasons: self.verdict.reasons.iter().map(Said::from).collect(),
            missing: &self.verdict.missing,
        };
        send(403, Effect::Deny, self.id, &json(&body));
    }

    /// The whole verdict, where the operator tries things out. The request ends here whatever it is.
    pub(crate) fn show(&self) {
        let status = match self.verdict.effect {
            Effect::Allow => 200,
            Effect::Deny => 403,
        };
        send(status, self.verdict.effect, self.id, &json(self.verdict));
    }

    /// What the upstream is told.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let shadow = self.enforced != self.verdict.effect;
        let effect = Some(("sod-effect", word(self.verdict.effect)));
        let id = self.id.map(|id| ("sod-decision-id", id));
        let shadow = shadow.then_some(("sod-shadow", "true"));
        effect.into_iter().chain(id).chain(shadow)
    }

    /// Leaves to the proxy's access log what is to be known later.
    pub(crate) fn record(&self) {
        proxy::record(&json(&Record {
            effect: self.verdict.effect,
            enforced: self.enforced,
            route: self.route,
            pack: self.pack(),
            principal: &self.request.principal,
            action: &self.request.action,
            resource: &self.request.resource,
            now: self.request.now,
            reasons: self.verdict.reasons.iter().map(Code::from).collect(),
            evidence_digest: &self.verdict.evidence_digest,
        }));
    }
}

fn word(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow => "allow",
        Effect::Deny => "deny",
    }
}

fn send(status: u32, effect: Effect, id: Option<&str>, body: &[u8]) {
    let mut headers = vec![
        ("content-type", "application/json"),
        ("cache-control", "no-store"),
        ("sod-effect", word(effect)),
    ];
    headers.extend(id.map(|id| ("sod-decision-id", id)));
    proxy::respond(status, headers, body);
}

/// What the access log may have of a decision.
#[derive(Serialize)]
struct Record<'a> {
    effect: Effect,
    enforced: Effect,
    route: &'a str,
    pack: Pack<'a>,
    principal: &'a EntityUid,
    action: &'a EntityUid,
    resource: &'a EntityUid,
    now: Option<i64>,
    reasons: Vec<Code<'a>>,
    evidence_digest: &'a str,
}

#[derive(Serialize)]
struct Code<'a> {
    code: &'a str,
    policy: Option<&'a str>,
}

impl<'a> From<&'a Reason> for Code<'a> {
    fn from(reason: &'a Reason) -> Self {
        Code {
            code: &reason.code,
            policy: reason.policy.as_deref(),
        }
    }
}

/// Nothing in it can fail to be written; if it does the status still says it all.
fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}
