//! What small slips could make of a rule.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sod_core::cedar::{
    Policy, PolicyId, PolicySet, Schema, ValidationMode, ValidationWarning, Validator,
};

use super::expression::{Names, Variant, negated, operands, variants};
use super::{Change, Mutant, Place};
use crate::rules::{Rule, canonical};

/// The kinds of requests and the names that a rule can speak of.
pub(crate) struct Vocabulary {
    validator: Validator,
    environments: Vec<Environment>,
    names: Names,
}

/// Type of the principal, action, type of the resource.
type Environment = (String, Value, String);

/// A rule that differs in one place.
struct Slip {
    rule: Value,
    operator: &'static str,
    what: String,
    remedy: String,
}

/// What Cedar says of a rule.
struct Validity {
    valid: bool,
    /// To some request.
    applies: bool,
}

impl Vocabulary {
    pub(crate) fn new(schema: Schema, names: Names) -> Self {
        let environment = |one: sod_core::cedar::RequestEnv| {
            let action = one.action();
            let action =
                json!({"type": action.type_name().to_string(), "id": action.id().unescaped()});
            (
                one.principal().to_string(),
                action,
                one.resource().to_string(),
            )
        };
        Vocabulary {
            environments: schema.request_envs().map(environment).collect(),
            validator: Validator::new(schema),
            names,
        }
    }

    /// Everything that one slip makes of the rule, and that still is a rule which could apply.
    pub(crate) fn mutants(&self, rule: &Rule) -> Vec<Mutant> {
        let mutant = |operator, text: &str, what, remedy, change| {
            let place = Place::Rule(Box::new(rule.clone()));
            Mutant::new(place, operator, text, what, remedy, change)
        };
        let mut list = vec![mutant(
            "whole",
            "",
            "the rule is left out".to_owned(),
            "write a case that expects it as a reason, or that only this rule allows".to_owned(),
            Change::WithoutRule(rule.id.clone()),
        )];
        let Ok(json) = rule.policy.to_json() else {
            return list;
        };
        let mut texts = BTreeSet::from([rule.text.clone()]);
        for slip in self.slips(&json) {
            let Some(text) = self.valid(rule, &slip.rule) else {
                continue;
            };
            if texts.insert(text.clone()) {
                let change = Change::Rule {
                    id: rule.id.clone(),
                    text: text.clone(),
                };
                let body = without_annotations(&text);
                list.push(mutant(slip.operator, body, slip.what, slip.remedy, change));
            }
        }
        list
    }

    /// The text of a rule that is valid, and could apply: one that cannot is the rule left out.
    fn valid(&self, rule: &Rule, json: &Value) -> Option<String> {
        let policy = Policy::from_json(Some(PolicyId::new(&rule.id)), json.clone()).ok()?;
        let text = canonical(&policy);
        let Validity { valid, applies } = self.validate(policy);
        (valid && applies).then_some(text)
    }

    fn validate(&self, policy: Policy) -> Validity {
        let mut set = PolicySet::new();
        let added = set.add(policy).is_ok();
        let result = self.validator.validate(&set, ValidationMode::Strict);
        let never =
            |warning: &ValidationWarning| matches!(warning, ValidationWarning::ImpossiblePolicy(_));
        Validity {
            valid: added && result.validation_passed(),
            applies: !result.validation_warnings().any(never),
        }
    }

    fn slips(&self, rule: &Value) -> Vec<Slip> {
        let mut list = vec![flipped(rule)];
        list.extend(self.scopes(rule));
        let conditions = rule.get("conditions").and_then(Value::as_array);
        for (at, condition) in conditions.into_iter().flatten().enumerate() {
            list.extend(self.conditions(rule, at, condition));
        }
        list
    }

    fn scopes(&self, rule: &Value) -> Vec<Slip> {
        let mut list = Vec::new();
        for variable in ["principal", "action", "resource"] {
            let scope = rule.get(variable).cloned().unwrap_or_default();
            for other in other_scopes(variable, &scope) {
                let changed = with(rule, variable, other.clone());
                // Whoever is in a group is not known from types.
                let told_by_types = match variable {
                    "action" => listed_actions(&scope)
                        .iter()
                        .all(|action| self.knows(action)),
                    _ => within(&scope) == within(&other),
                };
                if told_by_types && self.takes_the_same(rule, &changed) {
                    // Said by the schema anyway.
                    continue;
                }
                let (was, is) = (scope_text(variable, &scope), scope_text(variable, &other));
                list.push(Slip {
                    rule: changed,
                    operator: "scope",
                    what: format!("`{was}` became `{is}`"),
                    remedy: "write a case that one of the two is for and the other is not"
                        .to_owned(),
                });
            }
        }
        list
    }

    /// Whether two rules that differ in types and actions only can apply to the same kinds of requests.
    fn takes_the_same(&self, one: &Value, other: &Value) -> bool {
        let (of_one, of_other) = (self.environments_of(one), self.environments_of(other));
        let only = |these: &[&Environment], those: &[&Environment], rule: &Value| {
            let mut alone = these
                .iter()
                .filter(|environment| !those.contains(environment));
            alone.any(|environment| self.could_apply(&in_environment(rule, environment)))
        };
        !only(&of_one, &of_other, one) && !only(&of_other, &of_one, other)
    }

    /// An action that requests are made of, and no group of them.
    fn knows(&self, action: &Value) -> bool {
        self.environments
            .iter()
            .any(|(_, known, _)| known == action)
    }

    fn could_apply(&self, rule: &Value) -> bool {
        let policy = Policy::from_json(None, rule.clone());
        policy.is_ok_and(|policy| self.validate(policy).applies)
    }

    /// Which kinds of requests the scope takes, as far as types tell.
    fn environments_of(&self, rule: &Value) -> Vec<&Environment> {
        let is = |variable: &str, name: &str| {
            let ty = rule
                .get(variable)
                .and_then(|scope| scope.get("entity_type"));
            ty.and_then(Value::as_str).is_none_or(|ty| ty == name)
        };
        let action = rule.get("action").cloned().unwrap_or_default();
        let listed = listed_actions(&action);
        // A group of actions, or any action.
        let every = listed.is_empty() || !listed.iter().all(|action| self.knows(action));
        let taken = self
            .environments
            .iter()
            .filter(|(principal, action, resource)| {
                is("principal", principal)
                    && is("resource", resource)
                    && (every || listed.contains(&action))
            });
        taken.collect()
    }

    fn conditions(&self, rule: &Value, at: usize, condition: &Value) -> Vec<Slip> {
        let body = condition.get("body").cloned().unwrap_or_default();
        let when = condition.get("kind") == Some(&json!("when"));
        let with_condition = |other: Option<Value>| {
            let mut rule = rule.clone();
            if let Some(conditions) = rule.get_mut("conditions").and_then(Value::as_array_mut) {
                conditions.splice(at..at + 1, other);
            }
            rule
        };
        let with_body = |body: Value| {
            let kind = condition.get("kind");
            with_condition(Some(json!({"kind": kind, "body": body})))
        };
        let mut list = Vec::new();
        // Of several that all must hold each is left out by itself; that is less, and so harder to notice.
        if operands(if when { "&&" } else { "||" }, &body).len() == 1 {
            let text = expression_text(&body);
            list.push(Slip {
                rule: with_condition(None),
                operator: "left-out",
                what: format!("`{text}` is left out"),
                remedy: hangs_on(&text),
            });
            list.push(Slip {
                rule: with_body(negated(&body)),
                operator: "turned-round",
                what: format!("`{text}` is turned round"),
                remedy: hangs_on(&text),
            });
        }
        let inside = variants(&body, &self.names).into_iter();
        list.extend(inside.map(|one| slip(with_body(one.expression.clone()), &one)));
        list
    }
}

/// Other words for people make no other rule. Cedar prints each annotation on a line of its own, first of all.
fn without_annotations(text: &str) -> &str {
    let mut body = text;
    while let Some((_, rest)) = body.split_once('\n').filter(|_| body.starts_with('@')) {
        body = rest;
    }
    body
}

fn slip(rule: Value, variant: &Variant) -> Slip {
    let before = expression_text(&variant.before);
    let after = variant.after.as_ref().map(expression_text);
    Slip {
        rule,
        operator: variant.operator,
        what: match after {
            None => format!("`{before}` is left out"),
            Some(_) if variant.operator == "turned-round" => format!("`{before}` is turned round"),
            Some(after) => format!("`{before}` became `{after}`"),
        },
        remedy: match variant.operator {
            "comparison" | "number" => format!("write a case just at the boundary of `{before}`"),
            _ => hangs_on(&before),
        },
    }
}

fn hangs_on(text: &str) -> String {
    format!(
        "write a case whose verdict hangs on `{text}` alone: whatever else the rule asks for is as it must be"
    )
}

fn flipped(rule: &Value) -> Slip {
    let (effect, other) = match rule.get("effect").and_then(Value::as_str) {
        Some("permit") => ("permit", "forbid"),
        _ => ("forbid", "permit"),
    };
    Slip {
        rule: with(rule, "effect", json!(other)),
        operator: "effect",
        what: format!("`{effect}` became `{other}`"),
        remedy: "write a case that expects the rule as a reason".to_owned(),
    }
}

fn with(rule: &Value, key: &str, value: Value) -> Value {
    let mut rule = rule.clone();
    if let Some(rule) = rule.as_object_mut() {
        rule.insert(key.to_owned(), value);
    }
    rule
}

/// Whom or what the variable must be in, whatever its type.
fn within(scope: &Value) -> Option<&Value> {
    match scope.get("op").and_then(Value::as_str) {
        Some("is") => scope
            .get("in")
            .map(|group| group.get("entity").unwrap_or(group)),
        Some("in" | "==") => scope.get("entity"),
        _ => None,
    }
}

/// The rule for one kind of requests alone.
fn in_environment(rule: &Value, (principal, action, resource): &Environment) -> Value {
    let typed = |rule: Value, variable: &str, ty: &str| {
        let mut scope = json!({"op": "is", "entity_type": ty});
        let group = rule.get(variable).and_then(within).cloned();
        if let (Some(scope), Some(group)) = (scope.as_object_mut(), group) {
            scope.insert("in".to_owned(), json!({"entity": group}));
        }
        with(&rule, variable, scope)
    };
    let rule = with(rule, "action", json!({"op": "==", "entity": action}));
    typed(typed(rule, "principal", principal), "resource", resource)
}

fn listed_actions(scope: &Value) -> Vec<&Value> {
    let one = scope.get("entity").into_iter();
    let several = scope.get("entities").and_then(Value::as_array);
    one.chain(several.into_iter().flatten()).collect()
}

/// Without each thing that it asks for.
fn other_scopes(variable: &str, scope: &Value) -> Vec<Value> {
    let any = json!({"op": "All"});
    if variable == "action" {
        let listed = listed_actions(scope);
        let without = |at: usize| {
            let others = listed.iter().enumerate().filter(|(ix, _)| *ix != at);
            let others: Vec<&&Value> = others.map(|(_, action)| action).collect();
            json!({"op": "in", "entities": others})
        };
        let fewer = (0..listed.len()).filter(|_| listed.len() > 1).map(without);
        let wider = (!listed.is_empty()).then_some(any);
        return fewer.chain(wider).collect();
    }
    match (scope.get("op").and_then(Value::as_str), scope.get("in")) {
        (Some("is"), Some(group)) => {
            let ty = json!({"op": "is", "entity_type": scope.get("entity_type")});
            let entity = group.get("entity").unwrap_or(group);
            vec![ty, json!({"op": "in", "entity": entity})]
        }
        (Some("is" | "in" | "=="), _) => vec![any],
        _ => Vec::new(),
    }
}

/// As a rule has it.
fn scope_text(variable: &str, scope: &Value) -> String {
    let any = json!({"op": "All"});
    let mut rule = json!({"effect": "permit", "principal": any, "action": any, "resource": any, "conditions": []});
    if let Some(part) = rule.get_mut(variable) {
        *part = scope.clone();
    }
    let text = text(rule);
    let inside = text
        .strip_prefix("permit(")
        .and_then(|text| text.strip_suffix(");"));
    // Of three parts all but one are the bare names.
    let inside = inside.unwrap_or(&text);
    let inside = match variable {
        "principal" => inside.strip_suffix(", action, resource"),
        "action" => inside
            .strip_prefix("principal, ")
            .and_then(|inside| inside.strip_suffix(", resource")),
        _ => inside.strip_prefix("principal, action, "),
    };
    inside.unwrap_or(&text).to_owned()
}

/// As Cedar writes it.
fn expression_text(expression: &Value) -> String {
    let any = json!({"op": "All"});
    let condition = json!({"kind": "when", "body": expression});
    let rule = json!({
        "effect": "permit", "principal": any, "action": any, "resource": any, "conditions": [condition],
    });
    let text = text(rule);
    let inside = text
        .split_once('{')
        .and_then(|(_, inside)| inside.rsplit_once('}'));
    let words = inside
        .map_or(text.as_str(), |(inside, _)| inside)
        .split_whitespace();
    words.collect::<Vec<_>>().join(" ")
}

fn text(rule: Value) -> String {
    Policy::from_json(None, rule)
        .map(|policy| policy.to_string())
        .unwrap_or_default()
}
