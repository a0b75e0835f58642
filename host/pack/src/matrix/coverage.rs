//! Both ways: what the pack's rules name is in its matrix or left out for a reason, and what is left out is not in it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sod_core::Mode;
use sod_core::cedar::{ActionConstraint, EntityUid, Schema};

use super::read::RawExempt;
use super::{Matrix, list, text};
use crate::code::Code;
use crate::finding::Finding;
use crate::pack::Pack;
use crate::rules::Rule;
use crate::settings::Named;
use crate::source::Source;

/// Names, each with who names it.
type Names = BTreeMap<String, String>;

/// One kind of thing that is covered or not.
struct Kind {
    noun: &'static str,
    key: &'static str,
    remedy: &'static str,
    named: Names,
    occurs: BTreeSet<String>,
}

/// What included packs define is for the matrices of those.
pub(super) fn check(
    pack: &Pack,
    schema: &Schema,
    matrix: &Matrix,
    exempt: &RawExempt,
    source: &Source,
) -> Vec<Finding> {
    let roles = Kind {
        noun: "role",
        key: "roles",
        remedy: "add a row for somebody who holds it",
        named: named_roles(pack),
        occurs: held_roles(matrix),
    };
    let actions = Kind {
        noun: "action",
        key: "actions",
        remedy: "add it to `actions` of a table",
        named: named_actions(pack, schema),
        occurs: asked_actions(matrix),
    };
    let roles = roles.findings(&exempt.roles, source);
    let actions = actions.findings(&exempt.actions, source);
    roles.into_iter().chain(actions).collect()
}

impl Kind {
    fn findings(&self, exempt: &Named<String>, source: &Source) -> Vec<Finding> {
        let exempted = |name: &String| exempt.keys().any(|key| key.get_ref() == name);
        let left_out = self
            .named
            .iter()
            .filter(|(name, _)| !self.occurs.contains(*name) && !exempted(name));
        let mut findings: Vec<Finding> = left_out
            .map(|(name, by)| self.uncovered(name, by).at(source, 0..0))
            .collect();
        for (name, reason) in exempt {
            let message = self.wrongly_exempt(name.get_ref(), reason);
            findings.extend(message.map(|(message, help)| {
                let finding = Finding::new(Code::MatrixExempt, message);
                finding.at(source, name.span()).help(help)
            }));
        }
        findings
    }

    fn uncovered(&self, name: &str, by: &str) -> Finding {
        let message = format!("{} `{name}`, of {by}, is not in the matrix", self.noun);
        Finding::new(Code::MatrixUncovered, message).help(format!(
            "{}, or say under `[exempt.{}]` why it is left out",
            self.remedy, self.key
        ))
    }

    fn wrongly_exempt(&self, name: &str, reason: &str) -> Option<(String, &'static str)> {
        let noun = self.noun;
        if self.occurs.contains(name) {
            let message = format!("{noun} `{name}` is exempt, and in the matrix");
            Some((message, "delete the exemption"))
        } else if !self.named.contains_key(name) {
            let message = format!("{noun} `{name}` is exempt, and no rule of the pack names it");
            Some((message, "delete the exemption"))
        } else if reason.trim().is_empty() {
            let message = format!("{noun} `{name}` is exempt for no reason");
            Some((message, "say in plain words why the matrix can do without"))
        } else {
            None
        }
    }
}

/// Of the base schema; what plain Cedar calls a role is its own business.
fn named_roles(pack: &Pack) -> Names {
    let mut names = Names::new();
    if pack.mode() == Mode::Cedar {
        return names;
    }
    for rule in pack.own_rules() {
        let policy = rule.policy.to_json().unwrap_or_default();
        let mut found = BTreeSet::new();
        roles_in(&policy, &mut found);
        note(&mut names, found, &by_rule(rule));
    }
    for quorum in pack.own_quorums() {
        let by = format!("quorum `{}`", quorum.name);
        note(&mut names, quorum.need.keys().cloned(), &by);
    }
    for conflict in pack.own_conflicts() {
        let by = format!("conflict `{}`", conflict.name);
        note(&mut names, conflict.roles.iter().cloned(), &by);
    }
    names
}

fn by_rule(rule: &Rule) -> String {
    format!("rule `{}`", rule.id)
}

/// The first who names it is told.
fn note(names: &mut Names, found: impl IntoIterator<Item = String>, by: &str) {
    for name in found {
        names.entry(name).or_insert_with(|| by.to_owned());
    }
}

/// Every `{"type": "Role", "id": ...}` in a policy as JSON: in its head, and in literals of its conditions.
fn roles_in(value: &Value, roles: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            if text(value, "type") == "Role" {
                roles.insert(text(value, "id").to_owned());
            }
            object.values().for_each(|value| roles_in(value, roles));
        }
        Value::Array(array) => array.iter().for_each(|value| roles_in(value, roles)),
        _ => {}
    }
}

fn named_actions(pack: &Pack, schema: &Schema) -> Names {
    let mut names = Names::new();
    // Which groups an action is in.
    let Ok(groups) = schema.action_entities() else {
        return names;
    };
    let is_in = |action: &EntityUid, listed: &[EntityUid]| {
        let above = groups.ancestors(action).into_iter().flatten();
        listed.contains(action) || above.into_iter().any(|group| listed.contains(group))
    };
    for rule in pack.own_rules() {
        let listed = match rule.policy.action_constraint() {
            ActionConstraint::Any => None,
            ActionConstraint::In(actions) => Some(actions),
            ActionConstraint::Eq(action) => Some(vec![action]),
        };
        // A group is no action that anybody asks for.
        let actions = schema.actions().filter(|action| {
            schema
                .resources_for_action(action)
                .is_some_and(|mut types| types.next().is_some())
        });
        let concerned = actions.filter(|action| {
            let listed = listed.as_ref();
            listed.is_none_or(|listed| is_in(action, listed))
        });
        note(&mut names, concerned.map(name_of), &by_rule(rule));
    }
    names
}

/// `merge`, or `Shop::Action::"buy"` where it has a namespace.
fn name_of(action: &EntityUid) -> String {
    match action.type_name().to_string().as_str() {
        "Action" => action.id().unescaped().to_owned(),
        _ => action.to_string(),
    }
}

/// `merge` or `Action::"merge"`.
pub(super) fn action_uid(name: &str) -> Option<EntityUid> {
    let whole = name.parse::<EntityUid>();
    whole
        .or_else(|_| format!("Action::\"{}\"", name.escape_debug()).parse())
        .ok()
}

fn asked_actions(matrix: &Matrix) -> BTreeSet<String> {
    let actions = matrix.tables.iter().flat_map(|table| &table.actions);
    let actions = actions.filter_map(|name| action_uid(name));
    actions.map(|uid| name_of(&uid)).collect()
}

/// What the people of the rows hold in some state, by the directory or by a grant.
fn held_roles(matrix: &Matrix) -> BTreeSet<String> {
    let mut held = BTreeSet::new();
    for table in &matrix.tables {
        for state in &table.states {
            let evidence = state.rest.get("evidence").unwrap_or(&Value::Null);
            for person in &table.people {
                held.extend(roles_of(&person.principal, evidence));
            }
        }
    }
    held
}

fn roles_of(principal: &str, evidence: &Value) -> Vec<String> {
    let Some((person, machine)) = whose(principal, evidence) else {
        return Vec::new();
    };
    let of = |key: &str, id: String| {
        let entries = list(evidence, key).iter();
        let mine = entries.filter(move |one| !id.is_empty() && text(one, "id") == id);
        let roles = mine.flat_map(|one| list(one, "roles"));
        roles.filter_map(Value::as_str).map(str::to_owned)
    };
    let grants = evidence.get("grants").unwrap_or(&Value::Null);
    let granted = list(grants, "items").iter();
    let granted = granted
        .filter(|grant| !person.is_empty() && text(grant, "person") == person)
        .map(|grant| text(grant, "role").to_owned());
    let by_directory = of("people", person.clone()).chain(of("machines", machine));
    by_directory.chain(granted).collect()
}

/// The person or the machine behind a principal, the other one empty.
fn whose(principal: &str, evidence: &Value) -> Option<(String, String)> {
    let uid = principal.parse::<EntityUid>().ok()?;
    let id: &str = uid.id().unescaped();
    match uid.type_name().to_string().as_str() {
        "Person" => Some((id.to_owned(), String::new())),
        "Machine" => Some((String::new(), id.to_owned())),
        "Account" => {
            let mut accounts = list(evidence, "accounts").iter();
            let account = accounts.find(|one| text(one, "account") == id)?;
            Some((
                text(account, "person").to_owned(),
                text(account, "machine").to_owned(),
            ))
        }
        _ => None,
    }
}
