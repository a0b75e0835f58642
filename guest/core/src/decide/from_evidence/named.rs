//! Who and what a request names, looked up.

use cedar_policy_core::ast::{Context, Entity, EntityUID};
use cedar_policy_core::entities::Entities;

use super::{Principal, Subject};
use crate::cedar;
use crate::decide::Stop;
use crate::decide::plain::chain;
use crate::evidence::{Identity, Index};
use crate::facts::{Setting, change_facts, deployment_facts};
use crate::policy::actions::Action;
use crate::policy::entities::uid;
use crate::program::Program;
use crate::request::{EntityUid, Request};
use crate::verdict::{Fault, code};

pub(super) fn action<'a>(
    program: &'a Program,
    uid: &EntityUid,
) -> Result<(EntityUID, &'a Action), Stop> {
    let vocabulary = &program.vocabulary;
    let found = vocabulary.uid(&uid.type_name, &uid.id);
    found
        .and_then(|uid| Some((uid.clone(), vocabulary.action(&uid)?)))
        .ok_or_else(|| {
            Stop::deny(
                code::UNKNOWN_ACTION,
                format!("the pack has no action `{uid}`"),
            )
        })
}

pub(super) fn principal(
    program: &Program,
    index: &Index<'_>,
    request: &EntityUid,
) -> Result<(Principal, EntityUID), Stop> {
    let id = request.id.as_str();
    let found = match request.type_name.as_str() {
        "Person" => index.person_ix(id).map(Principal::Person),
        "Machine" => index.machine_ix(id).map(Principal::Machine),
        "Account" => match index.identity(id) {
            Identity::Person(person) => Some(Principal::Person(person)),
            Identity::Machine(machine) => Some(Principal::Machine(machine)),
            Identity::Nobody => None,
        },
        _ => None,
    };
    let named = found.and_then(|principal| {
        let uid = match principal {
            Principal::Person(ix) => uid(&program.base.person, &index.person(ix)?.id),
            Principal::Machine(ix) => uid(&program.base.machine, &index.machine(ix)?.id),
        };
        Some((principal, uid))
    });
    named.ok_or_else(|| {
        Stop::deny(
            code::UNKNOWN_PRINCIPAL,
            format!("`{request}` is nobody in the directory of the evidence"),
        )
    })
}

pub(super) fn subject<'e>(
    program: &Program,
    index: &Index<'e>,
    setting: Setting<'_>,
    resource: &EntityUid,
    extra: &[Entity],
) -> Result<(Subject<'e>, EntityUID), Stop> {
    let id = resource.id.as_str();
    let unknown = || {
        Stop::deny(
            code::UNKNOWN_RESOURCE,
            format!("the evidence does not have `{resource}`"),
        )
    };
    match resource.type_name.as_str() {
        "Change" => {
            let change = index.change(id).ok_or_else(unknown)?;
            let facts = Box::new(change_facts(index, setting, change)?);
            Ok((Subject::Change(facts), uid(&program.base.change, id)))
        }
        "Deployment" => {
            let deployment = index.deployment(id).ok_or_else(unknown)?;
            let facts = deployment_facts(index, setting, deployment)?;
            Ok((
                Subject::Deployment(facts),
                uid(&program.base.deployment, id),
            ))
        }
        other => {
            let uid = program.vocabulary.uid(other, id).ok_or_else(unknown)?;
            let known = extra.iter().any(|entity| *entity.uid() == uid);
            known.then_some((Subject::Other, uid)).ok_or_else(unknown)
        }
    }
}

/// Entities that the request brings: only of types that the pack's own schema
/// declares. What the base schema declares follows from evidence alone.
pub(super) fn extra_entities(program: &Program, request: &Request) -> Result<Vec<Entity>, Fault> {
    let Some(json) = &request.entities else {
        return Ok(Vec::new());
    };
    let entities = cedar::Entities::from_json_str(json, Some(&program.schema))
        .map_err(|e| Fault::invalid_request(format!("entities: {}", chain(&e))))?;
    let base = program.base.all();
    let mut list = Vec::new();
    for entity in AsRef::<Entities>::as_ref(&entities).iter() {
        let ty = entity.uid().entity_type();
        if base.contains(&ty) {
            return Err(Fault::invalid_request(format!(
                "entities: `{}` is of a type of the base schema, which only evidence may fill",
                entity.uid()
            )));
        }
        if !ty.is_action() {
            list.push(entity.clone());
        }
    }
    Ok(list)
}

pub(super) fn cedar_context(json: &str) -> Result<Context, Fault> {
    let context = cedar::Context::from_json_str(json, None)
        .map_err(|e| Fault::invalid_request(format!("context: {}", chain(&e))))?;
    Ok(AsRef::<Context>::as_ref(&context).clone())
}
