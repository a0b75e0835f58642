//! Facts in Cedar's JSON: asked about, and changed one at a time.

use std::str::FromStr;

use serde::Serialize;
use serde_json::{Value, json};
use sod_core::cedar::{
    self, Context, Entities, EntityId, EntityTypeName, EvalResult, Expression, Schema,
};
use sod_core::{EntityUid, Request};

use super::Broken;

/// What the rules are asked, in Cedar's JSON: `sod decide --facts` takes it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlainFacts {
    principal: Value,
    action: Value,
    resource: Value,
    /// Facts about the request.
    pub context: Value,
    /// Every entity that rules can reach, with its facts.
    pub entities: Value,
}

impl PlainFacts {
    pub(super) fn read(request: &Request) -> Result<Self, Broken> {
        let uid = |uid: &EntityUid| json!({"type": uid.type_name, "id": uid.id});
        let parse = |text: &Option<String>, empty| match text {
            Some(text) => serde_json::from_str(text).map_err(Broken::new),
            None => Ok(empty),
        };
        Ok(PlainFacts {
            principal: uid(&request.principal),
            action: uid(&request.action),
            resource: uid(&request.resource),
            context: parse(&request.context, json!({}))?,
            entities: parse(&request.entities, json!([]))?,
        })
    }

    /// As a program in mode `cedar` takes it.
    pub(super) fn request(&self) -> Request {
        let uid = |uid: &Value| EntityUid::new(member(uid, "type"), member(uid, "id"));
        Request {
            principal: uid(&self.principal),
            action: uid(&self.action),
            resource: uid(&self.resource),
            now: None,
            evidence: None,
            entities: Some(self.entities.to_string()),
            context: Some(self.context.to_string()),
        }
    }

    /// Where the attribute of that name is, of whatever the expression before it stands for: a value in the JSON.
    pub(super) fn locate(&self, path: &Value) -> Option<Place> {
        let (name, of) = super::term::operator(path)?;
        if name == "Var" {
            let uid = match of.as_str()? {
                "context" => return Some(Place::new("/context")),
                "principal" => &self.principal,
                "resource" => &self.resource,
                _ => return None,
            };
            return self.entity(uid);
        }
        let place = self.locate(of.get("left")?)?;
        let place = match self.get(&place).and_then(|value| value.get("__entity")) {
            Some(uid) => self.entity(uid)?,
            None => place,
        };
        let attribute = of.get("attr")?.as_str()?;
        Some(place.member(attribute))
    }

    /// The attributes of an entity.
    fn entity(&self, uid: &Value) -> Option<Place> {
        let mut entities = self.entities.as_array()?.iter();
        let at = entities.position(|entity| entity.get("uid").is_some_and(|of| same(of, uid)))?;
        Some(Place(format!("/entities/{at}/attrs")))
    }

    /// What the entity of that type and id is in.
    pub(super) fn groups(&self, uid: &Value) -> Option<Place> {
        let place = self.entity(uid)?;
        let at = place.0.strip_suffix("/attrs")?;
        Some(Place(format!("{at}/parents")))
    }

    pub(super) fn get(&self, place: &Place) -> Option<&Value> {
        match place.0.strip_prefix("/context") {
            Some(rest) => self.context.pointer(rest),
            None => self.entities.pointer(place.0.strip_prefix("/entities")?),
        }
    }

    /// The facts with another value at that place, or without it.
    pub(super) fn with(&self, place: &Place, value: Option<Value>) -> Option<Self> {
        let mut facts = self.clone();
        let (before, last) = place.0.rsplit_once('/')?;
        let root = match before.strip_prefix("/context") {
            Some(rest) => facts.context.pointer_mut(rest),
            None => facts
                .entities
                .pointer_mut(before.strip_prefix("/entities")?),
        };
        let members = root?.as_object_mut()?;
        let name = last.replace("~1", "/").replace("~0", "~");
        match value {
            Some(value) => members.insert(name, value),
            None => members.remove(&name),
        };
        Some(facts)
    }
}

/// A JSON pointer into facts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(String);

impl Place {
    fn new(at: &str) -> Self {
        Place(at.to_owned())
    }

    fn member(&self, name: &str) -> Self {
        let name = name.replace('~', "~0").replace('/', "~1");
        Place(format!("{}/{name}", self.0))
    }

    /// Whether it is the value of that name, a plain word.
    pub(super) fn is_named(&self, name: &str) -> bool {
        self.0.rsplit('/').next() == Some(name)
    }

    /// Whether it is in that attribute of the context.
    pub(super) fn is_in_context(&self, name: &str) -> bool {
        let at = self.0.strip_prefix("/context/");
        at.is_some_and(|at| at.split('/').next() == Some(name))
    }
}

/// Whether both are the same entity, with `__entity` around it or not.
pub(super) fn same(one: &Value, other: &Value) -> bool {
    let bare = |uid: &Value| uid.get("__entity").unwrap_or(uid).clone();
    let (one, other) = (bare(one), bare(other));
    ["type", "id"]
        .iter()
        .all(|key| one.get(key) == other.get(key))
}

fn member<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Facts as Cedar takes them, to be asked about.
pub(super) struct Asked {
    request: cedar::Request,
    entities: Entities,
}

impl Asked {
    pub(super) fn new(facts: &PlainFacts, schema: &Schema) -> Result<Self, Broken> {
        let uid = |uid: &Value| {
            let name = EntityTypeName::from_str(member(uid, "type")).map_err(Broken::new)?;
            let id = EntityId::new(member(uid, "id"));
            Ok(cedar::EntityUid::from_type_name_and_id(name, id))
        };
        let action = uid(&facts.action)?;
        let context = Context::from_json_value(facts.context.clone(), Some((schema, &action)));
        let entities = Entities::from_json_value(facts.entities.clone(), Some(schema));
        let request = cedar::Request::new(
            uid(&facts.principal)?,
            action,
            uid(&facts.resource)?,
            context.map_err(Broken::new)?,
            Some(schema),
        );
        Ok(Asked {
            request: request.map_err(Broken::new)?,
            entities: entities.map_err(Broken::new)?,
        })
    }

    /// What Cedar says to an expression; its message if that fails.
    pub(super) fn value(&self, expression: &Expression) -> Result<EvalResult, String> {
        cedar::eval_expression(&self.request, &self.entities, expression)
            .map_err(|error| error.to_string())
    }

    /// As [`value`](Self::value), of what is true or false.
    pub(super) fn truth(&self, expression: &Expression) -> Result<bool, String> {
        match self.value(expression)? {
            EvalResult::Bool(truth) => Ok(truth),
            other => Err(format!("`{other}` is neither true nor false")),
        }
    }

    /// What an entity is in, by the entities as they are.
    pub(super) fn groups_of(&self, entity: &cedar::EntityUid) -> Vec<EvalResult> {
        let groups = self.entities.ancestors(entity).into_iter().flatten();
        let mut groups: Vec<_> = groups.cloned().map(EvalResult::EntityUid).collect();
        groups.sort();
        groups
    }
}

/// A value in Cedar's JSON. `None` for what no fact that can be changed is.
pub(super) fn to_json(value: &EvalResult) -> Option<Value> {
    match value {
        EvalResult::Bool(truth) => Some(json!(truth)),
        EvalResult::Long(number) => Some(json!(number)),
        EvalResult::String(text) => Some(json!(text)),
        EvalResult::EntityUid(uid) => {
            let (name, id) = (uid.type_name().to_string(), uid.id().unescaped());
            Some(json!({"__entity": {"type": name, "id": id}}))
        }
        EvalResult::Set(set) => set.iter().map(to_json).collect(),
        EvalResult::Record(_) | EvalResult::ExtensionValue(_) => None,
    }
}

/// A value for people: `{ana, bo}`.
pub(super) fn shown(value: &EvalResult) -> String {
    match value {
        EvalResult::Set(set) => shown_all(set.iter()),
        EvalResult::ExtensionValue(text) => {
            let quoted = text.split('"').nth(1);
            quoted.map_or_else(|| text.clone(), str::to_owned)
        }
        other => other.to_string(),
    }
}

/// Entities of one type by their ids alone.
pub(super) fn shown_all<'v>(values: impl Iterator<Item = &'v EvalResult>) -> String {
    let values: Vec<&EvalResult> = values.collect();
    let names = values.iter().map(|value| match value {
        EvalResult::EntityUid(uid) => Some(uid.type_name()),
        _ => None,
    });
    let mut names: Vec<_> = names.collect();
    names.dedup();
    let brief = names.len() == 1;
    let one = |value: &&EvalResult| match value {
        EvalResult::EntityUid(uid) if brief => uid.id().unescaped().to_owned(),
        other => shown(other),
    };
    let items: Vec<String> = values.iter().map(one).collect();
    format!("{{{}}}", items.join(", "))
}
