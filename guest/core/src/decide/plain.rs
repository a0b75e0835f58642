//! A plain Cedar request: own schema, own entities, no evidence.

use cedar_policy_core::ast;
use cedar_policy_core::entities::Entities;

use super::{Stop, explain};
use crate::cedar;
use crate::policy::Question;
use crate::policy::entities::closed;
use crate::program::Program;
use crate::request::{EntityUid, Request};
use crate::verdict::{Fault, Verdict, code};

#[cfg(not(target_arch = "wasm32"))]
use crate::Facts;

pub(super) fn decide(program: &Program, request: &Request) -> Result<Verdict, Stop> {
    let (question, entities) = asked(program, request)?;
    let outcome = program.rules.evaluate(&(&question, &entities))?;
    Ok(explain::verdict(program, request, &outcome, &outcome))
}

/// What the rules are asked, to decide the request.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn facts(program: &Program, request: &Request) -> Result<Facts, Stop> {
    let (question, entities) = asked(program, request)?;
    Ok(Facts {
        request: crate::plain_facts::as_request(question, &entities)?,
        signing: Vec::new(),
        places: Vec::new(),
    })
}

fn asked(program: &Program, request: &Request) -> Result<(Question, Entities), Stop> {
    if request.evidence.is_some() {
        return Err(Fault::invalid_request(format!(
            "pack `{}` takes plain Cedar requests: pass `entities` and `context`, no `evidence`",
            program.description.name
        ))
        .into());
    }
    Ok(match program.unchecked {
        true => unchecked(request)?,
        false => checked(program, request)?,
    })
}

/// As the schema says, or not at all.
fn checked(program: &Program, request: &Request) -> Result<(Question, Entities), Stop> {
    let action = action(program, &request.action)?;
    let principal = known(program, "principal", &request.principal)?;
    let resource = known(program, "resource", &request.resource)?;
    let context = context(program, request, &principal, &action, &resource)?;
    let entities = entities(program, request)?;
    let question = Question {
        principal,
        action,
        resource,
        context,
    };
    Ok((question, entities))
}

/// As Cedar reads a request without a schema.
fn unchecked(request: &Request) -> Result<(Question, Entities), Fault> {
    let json = request.context.as_deref().unwrap_or("{}");
    let context = cedar::Context::from_json_str(json, None)
        .map_err(|e| Fault::invalid_request(format!("context: {}", chain(&e))))?;
    let json = request.entities.as_deref().unwrap_or("[]");
    let entities = cedar::Entities::from_json_str(json, None)
        .map_err(|e| Fault::invalid_request(format!("entities: {}", chain(&e))))?;
    let question = Question {
        principal: named("principal", &request.principal)?,
        action: named("action", &request.action)?,
        resource: named("resource", &request.resource)?,
        context: AsRef::<ast::Context>::as_ref(&context).clone(),
    };
    Ok((question, AsRef::<Entities>::as_ref(&entities).clone()))
}

/// An entity of whatever type.
fn named(field: &str, uid: &EntityUid) -> Result<ast::EntityUID, Fault> {
    let json = serde_json::json!({ "type": uid.type_name, "id": uid.id });
    let uid = cedar::EntityUid::from_json(json)
        .map_err(|e| Fault::invalid_request(format!("{field}: {}", chain(&e))))?;
    Ok(AsRef::<ast::EntityUID>::as_ref(&uid).clone())
}

fn action(program: &Program, uid: &EntityUid) -> Result<ast::EntityUID, Stop> {
    program
        .vocabulary
        .uid(&uid.type_name, &uid.id)
        .filter(|action| program.vocabulary.action(action).is_some())
        .ok_or_else(|| {
            Stop::deny(
                code::UNKNOWN_ACTION,
                format!("the pack has no action `{uid}`"),
            )
        })
}

fn known(program: &Program, field: &str, uid: &EntityUid) -> Result<ast::EntityUID, Fault> {
    program
        .vocabulary
        .uid(&uid.type_name, &uid.id)
        .ok_or_else(|| {
            Fault::invalid_request(format!(
                "{field} `{uid}` is of a type that the schema does not have"
            ))
        })
}

/// The context of the request, once all of the request is known to be as the schema says.
fn context(
    program: &Program,
    request: &Request,
    principal: &ast::EntityUID,
    action: &ast::EntityUID,
    resource: &ast::EntityUID,
) -> Result<ast::Context, Fault> {
    let json = request.context.as_deref().unwrap_or("{}");
    let reader = &program.reader;
    let declared = program.vocabulary.action(action);
    if reader.knows(&request.principal.type_name)
        && reader.knows(&request.resource.type_name)
        && declared.is_some_and(|action| action.applies_to(principal, resource))
        && let Some(context) = reader.context(action, json)
    {
        return Ok(context);
    }
    let action = cedar::EntityUid::from(action.clone());
    let context = cedar::Context::from_json_str(json, Some((&program.schema, &action)))
        .map_err(|e| Fault::invalid_request(format!("context: {}", chain(&e))))?;
    let checked = cedar::Request::new(
        principal.clone().into(),
        action,
        resource.clone().into(),
        context.clone(),
        Some(&program.schema),
    );
    checked.map_err(|e| Fault::invalid_request(format!("request: {e}")))?;
    Ok(AsRef::<ast::Context>::as_ref(&context).clone())
}

fn entities(program: &Program, request: &Request) -> Result<Entities, Fault> {
    let json = request.entities.as_deref().unwrap_or("[]");
    if let Some(listed) = program.reader.entities(json) {
        // They are there already, with their hashes.
        return closed(program.vocabulary.action_entities.clone(), listed);
    }
    let entities = cedar::Entities::from_json_str(json, Some(&program.schema))
        .map_err(|e| Fault::invalid_request(format!("entities: {}", chain(&e))))?;
    Ok(AsRef::<Entities>::as_ref(&entities).clone())
}

/// An error with its causes, which hold the place and the name.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}
