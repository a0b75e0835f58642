//! What becomes of a request, and what its client and the access log are told.

use serde::Serialize;
use sod_core::verdict::{Missing, Reason};
use sod_core::{Effect, EntityUid, Fault, FaultKind, Request, Verdict};
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

/// A request that ends here, and why.
pub(crate) struct Refusal {
    status: u32,
    code: &'static str,
    message: String,
    remedy: Option<&'static str>,
    route: Option<String>,
}

impl Refusal {
    /// Something that must not be: whoever runs the proxy has to look.
    pub(crate) fn broken(message: &str) -> Self {
        Refusal {
            status: 403,
            code: "unavailable",
            message: message.to_owned(),
            remedy: Some("the operator of the proxy has to act"),
            route: None,
        }
    }

    pub(crate) fn too_large(route: &str, limit: usize) -> Self {
        Refusal {
            status: 413,
            code: "body-too-large",
            message: format!("the body has more than {limit} bytes"),
            remedy: Some("send less evidence, or have the operator raise `max_body_bytes`"),
            route: Some(route.to_owned()),
        }
    }

    pub(crate) fn fault(route: &str, fault: Fault) -> Self {
        Refusal {
            status: 403,
            code: fault_code(fault.kind),
            message: fault.message,
            remedy: None,
            route: Some(route.to_owned()),
        }
    }

    pub(crate) fn send(self) {
        let body = Body {
            effect: Effect::Deny,
            route: self.route.as_deref(),
            reasons: vec![Said {
                code: self.code,
                policy: None,
                message: &self.message,
                remedy: self.remedy,
            }],
            missing: &[],
        };
        send(self.status, "deny", &json(&body));
    }
}

impl From<Denial> for Refusal {
    fn from(denial: Denial) -> Self {
        Refusal {
            status: u32::from(denial.code.status()),
            code: denial.code.as_str(),
            message: denial.message,
            remedy: Some(denial.code.remedy()),
            route: denial.route,
        }
    }
}

/// What a client gets that may not go on.
#[derive(Serialize)]
struct Body<'a> {
    effect: Effect,
    route: Option<&'a str>,
    reasons: Vec<Said<'a>>,
    missing: &'a [Missing],
}

/// One reason.
#[derive(Serialize)]
struct Said<'a> {
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<&'a str>,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
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

/// The pack says no.
pub(crate) fn deny(route: &str, verdict: &Verdict) {
    let body = Body {
        effect: Effect::Deny,
        route: Some(route),
        reasons: verdict.reasons.iter().map(Said::from).collect(),
        missing: &verdict.missing,
    };
    send(403, "deny", &json(&body));
}

/// The whole verdict, where the operator tries things out. The request ends here whatever it is.
pub(crate) fn verdict(verdict: &Verdict) {
    let (status, effect) = match verdict.effect {
        Effect::Allow => (200, "allow"),
        Effect::Deny => (403, "deny"),
    };
    send(status, effect, &json(verdict));
}

fn send(status: u32, effect: &str, body: &[u8]) {
    let headers = vec![("content-type", "application/json"), ("sod-effect", effect)];
    proxy::respond(status, headers, body);
}

/// What the access log may have of a decision.
#[derive(Serialize)]
struct Record<'a> {
    effect: Effect,
    enforced: Effect,
    route: &'a str,
    principal: &'a EntityUid,
    action: &'a EntityUid,
    resource: &'a EntityUid,
    now: Option<i64>,
    reasons: Vec<Code<'a>>,
    policy_digest: &'a str,
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

/// Leaves it to the proxy to write down.
pub(crate) fn record(route: &str, request: &Request, verdict: &Verdict, enforced: Effect) {
    proxy::record(&json(&Record {
        effect: verdict.effect,
        enforced,
        route,
        principal: &request.principal,
        action: &request.action,
        resource: &request.resource,
        now: request.now,
        reasons: verdict.reasons.iter().map(Code::from).collect(),
        policy_digest: &verdict.policy_digest,
        evidence_digest: &verdict.evidence_digest,
    }));
}

/// Nothing in it can fail to be written; if it does the status still says it all.
fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}
