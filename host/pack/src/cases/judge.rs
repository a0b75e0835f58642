//! Is the verdict what the case expects?

use std::collections::BTreeSet;

use serde_json::Value;
use sod_core::Effect;

use super::{Case, ExpectedApproval, ExpectedMissing};

/// One way in which a verdict is not what a case expects.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Mismatch {
    /// It has no effect in it: it is no verdict.
    #[error("no verdict: {0}")]
    NoVerdict(String),
    /// Allow for deny or the other way round.
    #[error("expected {expected}, got {actual}")]
    Effect {
        /// By the case's folder.
        expected: &'static str,
        /// By the verdict.
        actual: String,
    },
    /// A reason that should be there.
    #[error("reason `{0}` is expected and not given")]
    ReasonAbsent(String),
    /// A reason that should not be there.
    #[error("reason `{0}` is given and not expected")]
    ReasonExtra(String),
    /// What is missing is something else.
    #[error("expected to be missing: {expected}; missing: {actual}")]
    Missing {
        /// By the case.
        expected: String,
        /// By the verdict.
        actual: String,
    },
    /// Other policies oblige the host to something.
    #[error("expected obligations of: {expected}; the verdict has those of: {actual}")]
    Obligations {
        /// By the case.
        expected: String,
        /// By the verdict.
        actual: String,
    },
    /// Other fields of the evidence are unknown.
    #[error("expected warnings of: {expected}; the verdict warns of: {actual}")]
    Warnings {
        /// By the case.
        expected: String,
        /// By the verdict.
        actual: String,
    },
    /// An approval that came to something else, or is not there.
    #[error("approval {expected} is expected; the verdict has {actual}")]
    Approval {
        /// By the case.
        expected: String,
        /// By the verdict.
        actual: String,
    },
}

impl Case {
    /// Compares the JSON of a verdict. Nothing to complain of: the case passes.
    pub fn judge(&self, verdict: &Value) -> Vec<Mismatch> {
        let Some(effect) = verdict.get("effect").and_then(Value::as_str) else {
            return vec![Mismatch::NoVerdict(verdict.to_string())];
        };
        let expected = match self.effect {
            Effect::Allow => "allow",
            Effect::Deny => "deny",
        };
        let mut mismatches = Vec::new();
        if effect != expected {
            let actual = effect.to_owned();
            mismatches.push(Mismatch::Effect { expected, actual });
        }
        if let Some(expected) = &self.expect.reasons {
            mismatches.extend(judge_reasons(expected, verdict));
        }
        if let Some(expected) = &self.expect.missing {
            mismatches.extend(judge_missing(expected, verdict));
        }
        if let Some(expected) = &self.expect.obligations {
            let obligations = list(verdict, "obligations").iter();
            let actual = obligations
                .map(|obligation| text(obligation, "policy"))
                .collect();
            mismatches.extend(
                other_set(expected, &actual)
                    .map(|(expected, actual)| Mismatch::Obligations { expected, actual }),
            );
        }
        if let Some(expected) = &self.expect.warnings {
            let warnings = list(verdict, "warnings").iter();
            let actual = warnings.filter_map(Value::as_str).collect();
            mismatches.extend(
                other_set(expected, &actual)
                    .map(|(expected, actual)| Mismatch::Warnings { expected, actual }),
            );
        }
        let approvals = self.expect.approvals.iter();
        mismatches.extend(approvals.filter_map(|expected| judge_approval(expected, verdict)));
        mismatches
    }
}

fn judge_reasons(expected: &BTreeSet<String>, verdict: &Value) -> Vec<Mismatch> {
    let actual: BTreeSet<String> = list(verdict, "reasons").iter().map(reason).collect();
    let absent = expected
        .difference(&actual)
        .cloned()
        .map(Mismatch::ReasonAbsent);
    let extra = actual
        .difference(expected)
        .cloned()
        .map(Mismatch::ReasonExtra);
    absent.chain(extra).collect()
}

/// Both as they are to be shown, unless they are equal.
fn other_set(expected: &BTreeSet<String>, actual: &BTreeSet<&str>) -> Option<(String, String)> {
    let differ = !expected
        .iter()
        .map(String::as_str)
        .eq(actual.iter().copied());
    let shown = |names: Vec<String>| list_or_nothing(names.into_iter());
    differ.then(|| {
        let actual = actual.iter().map(|name| (*name).to_owned());
        (
            shown(expected.iter().cloned().collect()),
            shown(actual.collect()),
        )
    })
}

/// `code` or `code:policy-id`
fn reason(reason: &Value) -> String {
    let code = text(reason, "code");
    match text(reason, "policy") {
        "" => code.to_owned(),
        policy => format!("{code}:{policy}"),
    }
}

/// As multisets: each that is missing answers to one that is expected. What is expected in more detail chooses first.
fn judge_missing(expected: &[ExpectedMissing], verdict: &Value) -> Option<Mismatch> {
    let mut left: Vec<&Value> = list(verdict, "missing").iter().collect();
    let mut wanted: Vec<&ExpectedMissing> = expected.iter().collect();
    wanted.sort_by_key(|one| (one.candidates.is_none(), one.resource.is_none()));
    let found = wanted.into_iter().all(|one| {
        let at = left.iter().position(|missing| is_missing(one, missing));
        at.map(|at| left.remove(at)).is_some()
    });
    if found && left.is_empty() {
        return None;
    }
    Some(Mismatch::Missing {
        expected: list_or_nothing(expected.iter().map(ToString::to_string)),
        actual: list_or_nothing(list(verdict, "missing").iter().map(missing)),
    })
}

fn is_missing(expected: &ExpectedMissing, missing: &Value) -> bool {
    text(missing, "quorum") == expected.quorum
        && text(missing, "role") == expected.role
        && missing.get("count").and_then(Value::as_u64) == Some(expected.count.into())
        && is_resource(expected.resource.as_deref(), missing)
        && is_set(expected.candidates.as_ref(), list(missing, "candidates"))
}

fn judge_approval(expected: &ExpectedApproval, verdict: &Value) -> Option<Mismatch> {
    let index = |approval: &&Value| {
        approval.get("index").and_then(Value::as_u64) == Some(expected.index.into())
            && is_resource(expected.resource.as_deref(), approval)
    };
    let candidates: Vec<&Value> = list(verdict, "approvals").iter().filter(index).collect();
    let found = candidates.iter().any(|approval| {
        text(approval, "code") == expected.code
            && is_set(expected.policies.as_ref(), list(approval, "policies"))
    });
    if found {
        return None;
    }
    Some(Mismatch::Approval {
        expected: expected.to_string(),
        actual: list_or_nothing(candidates.into_iter().map(approval)),
    })
}

impl std::fmt::Display for ExpectedMissing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} {} of quorum `{}`",
            self.count, self.role, self.quorum
        )?;
        if let Some(resource) = &self.resource {
            write!(f, " on {resource}")?;
        }
        match &self.candidates {
            Some(candidates) => write!(
                f,
                " ({})",
                candidates.iter().cloned().collect::<Vec<_>>().join(", ")
            ),
            None => Ok(()),
        }
    }
}

impl std::fmt::Display for ExpectedApproval {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.index)?;
        if let Some(resource) = &self.resource {
            write!(f, " on {resource}")?;
        }
        write!(f, " as `{}`", self.code)?;
        match &self.policies {
            Some(policies) => write!(
                f,
                " by {}",
                policies.iter().cloned().collect::<Vec<_>>().join(", ")
            ),
            None => Ok(()),
        }
    }
}

fn missing(missing: &Value) -> String {
    let count = missing
        .get("count")
        .and_then(Value::as_u64)
        .unwrap_or_default();
    format!(
        "{count} {} of quorum `{}` on {} ({})",
        text(missing, "role"),
        text(missing, "quorum"),
        resource(missing),
        names(list(missing, "candidates"))
    )
}

fn approval(approval: &Value) -> String {
    let code = text(approval, "code");
    match names(list(approval, "policies")).as_str() {
        "" => format!("`{code}` on {}", resource(approval)),
        policies => format!("`{code}` on {} by {policies}", resource(approval)),
    }
}

fn is_resource(expected: Option<&str>, value: &Value) -> bool {
    expected.is_none_or(|expected| expected == resource(value))
}

fn is_set(expected: Option<&BTreeSet<String>>, actual: &[Value]) -> bool {
    let actual = actual
        .iter()
        .filter_map(Value::as_str)
        .collect::<BTreeSet<_>>();
    expected.is_none_or(|expected| expected.iter().map(String::as_str).eq(actual))
}

/// `Change::"bank/payments#42"`
fn resource(value: &Value) -> String {
    let uid = value.get("resource").unwrap_or(&Value::Null);
    format!(
        "{}::\"{}\"",
        text(uid, "type"),
        text(uid, "id").escape_debug()
    )
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value
        .get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn names(values: &[Value]) -> String {
    let names: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
    names.join(", ")
}

fn list_or_nothing(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    if items.is_empty() {
        "nothing".to_owned()
    } else {
        items.join("; ")
    }
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "a test fails by panicking"
    )]

    use serde_json::{Value, json};

    use super::*;

    fn case(effect: Effect, expect: Value) -> Case {
        Case {
            name: "deny/one".to_owned(),
            file: "cases/deny/one.json".to_owned(),
            description: String::new(),
            effect,
            request: Value::Null,
            choose: Default::default(),
            facts: false,
            expect: serde_json::from_value(expect).unwrap(),
        }
    }

    fn verdict() -> Value {
        json!({
            "effect": "deny",
            "reasons": [
                {"code": "forbid", "policy": "no-self-merge", "message": "", "annotations": {}},
                {"code": "no-permit", "policy": null, "message": "", "annotations": {}},
            ],
            "missing": [
                {"quorum": "two", "resource": {"type": "Change", "id": "a#1"}, "role": "reviewer", "count": 1,
                 "candidates": ["bo", "cy"], "more_candidates": false},
                {"quorum": "two", "resource": {"type": "Change", "id": "a#2"}, "role": "reviewer", "count": 1,
                 "candidates": [], "more_candidates": false},
            ],
            "approvals": [
                {"resource": {"type": "Change", "id": "a#1"}, "index": 0, "account": "x", "person": null,
                 "code": "not-permitted", "policies": ["no-self-approve"]},
            ],
            "obligations": [{"policy": "no-self-merge", "obligation": "tell somebody"}],
            "warnings": ["people.0.mood"],
        })
    }

    #[test]
    fn what_is_expected_passes() {
        let expect = json!({
            "reasons": ["no-permit", "forbid:no-self-merge"],
            "missing": [
                {"quorum": "two", "role": "reviewer", "count": 1},
                {"quorum": "two", "role": "reviewer", "count": 1, "resource": "Change::\"a#1\"", "candidates": ["cy", "bo"]},
            ],
            "approvals": [{"index": 0, "code": "not-permitted", "policies": ["no-self-approve"]}],
            "obligations": ["no-self-merge"],
            "warnings": ["people.0.mood"],
        });
        assert_eq!(case(Effect::Deny, expect).judge(&verdict()), []);
    }

    #[test]
    fn every_difference_is_said() {
        let differences = [
            (
                json!({"reasons": ["forbid:no-self-merge"]}),
                "reason `no-permit` is given and not expected",
            ),
            (
                json!({"reasons": ["forbid:no-self-merge", "no-permit", "forbid:x"]}),
                "reason `forbid:x` is expected and not given",
            ),
            (
                json!({"missing": [{"quorum": "two", "role": "reviewer", "count": 1}]}),
                "expected to be missing: 1 reviewer of quorum `two`; missing: 1 reviewer of quorum `two` on \
                 Change::\"a#1\" (bo, cy); 1 reviewer of quorum `two` on Change::\"a#2\" ()",
            ),
            (
                json!({"approvals": [{"index": 0, "code": "counted"}]}),
                "approval 0 as `counted` is expected; the verdict has `not-permitted` on Change::\"a#1\" by no-self-approve",
            ),
            (
                json!({"approvals": [{"index": 1, "code": "counted"}]}),
                "approval 1 as `counted` is expected; the verdict has nothing",
            ),
            (
                json!({"obligations": []}),
                "expected obligations of: nothing; the verdict has those of: no-self-merge",
            ),
            (
                json!({"obligations": ["no-self-merge", "x"]}),
                "expected obligations of: no-self-merge; x; the verdict has those of: no-self-merge",
            ),
            (
                json!({"warnings": ["mood"]}),
                "expected warnings of: mood; the verdict warns of: people.0.mood",
            ),
        ];
        for (expect, message) in differences {
            let mismatches = case(Effect::Deny, expect).judge(&verdict());
            assert_eq!(mismatches.len(), 1, "{mismatches:?}");
            assert_eq!(mismatches[0].to_string(), message);
        }
        let mismatches = case(Effect::Allow, json!({})).judge(&verdict());
        assert_eq!(mismatches[0].to_string(), "expected allow, got deny");
        let fault = json!({"kind": "limit", "message": "too much"});
        assert!(matches!(
            case(Effect::Deny, json!({})).judge(&fault)[..],
            [Mismatch::NoVerdict(_)]
        ));
    }

    #[test]
    fn a_reason_without_its_policy_is_another_reason() {
        let expect = json!({"reasons": ["forbid", "no-permit"]});
        assert_eq!(case(Effect::Deny, expect).judge(&verdict()).len(), 2);
    }
}
