//! A request that breaks a property, with the facts that it needs, as people can read it.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy_symcc::Env;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sod_core::cedar::EntityUid;

use crate::error::ProveError;

/// A request on facts, as `sod decide --facts` takes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Counterexample {
    /// `Person::"person-1"`
    pub principal: String,
    /// `Action::"approve"`
    pub action: String,
    /// `Change::"change-1"`
    pub resource: String,
    /// Facts about the request, as Cedar's JSON.
    pub context: Value,
    /// Facts about everything else, as Cedar's JSON.
    pub entities: Value,
}

impl Counterexample {
    /// `known` are the entities that policies name; the solver's names for all others are made readable.
    pub(crate) fn new(env: &Env, known: &BTreeSet<EntityUid>) -> Result<Self, ProveError> {
        let odd = |error: &dyn std::fmt::Display| ProveError::Solver(error.to_string());
        let entities = env.entities.to_json_value().map_err(|error| odd(&error))?;
        let context = env.request.context().map(|context| context.to_json_value());
        let context = context.transpose().map_err(|error| odd(&error))?;
        let uid = |uid: Option<&EntityUid>| {
            uid.cloned()
                .ok_or_else(|| ProveError::Solver("a request without its parts".to_owned()))
        };
        let mut names = Names::new(known);
        Ok(Counterexample {
            principal: names.of(&uid(env.request.principal())?).to_string(),
            resource: names.of(&uid(env.request.resource())?).to_string(),
            action: uid(env.request.action())?.to_string(),
            context: names.in_json(context.unwrap_or_else(|| Value::Object(Map::new()))),
            entities: names.in_json(entities),
        })
    }
}

impl Counterexample {
    /// With other facts.
    pub(crate) fn with(&self, facts: impl Fn(&Value) -> Value) -> Self {
        Counterexample {
            context: facts(&self.context),
            entities: facts(&self.entities),
            ..self.clone()
        }
    }
}

/// Readable names for entities that the solver made up.
struct Names<'k> {
    known: &'k BTreeSet<EntityUid>,
    given: BTreeMap<EntityUid, EntityUid>,
    count: BTreeMap<String, usize>,
}

impl<'k> Names<'k> {
    fn new(known: &'k BTreeSet<EntityUid>) -> Self {
        Names {
            known,
            given: BTreeMap::new(),
            count: BTreeMap::new(),
        }
    }

    /// `Person::"person-1"`, unless policies know it by name.
    fn of(&mut self, uid: &EntityUid) -> EntityUid {
        let kind = uid.type_name().to_string();
        if self.known.contains(uid) || kind.ends_with("Action") {
            return uid.clone();
        }
        if let Some(given) = self.given.get(uid) {
            return given.clone();
        }
        let count = self.count.entry(kind.to_lowercase()).or_default();
        let given = loop {
            *count += 1;
            let name = format!("{}-{count}", kind.to_lowercase().replace("::", "-"));
            let given = EntityUid::from_type_name_and_id(
                uid.type_name().clone(),
                sod_core::cedar::EntityId::new(name),
            );
            if !self.known.contains(&given) {
                break given;
            }
        };
        self.given.insert(uid.clone(), given.clone());
        given
    }

    fn in_json(&mut self, value: Value) -> Value {
        match value {
            Value::Object(fields) => self.in_object(fields),
            Value::Array(items) => {
                Value::Array(items.into_iter().map(|item| self.in_json(item)).collect())
            }
            other => other,
        }
    }

    /// Cedar writes an entity as `{"type": T, "id": I}`, in a place for one or under `__entity`.
    fn in_object(&mut self, fields: Map<String, Value>) -> Value {
        if fields.len() == 2
            && let Ok(uid) = EntityUid::from_json(Value::Object(fields.clone()))
        {
            let named = self.of(&uid);
            let named = [
                ("type".to_owned(), named.type_name().to_string().into()),
                ("id".to_owned(), AsRef::<str>::as_ref(named.id()).into()),
            ];
            return Value::Object(named.into_iter().collect());
        }
        let fields = fields.into_iter();
        Value::Object(
            fields
                .map(|(key, value)| (key, self.in_json(value)))
                .collect(),
        )
    }
}
