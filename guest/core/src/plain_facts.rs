//! What the rules are asked, as plain Cedar: for those who write rules. No part of the engine.

use cedar_policy_core::ast::EntityUID;
use cedar_policy_core::entities::Entities;
use serde_json::Value;

use crate::cedar::Context;
use crate::policy::Question;
use crate::request::{EntityUid, Request};
use crate::verdict::Fault;

/// What follows from a request and its evidence, as the rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The question as a plain Cedar request, with every entity that rules can reach, and no evidence. The same rules in
    /// mode `cedar` say the same to it.
    pub request: Request,
    /// What the pack's `approve` rules were asked about each approval that they refused.
    pub signing: Vec<Signing>,
    /// Of every quorum that rules can look at, who fills which place.
    pub places: Vec<Place>,
}

/// An approval that the pack's own `approve` rules refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signing {
    /// The change or deployment that it was found on.
    pub resource: EntityUid,
    /// Position in that resource's list, from 0.
    pub index: u32,
    /// The question, as that of [`Facts`].
    pub request: Request,
}

/// A need of a quorum on one change or deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Name of the quorum.
    pub quorum: String,
    /// Whose approvals it counts.
    pub resource: EntityUid,
    /// The role, team, person or shift.
    pub need: String,
    /// How many people.
    pub count: u32,
    /// Ids of those who fill it, in the order of their approvals, at most `count`.
    pub people: Vec<String>,
}

/// The question as a request that a program in mode `cedar` takes.
pub(crate) fn as_request(question: Question, entities: &Entities) -> Result<Request, Fault> {
    let unwritable = |error: &dyn std::fmt::Display| Fault::internal(format!("facts: {error}"));
    let context = Context::from(question.context);
    let context = context.to_json_value().map_err(|e| unwritable(&e))?;
    let entities = entities.to_json_value().map_err(|e| unwritable(&e))?;
    Ok(Request {
        principal: named(&question.principal),
        action: named(&question.action),
        resource: named(&question.resource),
        now: None,
        evidence: None,
        entities: Some(in_order(entities).to_string()),
        context: Some(context.to_string()),
    })
}

fn named(uid: &EntityUID) -> EntityUid {
    EntityUid::new(uid.entity_type().to_string(), uid.eid().as_ref())
}

/// Without the actions, which every schema brings itself, and in one order.
fn in_order(entities: Value) -> Value {
    let Value::Array(mut list) = entities else {
        return entities;
    };
    let is_action = |entity: &Value| {
        let name = entity.pointer("/uid/type").and_then(Value::as_str);
        name.is_some_and(|name| name == "Action" || name.ends_with("::Action"))
    };
    list.retain(|entity| !is_action(entity));
    for entity in &mut list {
        if let Some(Value::Array(parents)) = entity.get_mut("parents") {
            parents.sort_by_cached_key(Value::to_string);
        }
    }
    list.sort_by_cached_key(|entity| entity.get("uid").map(Value::to_string));
    Value::Array(list)
}
