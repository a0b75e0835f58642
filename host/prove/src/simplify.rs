//! Of a request that shows something, what is not needed to show it is taken away: a person reads it.

use std::collections::BTreeSet;
use std::str::FromStr as _;

use serde_json::{Value, json};
use sod_core::cedar::{
    Authorizer, Context, Decision, Entities, EntityUid, Policy, PolicySet, Request, Schema,
};

use crate::counterexample::Counterexample;

/// How many times anything may be left out before it is good enough.
const ROUNDS: usize = 4;

/// What must stay true of a request.
pub(crate) struct Judge<'j> {
    schema: &'j Schema,
    /// Each allows it, or does not.
    sets: Vec<(PolicySet, Decision)>,
}

impl<'j> Judge<'j> {
    /// `None` if the policies do not go together: then nothing can be judged.
    pub(crate) fn new<'p>(
        schema: &'j Schema,
        sets: impl IntoIterator<Item = (Vec<&'p Policy>, Decision)>,
    ) -> Option<Self> {
        let sets = sets.into_iter().map(|(policies, decision)| {
            let set = PolicySet::from_policies(policies.into_iter().cloned()).ok()?;
            Some((set, decision))
        });
        Some(Judge {
            schema,
            sets: sets.collect::<Option<_>>()?,
        })
    }

    pub(crate) fn holds(&self, example: &Counterexample) -> bool {
        let Some((request, entities)) = self.read(example) else {
            return false;
        };
        self.sets.iter().all(|(set, decision)| {
            let answer = Authorizer::new().is_authorized(&request, set, &entities);
            // Cedar passes over a rule that errs, on an entity left out, say. Here an error denies.
            answer.decision() == *decision && answer.diagnostics().errors().count() == 0
        })
    }

    fn read(&self, example: &Counterexample) -> Option<(Request, Entities)> {
        let uid = |text: &str| EntityUid::from_str(text).ok();
        let action = uid(&example.action)?;
        let schema = Some((self.schema, &action));
        let context = Context::from_json_value(example.context.clone(), schema).ok()?;
        let entities =
            Entities::from_json_value(example.entities.clone(), Some(self.schema)).ok()?;
        let (principal, resource) = (uid(&example.principal)?, uid(&example.resource)?);
        let request = Request::new(principal, action, resource, context, Some(self.schema)).ok()?;
        Some((request, entities))
    }
}

/// The same without what is not needed. What the judge does not recognise to begin with is left as it is.
pub(crate) fn simplify(mut example: Counterexample, judge: &Judge<'_>) -> Counterexample {
    if !judge.holds(&example) {
        return example;
    }
    for _ in 0..ROUNDS {
        let before = example.clone();
        for pointer in places(&example) {
            plain(&mut example, &pointer, judge);
        }
        forget(&mut example, judge);
        drop_each(&mut example, judge);
        if example == before {
            break;
        }
    }
    example
}

/// A place in the context or the entities: whether in the context, and a JSON pointer.
type Pointer = (bool, String);

fn part<'e>(example: &'e mut Counterexample, (context, at): &Pointer) -> Option<&'e mut Value> {
    match context {
        true => example.context.pointer_mut(at),
        false => example.entities.pointer_mut(at),
    }
}

/// Every value of the example; what is in another comes after it.
fn places(example: &Counterexample) -> Vec<Pointer> {
    let mut found = Vec::new();
    collect(&example.context, true, String::new(), &mut found);
    collect(&example.entities, false, String::new(), &mut found);
    found
}

fn collect(value: &Value, context: bool, at: String, found: &mut Vec<Pointer>) {
    if at.ends_with("/uid") {
        return;
    }
    // The context and the list of all entities stay.
    if !at.is_empty() {
        found.push((context, at.clone()));
    }
    match value {
        // A date, an entity: one value each.
        Value::Object(fields) if fields.contains_key("__extn") => {}
        Value::Object(fields) if fields.contains_key("__entity") || fields.contains_key("id") => {}
        Value::Object(fields) => {
            for (key, value) in fields {
                let key = key.replace('~', "~0").replace('/', "~1");
                collect(value, context, format!("{at}/{key}"), found);
            }
        }
        Value::Array(items) => {
            for (n, value) in items.iter().enumerate() {
                collect(value, context, format!("{at}/{n}"), found);
            }
        }
        _ => {}
    }
}

/// Makes a value say as little as it can: absent, empty, false, 0.
fn plain(example: &mut Counterexample, pointer: &Pointer, judge: &Judge<'_>) {
    let Some(value) = part(example, pointer).cloned() else {
        return;
    };
    if leave_out(example, pointer, judge) {
        return;
    }
    match value {
        Value::Bool(true) => {
            replace(example, pointer, Value::Bool(false), judge);
        }
        Value::Number(number) => {
            let plainer = SMALL
                .iter()
                .take_while(|small| number.as_i64() != Some(**small));
            let mut plainer = plainer.map(|small| Value::from(*small));
            plainer.find(|small| replace(example, pointer, small.clone(), judge));
        }
        Value::String(text) if !text.is_empty() => {
            replace(example, pointer, Value::from(""), judge);
        }
        Value::Object(fields) if fields.contains_key("__extn") => {
            let moment = json!({"__extn": {"fn": "datetime", "arg": MOMENT}});
            replace(example, pointer, moment, judge);
        }
        Value::Array(items) => shorten(example, pointer, items, judge),
        _ => {}
    }
}

/// Numbers that people take for some number or other, the plainest first.
const SMALL: [i64; 6] = [0, 1, 2, 3, 10, 100];

/// An ordinary one, where any will do: a Monday morning.
const MOMENT: &str = "2026-01-05T10:00:00Z";

/// An optional attribute. A list is not taken apart by place here: what follows in it would move.
fn leave_out(example: &mut Counterexample, (context, at): &Pointer, judge: &Judge<'_>) -> bool {
    let Some((parent, key)) = at.rsplit_once('/') else {
        return false;
    };
    let mut other = example.clone();
    let Some(Value::Object(fields)) = part(&mut other, &(*context, parent.to_owned())) else {
        return false;
    };
    let key = key.replace("~1", "/").replace("~0", "~");
    let left_out = fields.remove(&key).is_some() && judge.holds(&other);
    if left_out {
        *example = other;
    }
    left_out
}

/// Empties a list, or takes away what it can do without.
fn shorten(
    example: &mut Counterexample,
    pointer: &Pointer,
    mut kept: Vec<Value>,
    judge: &Judge<'_>,
) {
    if kept.is_empty() || replace(example, pointer, Value::Array(Vec::new()), judge) {
        return;
    }
    for n in (0..kept.len()).rev() {
        let mut fewer = kept.clone();
        fewer.remove(n);
        if replace(example, pointer, Value::Array(fewer.clone()), judge) {
            kept = fewer;
        }
    }
}

fn replace(
    example: &mut Counterexample,
    pointer: &Pointer,
    value: Value,
    judge: &Judge<'_>,
) -> bool {
    let mut other = example.clone();
    let Some(part) = part(&mut other, pointer) else {
        return false;
    };
    *part = value;
    let still = judge.holds(&other);
    if still {
        *example = other;
    }
    still
}

/// Entities that nothing in the request leads to.
fn forget(example: &mut Counterexample, judge: &Judge<'_>) {
    let mut other = example.clone();
    let Value::Array(entities) = &mut other.entities else {
        return;
    };
    let mut reached = BTreeSet::from([other.principal.clone(), other.resource.clone()]);
    mentioned(&other.context, &mut reached);
    loop {
        let count = reached.len();
        for entity in entities.iter() {
            if name(entity.get("uid")).is_some_and(|name| reached.contains(&name)) {
                mentioned(entity, &mut reached);
            }
        }
        if reached.len() == count {
            break;
        }
    }
    entities.retain(|entity| {
        let is_reached = name(entity.get("uid")).is_some_and(|name| reached.contains(&name));
        let list = |key: &str| entity.get(key).and_then(Value::as_array);
        let fields = entity.get("attrs").and_then(Value::as_object);
        let says_something = fields.is_some_and(|fields| !fields.is_empty())
            || list("parents").is_some_and(|parents| !parents.is_empty());
        is_reached && says_something
    });
    if judge.holds(&other) {
        *example = other;
    }
}

/// Entities whose own facts nobody asks for.
fn drop_each(example: &mut Counterexample, judge: &Judge<'_>) {
    let count = example.entities.as_array().map_or(0, Vec::len);
    for n in (0..count).rev() {
        let mut other = example.clone();
        if let Value::Array(entities) = &mut other.entities {
            entities.remove(n);
        }
        if judge.holds(&other) {
            *example = other;
        }
    }
}

/// Names of all entities in a value.
fn mentioned(value: &Value, names: &mut BTreeSet<String>) {
    names.extend(name(Some(value)));
    match value {
        Value::Object(fields) => fields.values().for_each(|value| mentioned(value, names)),
        Value::Array(items) => items.iter().for_each(|value| mentioned(value, names)),
        _ => {}
    }
}

/// `Person::"ana"` of `{"type": "Person", "id": "ana"}`.
fn name(value: Option<&Value>) -> Option<String> {
    let fields = value?.as_object().filter(|fields| fields.len() == 2)?;
    let uid = EntityUid::from_json(Value::Object(fields.clone())).ok()?;
    Some(uid.to_string())
}
