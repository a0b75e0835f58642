//! What a proxy is told, whatever its protocol.

use std::collections::BTreeMap;

use miette::Diagnostic as _;
use serde_json::{Value, json};
use sod_host::{Effect, Verdict};
use sod_route::{Denial, Headers, Pass, Question};

use crate::record::PackId;
use crate::service::{Decided, Refusal};

/// The id of the decision, in an answer's headers and for the upstream.
pub(super) const DECISION_ID: &str = "sod-decision-id";
/// `allow` or `deny`: what was decided, also where it is not enforced.
pub(super) const EFFECT: &str = "sod-effect";
/// Why: the policies that are the reason, or codes where no policy is.
pub(super) const REASONS: &str = "sod-reasons";
/// `true` where the decision is not enforced.
pub(super) const SHADOW: &str = "sod-shadow";

/// Go ahead, or do not.
#[derive(Debug)]
pub(super) enum Answer {
    /// Go ahead.
    Go(Go),
    /// Do not.
    Stop(Stop),
}

/// A request that goes ahead.
#[derive(Debug)]
pub(super) struct Go {
    /// What becomes of the client's headers. [`told`](Self::told) has those that come on top.
    pub(super) headers: Headers,
    pub(super) told: Told,
}

/// A request that does not.
#[derive(Debug)]
pub(super) struct Stop {
    /// 401, 403 or 503.
    pub(super) status: u16,
    /// For the developer whose request it was.
    pub(super) body: Value,
    pub(super) told: Told,
}

/// What the answer says besides: for headers, and for the proxy's own logs and rules.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Name of the route.
    route: Option<String>,
    /// In shadow mode the effect is not enforced.
    shadow: bool,
    /// Nothing where no pack was asked.
    decision_id: Option<String>,
    effect: Option<Effect>,
    pack: Option<PackId>,
    codes: Vec<String>,
    /// For each reason its policy, or its code where there is none.
    reasons: Vec<String>,
    question: Option<Value>,
}

impl Told {
    pub(super) fn of(question: &Question) -> Self {
        let entity =
            |entity: &sod_route::Entity| json!({"type": entity.type_name, "id": entity.id});
        Told {
            route: Some(question.route.clone()),
            shadow: question.shadow,
            question: Some(json!({
                "principal": entity(&question.principal),
                "action": entity(&question.action),
                "resource": entity(&question.resource),
            })),
            ..Told::default()
        }
    }

    #[cfg(test)]
    pub(super) fn in_shadow() -> Self {
        Told {
            shadow: true,
            ..Told::default()
        }
    }

    /// Codes of the reasons.
    pub(super) fn codes(&self) -> &[String] {
        &self.codes
    }

    /// For headers of the answer and of the request to the upstream.
    pub(super) fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = Vec::new();
        headers.extend(self.decision_id.clone().map(|id| (DECISION_ID, id)));
        headers.extend(self.effect.map(|effect| (EFFECT, word(effect).to_owned())));
        if !self.reasons.is_empty() {
            headers.push((REASONS, visible(&self.reasons.join(", "))));
        }
        if self.shadow && self.effect.is_some() {
            headers.push((SHADOW, "true".to_owned()));
        }
        headers
    }

    /// For Envoy's dynamic metadata.
    pub(super) fn metadata(&self) -> BTreeMap<&'static str, Value> {
        let mut metadata = BTreeMap::from([("reasons", json!(self.codes))]);
        let texts = [
            ("decision_id", self.decision_id.clone()),
            ("route", self.route.clone()),
            ("effect", self.effect.map(|effect| word(effect).to_owned())),
            ("pack", self.pack.as_ref().map(|pack| pack.name.clone())),
            (
                "pack_version",
                self.pack.as_ref().map(|pack| pack.version.clone()),
            ),
            (
                "pack_digest",
                self.pack.as_ref().map(|pack| pack.digest.to_string()),
            ),
        ];
        for (name, text) in texts {
            metadata.extend(text.map(|text| (name, Value::String(text))));
        }
        metadata.insert("shadow", json!(self.shadow));
        metadata
    }
}

/// What a header can hold.
fn visible(text: &str) -> String {
    let fits = |c: char| c.is_ascii_graphic() || c == ' ';
    text.chars()
        .map(|c| if fits(c) { c } else { '?' })
        .take(1_000)
        .collect()
}

fn word(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow => "allow",
        Effect::Deny => "deny",
    }
}

impl Answer {
    /// By a pack.
    pub(super) fn decided(told: Told, headers: Headers, decided: &Decided) -> Self {
        let verdict = &decided.verdict;
        let told = Told {
            decision_id: Some(decided.id.to_string()),
            effect: Some(verdict.effect),
            pack: Some(decided.pack.id.clone()),
            codes: verdict
                .reasons
                .iter()
                .map(|reason| reason.code.clone())
                .collect(),
            reasons: verdict.reasons.iter().map(because).collect(),
            ..told
        };
        match decided.enforced {
            Effect::Allow => Answer::Go(Go { headers, told }),
            Effect::Deny => Answer::Stop(Stop {
                status: 403,
                body: explained(&told, verdict),
                told,
            }),
        }
    }

    /// By the operator, without a pack.
    pub(super) fn passed(pass: Pass) -> Self {
        let told = Told {
            route: Some(pass.route),
            codes: vec!["passed".to_owned()],
            ..Told::default()
        };
        Answer::Go(Go {
            headers: pass.headers,
            told,
        })
    }

    /// No pack was asked.
    pub(super) fn denied(denial: &Denial) -> Self {
        let told = Told {
            route: denial.route.clone(),
            effect: Some(Effect::Deny),
            ..Told::default()
        };
        let code = denial.code;
        Answer::stop(
            told,
            code.status(),
            code.as_str(),
            &denial.message,
            code.remedy(),
        )
    }

    /// A pack was asked, and there is no decision or no record of it.
    pub(super) fn refused(told: Told, refusal: &Refusal, status: u16) -> Self {
        let code = refusal.code().map(|code| code.to_string());
        let help = refusal.help().map(|help| help.to_string());
        Answer::stop(
            told,
            status,
            code.as_deref().unwrap_or("refused"),
            &refusal.to_string(),
            help.as_deref().unwrap_or("ask again in a second"),
        )
    }

    /// The pack cannot be asked.
    pub(super) fn unavailable(told: Told, code: &str, message: &str) -> Self {
        Answer::stop(
            told,
            403,
            code,
            message,
            "the operator of the server has to act",
        )
    }

    fn stop(told: Told, status: u16, code: &str, message: &str, remedy: &str) -> Self {
        let told = Told {
            effect: Some(Effect::Deny),
            codes: vec![code.to_owned()],
            reasons: vec![code.to_owned()],
            // What was not decided is not let pass, in shadow mode neither.
            shadow: false,
            ..told
        };
        let reason = json!({"code": code, "policy": null, "message": message, "remedy": remedy});
        Answer::Stop(Stop {
            status,
            body: body(&told, vec![reason], json!([])),
            told,
        })
    }

    /// Every answer leaves a trace; what a pack decided is in the decision log besides.
    pub(super) fn trace(&self) {
        let (told, status) = match self {
            Answer::Go(go) => (&go.told, 200),
            Answer::Stop(stop) => (&stop.told, stop.status),
        };
        let (route, decision_id) = (told.route.as_deref(), told.decision_id.as_deref());
        let (effect, reasons) = (told.effect.map(word), told.codes.join(" "));
        if told.decision_id.is_some() {
            tracing::info!(target: "sod::gate", route, decision_id, effect, status, reasons, "decided");
        } else {
            tracing::warn!(target: "sod::gate", route, effect, status, reasons, "answered without a decision");
        }
    }
}

fn because(reason: &sod_host::Reason) -> String {
    reason.policy.as_ref().unwrap_or(&reason.code).clone()
}

fn explained(told: &Told, verdict: &Verdict) -> Value {
    let reasons = verdict.reasons.iter().map(|reason| {
        json!({
            "code": reason.code,
            "policy": reason.policy,
            "message": reason.message,
            "remedy": reason.annotations.get("remedy"),
        })
    });
    body(told, reasons.collect(), json!(verdict.missing))
}

fn body(told: &Told, reasons: Vec<Value>, missing: Value) -> Value {
    let question = |key: &str| {
        told.question
            .as_ref()
            .and_then(|question| question.get(key))
    };
    json!({
        "decision_id": told.decision_id,
        "effect": told.effect.map(word),
        "route": told.route,
        "pack": told.pack,
        "principal": question("principal"),
        "action": question("action"),
        "resource": question("resource"),
        "reasons": reasons,
        "missing": missing,
    })
}
