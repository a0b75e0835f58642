//! From AuthZEN's words to a request of the pack, as the mapping has it. Made once, when the pack is loaded.

use std::collections::HashMap;

use chrono::DateTime;
use serde_json::value::RawValue;
use sod_host::{Description, EntityUid, Mode, Request};

use super::evidence::{self, Directory};
use super::known::{Attribute, Known, string};
use super::mapping::{EntityMapping, Mapping, Misfit, named};
use super::model::{Action, Entity, Evaluation};
use crate::http::body::Members;
use crate::http::problem::Problem;

/// What turns AuthZEN's words into requests of one pack.
#[derive(Debug, Clone)]
pub(crate) struct Adapter {
    mapping: Mapping,
    mode: Mode,
    /// By the name that AuthZEN has for them.
    actions: HashMap<String, EntityUid>,
    known: Known,
    directory: Option<Directory>,
}

/// An entity, and what the request says of it as far as it may.
pub(super) struct Named<'a> {
    pub(super) uid: EntityUid,
    attributes: Vec<Attribute<'a>>,
}

/// What goes with a question besides who, what and to what.
pub(super) struct Documents {
    pub(super) now: Option<i64>,
    pub(super) evidence: Option<Box<RawValue>>,
    pub(super) entities: Option<Box<RawValue>>,
    pub(super) context: Option<Box<RawValue>>,
}

impl Adapter {
    /// Reads the files of the mapping, and holds it against the pack.
    pub(crate) fn load(mapping: &Mapping, pack: &Description) -> Result<Self, Misfit> {
        mapping.check(pack)?;
        let known = mapping.entities.as_deref().map(Known::read).transpose()?;
        let directory = mapping.directory.as_deref();
        let own = |uid: &EntityUid| (uid.id.clone(), uid.clone());
        let mut actions: HashMap<_, _> = pack
            .actions
            .iter()
            .filter_map(|info| named(pack, &info.action.id))
            .map(own)
            .collect();
        let mapped = mapping.action.iter();
        actions.extend(mapped.filter_map(|(name, to)| Some((name.clone(), to.uid.clone()?))));
        Ok(Adapter {
            mode: pack.mode,
            known: known.unwrap_or_default(),
            directory: directory.map(Directory::read).transpose()?,
            actions,
            mapping: mapping.clone(),
        })
    }

    /// The request that an evaluation is.
    pub(super) fn request(
        &self,
        asked: &Evaluation<'_>,
        caller_time: bool,
    ) -> Result<Request, Problem> {
        let subject = self.subject(&asked.subject.0);
        let resource = self.resource(&asked.resource.0);
        let action = self.action(&asked.action.0.name);
        let documents = self.documents(
            &[&subject, &resource],
            &asked.action.0,
            asked.context.as_ref(),
            caller_time,
        )?;
        Ok(documents.go_with(Request::new(subject.uid, action, resource.uid)))
    }

    /// The subject as the pack knows it.
    pub(super) fn subject<'a>(&self, entity: &'a Entity<'a>) -> Named<'a> {
        Named::new(entity, self.mapping.subject.get(&entity.type_name))
    }

    /// The resource as the pack knows it.
    pub(super) fn resource<'a>(&self, entity: &'a Entity<'a>) -> Named<'a> {
        Named::new(entity, self.mapping.resource.get(&entity.type_name))
    }

    /// The Cedar type of subjects of that type.
    pub(super) fn subject_type<'t>(&'t self, name: &'t str) -> &'t str {
        type_of(self.mapping.subject.get(name), name)
    }

    /// The Cedar type of resources of that type.
    pub(super) fn resource_type<'t>(&'t self, name: &'t str) -> &'t str {
        type_of(self.mapping.resource.get(name), name)
    }

    /// The action as the pack knows it. Of one that it does not know it says so itself.
    pub(super) fn action(&self, name: &str) -> EntityUid {
        let known = self.actions.get(name).cloned();
        known.unwrap_or_else(|| EntityUid::new("Action", name))
    }

    /// All actions by the names that AuthZEN has for them, sorted.
    pub(super) fn actions(&self) -> Vec<(&str, &EntityUid)> {
        let mut all: Vec<_> = self
            .actions
            .iter()
            .map(|(name, uid)| (name.as_str(), uid))
            .collect();
        all.sort();
        all
    }

    /// Keys of `context` that go into the Cedar context of the action.
    pub(super) fn context_keys(&self, action: &str) -> &[String] {
        let of_action = self.mapping.action.get(action);
        let own = of_action.and_then(|action| action.context.as_ref());
        own.unwrap_or(&self.mapping.context)
    }

    /// What goes with a question about these entities.
    pub(super) fn documents(
        &self,
        entities: &[&Named<'_>],
        action: &Action<'_>,
        context: Option<&Members<'_>>,
        caller_time: bool,
    ) -> Result<Documents, Problem> {
        let of_action = self.mapping.action.get(&action.name);
        let parameters = of_action.map_or(&[][..], |action| &action.properties);
        let mut values = picked(action.properties.as_ref(), parameters);
        values.extend(picked(context, self.context_keys(&action.name)));
        let named = one_voice(entities)?;
        Ok(Documents {
            now: match caller_time {
                true => now(context)?,
                false => None,
            },
            evidence: self.evidence(context)?,
            entities: self.known.list(&named, &values).map(raw).transpose()?,
            context: match values.is_empty() {
                true => None,
                false => Some(raw(object(&values))?),
            },
        })
    }

    /// The evidence that came with the request, with the directory of the server if there is one.
    fn evidence(&self, context: Option<&Members<'_>>) -> Result<Option<Box<RawValue>>, Problem> {
        let sent = context.and_then(|context| context.get("evidence"));
        match (self.mode, sent, &self.directory) {
            (Mode::Evidence, Some(evidence), None) => Ok(Some(evidence.to_owned())),
            (Mode::Evidence, Some(evidence), Some(directory)) => {
                directory.replace(evidence).and_then(raw).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Ids of all that a search can find of a Cedar type, sorted.
    pub(super) fn candidates(
        &self,
        type_name: &str,
        context: Option<&Members<'_>>,
    ) -> Result<Vec<String>, Problem> {
        let mut ids = self.known.ids(type_name).to_vec();
        if let Some(evidence) = self.evidence(context)? {
            ids.extend(evidence::ids(&evidence, type_name)?);
            ids.sort();
            ids.dedup();
        }
        Ok(ids)
    }
}

impl<'a> Named<'a> {
    fn new(entity: &'a Entity<'a>, mapping: Option<&EntityMapping>) -> Self {
        let named = mapping.map_or(&[][..], |mapping| &mapping.properties);
        let type_name = type_of(mapping, &entity.type_name);
        Named {
            uid: EntityUid::new(type_name, entity.id.as_str()),
            attributes: picked(entity.properties.as_ref(), named),
        }
    }

    /// An entity of which the request says nothing.
    pub(super) fn known(uid: EntityUid) -> Self {
        Named {
            uid,
            attributes: Vec::new(),
        }
    }

    /// Whether the request says something of it.
    pub(super) fn is_described(&self) -> bool {
        !self.attributes.is_empty()
    }
}

impl Documents {
    /// The request with all of it.
    pub(super) fn go_with(self, mut request: Request) -> Request {
        request.now = self.now;
        request.evidence = self.evidence;
        request.entities = self.entities;
        request.context = self.context;
        request
    }
}

fn type_of<'t>(mapping: Option<&'t EntityMapping>, name: &'t str) -> &'t str {
    let mapped = mapping.and_then(|mapping| mapping.type_name.as_deref());
    mapped.unwrap_or(name)
}

/// Of what was sent, what may be, in the order of the configuration.
fn picked<'a>(sent: Option<&'a Members<'a>>, names: &[String]) -> Vec<Attribute<'a>> {
    let Some(sent) = sent else {
        return Vec::new();
    };
    let picked = sent
        .iter()
        .filter(|(name, value)| value.get() != "null" && names.iter().any(|n| n == name));
    picked.collect()
}

/// The entities, each once. Whoever speaks for the resource must not be able to say something of the subject.
fn one_voice<'n>(
    entities: &[&'n Named<'_>],
) -> Result<Vec<(&'n EntityUid, &'n [Attribute<'n>])>, Problem> {
    let mut all: Vec<(&EntityUid, &[Attribute<'_>])> = Vec::with_capacity(entities.len());
    for entity in entities {
        let same = all.iter().find(|(uid, _)| **uid == entity.uid);
        match same {
            None => all.push((&entity.uid, &entity.attributes)),
            Some((_, said)) if object(said) == object(&entity.attributes) => {}
            Some(_) => {
                let what =
                    "subject and resource are the same entity, and do not say the same of it";
                return Err(Problem::malformed(what)
                    .with_help("send the same properties for both, or for neither")
                    .at("resource.properties"));
            }
        }
    }
    Ok(all)
}

/// The time that the caller asks about.
fn now(context: Option<&Members<'_>>) -> Result<Option<i64>, Problem> {
    let Some(sent) = context.and_then(|context| context.get("now")) else {
        return Ok(None);
    };
    let text: Option<String> = serde_json::from_str(sent.get()).ok();
    let time = text.and_then(|text| DateTime::parse_from_rfc3339(&text).ok());
    match time {
        Some(time) => Ok(Some(time.timestamp_millis())),
        None => Err(Problem::malformed("it is no time of RFC 3339")
            .with_help("write `2026-01-31T12:00:00Z`, or leave it out")
            .at("context.now")),
    }
}

fn object(members: &[Attribute<'_>]) -> String {
    let mut json = String::from("{");
    for (ix, (name, value)) in members.iter().enumerate() {
        if ix > 0 {
            json.push(',');
        }
        string(&mut json, name);
        json.push(':');
        json.push_str(value.get());
    }
    json.push('}');
    json
}

fn raw(json: String) -> Result<Box<RawValue>, Problem> {
    // Put together from JSON, so that this cannot fail; were it to, there is no decision.
    RawValue::from_string(json).map_err(|error| Problem::malformed(error.to_string()))
}
