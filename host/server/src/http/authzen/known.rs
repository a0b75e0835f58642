//! The entities that the server knows: read and laid out once, when the pack is loaded.
//!
//! Of these a request is given those that it names, and whatever can be reached from them: parents, and entities in
//! attributes. An entity's JSON is written once.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use sod_host::EntityUid;

use super::mapping::Misfit;
use crate::http::body::{Object, unique};

const HELP: &str = "entities are Cedar's JSON: a list of {\"uid\": {\"type\": ..., \"id\": ...}, \"attrs\": {...}, \"parents\": [...]}";

/// All of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    entities: Vec<KnownEntity>,
    by_uid: HashMap<EntityUid, usize>,
    /// Sorted.
    ids_by_type: BTreeMap<String, Vec<String>>,
}

/// One of them.
#[derive(Debug, Clone)]
struct KnownEntity {
    json: String,
    /// Attributes, each with its JSON.
    attributes: Vec<(String, String)>,
    /// What comes after the attributes: `,"parents":[...]}`.
    rest: String,
    /// What it leads to.
    links: Vec<usize>,
}

/// An attribute that a request sets, with its JSON.
pub(super) type Attribute<'a> = (&'a str, &'a RawValue);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InFile {
    uid: Value,
    #[serde(default)]
    attrs: Map<String, Value>,
    #[serde(default)]
    parents: Vec<Value>,
    #[serde(default)]
    tags: Option<Map<String, Value>>,
}

impl Known {
    /// Reads the file.
    pub(super) fn read(path: &Path) -> Result<Self, Misfit> {
        let wrong = |problem: String| {
            Misfit::new("entities", format!("`{}`: {problem}", path.display()), HELP)
        };
        let json = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
        Known::parse(&json).map_err(wrong)
    }

    fn parse(json: &[u8]) -> Result<Self, String> {
        unique(json).map_err(|problem| problem.message())?;
        let listed: Vec<Object<InFile>> =
            serde_json::from_slice(json).map_err(|error| error.to_string())?;
        let mut known = Known::default();
        let mut uids = Vec::new();
        for (ix, Object(entity)) in listed.iter().enumerate() {
            let uid = uid(&entity.uid).ok_or_else(|| format!("`[{ix}].uid` is no entity"))?;
            if known.by_uid.insert(uid.clone(), ix).is_some() {
                return Err(format!("`[{ix}].uid`: {uid} is there twice"));
            }
            let ids = known.ids_by_type.entry(uid.type_name.clone()).or_default();
            ids.push(uid.id.clone());
            uids.push(uid);
        }
        known.ids_by_type.values_mut().for_each(|ids| ids.sort());
        for (uid, Object(entity)) in uids.iter().zip(listed) {
            let laid_out = known.lay_out(uid, entity);
            known.entities.push(laid_out);
        }
        Ok(known)
    }

    fn lay_out(&self, uid: &EntityUid, entity: InFile) -> KnownEntity {
        let mut links = Vec::new();
        let inside = entity.attrs.values().chain(&entity.parents);
        for value in inside.chain(entity.tags.iter().flat_map(Map::values)) {
            self.links(value, &mut links);
        }
        let parents = Value::Array(entity.parents);
        let rest = match entity.tags {
            None => format!(",\"parents\":{parents}}}"),
            Some(tags) => format!(",\"parents\":{parents},\"tags\":{}}}", Value::Object(tags)),
        };
        let attributes: Vec<_> = entity
            .attrs
            .into_iter()
            .map(|(name, value)| (name, value.to_string()))
            .collect();
        let mut json = String::new();
        write(&mut json, uid, &attributes, &[], &rest);
        KnownEntity {
            json,
            attributes,
            rest,
            links,
        }
    }

    /// Entities that a value names.
    fn links(&self, value: &Value, found: &mut Vec<usize>) {
        if let Some(ix) = uid(value).and_then(|uid| self.by_uid.get(&uid)) {
            found.push(*ix);
        }
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.links(item, found)),
            Value::Object(members) => members.values().for_each(|item| self.links(item, found)),
            _ => {}
        }
    }

    /// Ids of the entities of a Cedar type, sorted.
    pub(super) fn ids(&self, type_name: &str) -> &[String] {
        self.ids_by_type.get(type_name).map_or(&[], Vec::as_slice)
    }

    /// All of them as JSON, if there are any.
    pub(super) fn all(&self) -> Option<String> {
        let all: Vec<_> = self.entities.iter().map(|entity| &*entity.json).collect();
        (!all.is_empty()).then(|| format!("[{}]", all.join(",")))
    }

    /// The list of entities that goes with a request, as JSON: those that it names, with the attributes that it sets
    /// laid over the known ones, and what they lead to. `None` if that is nothing.
    pub(super) fn list(
        &self,
        named: &[(&EntityUid, &[Attribute<'_>])],
        values: &[Attribute<'_>],
    ) -> Option<String> {
        let mut list = String::with_capacity(512);
        let mut written = HashSet::new();
        let mut to_follow = Vec::new();
        for (uid, set) in named {
            let ix = self.by_uid.get(*uid).copied();
            if ix.is_some_and(|ix| !written.insert(ix)) {
                continue;
            }
            match ix.and_then(|ix| self.entities.get(ix)) {
                None if set.is_empty() => {}
                None => {
                    next(&mut list);
                    write(&mut list, uid, &[], set, ",\"parents\":[]}");
                }
                Some(entity) => {
                    next(&mut list);
                    match set.is_empty() {
                        true => list.push_str(&entity.json),
                        false => write(&mut list, uid, &entity.attributes, set, &entity.rest),
                    }
                    to_follow.extend(&entity.links);
                }
            }
            self.named_in(set, &mut to_follow);
        }
        self.named_in(values, &mut to_follow);
        while let Some(ix) = to_follow.pop() {
            if let Some(entity) = self.entities.get(ix)
                && written.insert(ix)
            {
                next(&mut list);
                list.push_str(&entity.json);
                to_follow.extend(&entity.links);
            }
        }
        (!list.is_empty()).then(|| list + "]")
    }

    /// Entities that the request's own values name. Hardly ever any: the text is looked at before it is read.
    fn named_in(&self, values: &[Attribute<'_>], found: &mut Vec<usize>) {
        for (_, value) in values {
            if !self.entities.is_empty()
                && value.get().starts_with(['{', '['])
                && let Ok(value) = serde_json::from_str(value.get())
            {
                self.links(&value, found);
            }
        }
    }
}

fn next(list: &mut String) {
    list.push(if list.is_empty() { '[' } else { ',' });
}

/// `{"uid":...,"attrs":...` and the rest: what is set takes the place of what is known.
fn write(
    json: &mut String,
    uid: &EntityUid,
    known: &[(String, String)],
    set: &[Attribute<'_>],
    rest: &str,
) {
    json.push_str("{\"uid\":{\"type\":");
    string(json, &uid.type_name);
    json.push_str(",\"id\":");
    string(json, &uid.id);
    json.push_str("},\"attrs\":{");
    let kept = known
        .iter()
        .filter(|(name, _)| !set.iter().any(|(other, _)| other == name))
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let set = set.iter().map(|(name, value)| (*name, value.get()));
    for (ix, (name, value)) in kept.chain(set).enumerate() {
        if ix > 0 {
            json.push(',');
        }
        string(json, name);
        json.push(':');
        json.push_str(value);
    }
    json.push('}');
    json.push_str(rest);
}

/// Text as a JSON string.
pub(super) fn string(json: &mut String, text: &str) {
    if text
        .bytes()
        .all(|byte| matches!(byte, b' '..=b'~' if byte != b'"' && byte != b'\\'))
    {
        json.push('"');
        json.push_str(text);
        json.push('"');
    } else {
        // `Value` writes what serde_json writes.
        json.push_str(&Value::from(text).to_string());
    }
}

/// `{"type": ..., "id": ...}`, or that as `__entity`.
fn uid(value: &Value) -> Option<EntityUid> {
    let members = value.as_object()?;
    if let Some(wrapped) = members.get("__entity") {
        return uid(wrapped);
    }
    let text = |name: &str| members.get(name)?.as_str();
    let (type_name, id) = (text("type")?, text("id")?);
    (members.len() == 2).then(|| EntityUid::new(type_name, id))
}
