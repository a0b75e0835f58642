//! Two packs in one language, so that they can be compared: where both mean the same by a name, it is one fact; where
//! they do not, it is two.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use sod_core::cedar::{Policy, Schema, SchemaFragment};
use sod_core::{Bundle, Mode, Quorum};

use crate::assumptions::definitions;
use crate::error::ProveError;
use crate::question::policy;
use crate::rewrite::Rewrite;

/// Behind the name of a fact that meant something else before.
const BEFORE: &str = "__before";

/// The names of one record of facts, each with what it means.
type Meanings = BTreeMap<String, Value>;

/// What packs name: where a bundle lists it, what one is called, and the attributes that hold the facts.
const RECORDS: [(&str, &str, &[&str]); 5] = [
    ("quorums", "quorum", &["quorum"]),
    ("paths", "class of paths", &["touches", "only"]),
    ("windows", "window", &["window"]),
    ("conflicts", "conflict", &["conflict"]),
    ("grants", "grant", &["grant"]),
];

/// Common types of the schema that are made from what packs name.
const TYPES: [(&str, &str); 6] = [
    ("ChangeQuorums", "quorums"),
    ("DeploymentQuorums", "quorums"),
    ("PathClasses", "paths"),
    ("Windows", "windows"),
    ("RoleConflicts", "conflicts"),
    ("Grants", "grants"),
];

/// Two packs, put so that one solver can read both.
pub(crate) struct Common {
    pub(crate) schema: Schema,
    pub(crate) before: Vec<Policy>,
    pub(crate) after: Vec<Policy>,
    /// Forbids of what cannot be.
    pub(crate) known: Vec<Policy>,
    /// What is named the same and means something else: ``quorum `production` ``.
    pub(crate) redefined: Vec<String>,
    sides: [Side; 2],
}

/// How facts are called in one of the packs.
struct Side {
    /// By record attribute: name in the pack to name in common.
    names: BTreeMap<&'static str, BTreeMap<String, String>>,
    option: Value,
}

impl Common {
    pub(crate) fn new(before: &Bundle, after: &Bundle) -> Result<Self, ProveError> {
        let mut was = Rewrite::default();
        let mut is = Rewrite::default();
        was.choose(&before.data.options);
        is.choose(&after.data.options);
        let mut redefined = Vec::new();
        let mut other = BTreeSet::new();
        for (kind, what, attributes) in RECORDS {
            let (old, new) = (meanings(before, kind)?, meanings(after, kind)?);
            let stands_otherwise =
                kind == "quorums" && before.data.stands_for != after.data.stands_for;
            for (name, meaning) in &old {
                let same = new.get(name) == Some(meaning) && !stands_otherwise;
                if same || !new.contains_key(name) {
                    continue;
                }
                redefined.push(format!("{what} `{name}`"));
                other.insert((kind, name.clone()));
                for attribute in attributes {
                    let key = ((*attribute).to_owned(), name.clone());
                    was.renamed.insert(key, format!("{name}{BEFORE}"));
                }
            }
        }
        let mut known = match after.mode {
            Mode::Evidence => definitions(after)?,
            Mode::Cedar => Vec::new(),
        };
        known.extend(relations(before, after, &other)?);
        let sides = [side(before, &was)?, side(after, &is)?];
        Ok(Common {
            schema: schema(before, after, &other)?,
            before: policies(before, &was)?,
            after: policies(after, &is)?,
            known,
            redefined,
            sides,
        })
    }

    /// Facts as the pack before calls them.
    pub(crate) fn as_before(&self, facts: &Value) -> Value {
        self.sides[0].facts(facts)
    }

    /// Facts as the pack after calls them.
    pub(crate) fn as_after(&self, facts: &Value) -> Value {
        self.sides[1].facts(facts)
    }
}

fn policies(bundle: &Bundle, rewrite: &Rewrite) -> Result<Vec<Policy>, ProveError> {
    let policies = bundle.policies.iter();
    policies
        .map(|source| rewrite.policy(&policy(&source.id, &source.text)?))
        .collect()
}

/// What a pack means by the names of one kind.
fn meanings(bundle: &Bundle, kind: &str) -> Result<Meanings, ProveError> {
    let json = serde_json::to_value(bundle).map_err(|error| untranslatable(&error))?;
    let list = match kind {
        "quorums" => json.get(kind),
        _ => json.get("data").and_then(|data| data.get(kind)),
    };
    let list = list.and_then(Value::as_array).cloned().unwrap_or_default();
    let named = list.into_iter().filter_map(|meaning| {
        let name = meaning.get("name")?.as_str()?.to_owned();
        Some((name, meaning))
    });
    Ok(named.collect())
}

/// Where the new meaning of a name is stricter or laxer than the old, that one follows from the other.
fn relations(
    before: &Bundle,
    after: &Bundle,
    other: &BTreeSet<(&str, String)>,
) -> Result<Vec<Policy>, ProveError> {
    let mut texts = Vec::new();
    let stands = before.data.stands_for.cmp(&after.data.stands_for);
    for old in &before.quorums {
        let new = after.quorums.iter().find(|new| new.name == old.name);
        let Some(new) = new.filter(|_| other.contains(&("quorums", old.name.clone()))) else {
            continue;
        };
        let fact = format!("context.quorum.{}", old.name);
        let was = format!("{fact}{BEFORE}");
        // `stands_for` is ordered strictest first.
        if needs_as_much(new, old) && stands.is_ge() {
            texts.push(implies(&fact, &was, new));
        }
        if needs_as_much(old, new) && stands.is_le() {
            texts.push(implies(&was, &fact, new));
        }
    }
    let numbered = texts.into_iter().enumerate();
    numbered
        .map(|(n, text)| policy(&format!("relation {n}"), &text))
        .collect()
}

fn implies(one: &str, other: &str, quorum: &Quorum) -> String {
    let actions = match quorum.of {
        sod_core::QuorumOf::Change => r#"[Action::"merge", Action::"deploy", Action::"rollback"]"#,
        sod_core::QuorumOf::Deployment => r#"[Action::"deploy", Action::"rollback"]"#,
    };
    format!("forbid (principal, action in {actions}, resource) when {{ {one} && !{other} }};")
}

/// Whoever meets `one` meets `other`.
fn needs_as_much(one: &Quorum, other: &Quorum) -> bool {
    let each = other
        .need
        .iter()
        .all(|(need, count)| one.need.get(need).is_some_and(|n| n >= count));
    let distinct = !one.one_person_may_fill_several || other.one_person_may_fill_several;
    let left_out = other.leaves_out.is_nobody() || other.leaves_out == one.leaves_out;
    one.of == other.of && each && distinct && left_out
}

/// The schema of both.
fn schema(
    before: &Bundle,
    after: &Bundle,
    other: &BTreeSet<(&str, String)>,
) -> Result<Schema, ProveError> {
    let read = |text: &str| -> Result<Value, ProveError> {
        let (fragment, _) =
            SchemaFragment::from_cedarschema_str(text).map_err(|error| untranslatable(&error))?;
        fragment
            .to_json_value()
            .map_err(|error| untranslatable(&error))
    };
    let mut old = read(&before.schema)?;
    let mut new = read(&after.schema)?;
    let types = |schema: &mut Value| {
        let types = schema.get_mut("")?.get_mut("commonTypes")?;
        types.as_object_mut().cloned()
    };
    if let (Some(was), Some(is)) = (types(&mut old), types(&mut new)) {
        let both = types_of_both(was, is, other)?;
        for schema in [&mut old, &mut new] {
            if let Some(types) = schema.get_mut("").and_then(|s| s.get_mut("commonTypes")) {
                *types = Value::Object(both.clone());
            }
        }
    }
    let both = union(old, new).map_err(|at| {
        untranslatable(&format!(
            "the schemas of the two packs contradict each other at `{at}`"
        ))
    })?;
    Schema::from_json_value(both).map_err(|error| untranslatable(&error))
}

fn types_of_both(
    mut was: Map<String, Value>,
    is: Map<String, Value>,
    other: &BTreeSet<(&str, String)>,
) -> Result<Map<String, Value>, ProveError> {
    // Options are constants by now, and whatever they were called does not matter.
    if let Some(options) = is.get("Options") {
        was.insert("Options".to_owned(), options.clone());
    }
    for (name, kind) in TYPES {
        let attributes = was.get_mut(name).and_then(|ty| ty.get_mut("attributes"));
        let Some(Value::Object(attributes)) = attributes else {
            continue;
        };
        for (_, fact) in other.iter().filter(|(of, _)| *of == kind) {
            if let Some(ty) = attributes.remove(fact) {
                attributes.insert(format!("{fact}{BEFORE}"), ty);
            }
        }
    }
    match union(Value::Object(was), Value::Object(is)) {
        Ok(Value::Object(types)) => Ok(types),
        Ok(_) => Err(untranslatable(&"a schema without types")),
        Err(at) => Err(untranslatable(&format!(
            "the schemas of the two packs contradict each other at `{at}`"
        ))),
    }
}

/// All that either says; what they say differently is an error.
fn union(one: Value, other: Value) -> Result<Value, String> {
    match (one, other) {
        (Value::Object(mut one), Value::Object(other)) => {
            for (key, value) in other {
                let both = match one.remove(&key) {
                    Some(old) => union(old, value).map_err(|at| format!("{key}/{at}"))?,
                    None => value,
                };
                one.insert(key, both);
            }
            Ok(Value::Object(one))
        }
        (Value::Array(mut one), Value::Array(other)) => {
            for item in other {
                if !one.contains(&item) {
                    one.push(item);
                }
            }
            Ok(Value::Array(one))
        }
        (one, other) if one == other => Ok(one),
        (one, other) => Err(format!("{one} or {other}")),
    }
}

fn side(bundle: &Bundle, rewrite: &Rewrite) -> Result<Side, ProveError> {
    let mut names = BTreeMap::new();
    for (kind, _, attributes) in RECORDS {
        for attribute in attributes {
            let in_common = |name: &String| {
                let key = ((*attribute).to_owned(), name.clone());
                rewrite.renamed.get(&key).unwrap_or(name).clone()
            };
            let all = meanings(bundle, kind)?.into_keys();
            let all = all.map(|name| (name.clone(), in_common(&name)));
            names.insert(*attribute, all.collect());
        }
    }
    let options = bundle.data.options.iter().map(|option| {
        let value = match &option.value {
            sod_core::OptionValue::Number(number) => Value::from(*number),
            sod_core::OptionValue::Word { chosen, of } => of
                .iter()
                .map(|word| (word.clone(), Value::from(word == chosen)))
                .collect(),
        };
        (option.name.clone(), value)
    });
    Ok(Side {
        names,
        option: options.collect(),
    })
}

impl Side {
    fn facts(&self, facts: &Value) -> Value {
        match facts {
            Value::Array(items) => items.iter().map(|item| self.facts(item)).collect(),
            Value::Object(fields) => {
                let fields = fields.iter();
                fields
                    .map(|(key, value)| (key.clone(), self.field(key, value)))
                    .collect()
            }
            other => other.clone(),
        }
    }

    fn field(&self, key: &str, value: &Value) -> Value {
        if key == "option" && value.is_object() {
            return self.option.clone();
        }
        match (self.names.get(key), value) {
            (Some(names), Value::Object(facts)) => {
                let own = names.iter().filter_map(|(name, common)| {
                    let fact = facts.get(common)?;
                    Some((name.clone(), self.facts(fact)))
                });
                own.collect()
            }
            _ => self.facts(value),
        }
    }
}

fn untranslatable(error: &dyn std::fmt::Display) -> ProveError {
    ProveError::Untranslatable(error.to_string())
}
