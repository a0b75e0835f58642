//! A plain Cedar request: own schema, own entities, no evidence.

use cedar_policy_core::ast;

use super::{Stop, explain};
use crate::cedar;
use crate::policy::Question;
use crate::program::Program;
use crate::request::{EntityUid, Request};
use crate::verdict::{Fault, Verdict, code};

pub(super) fn decide(program: &Program, request: &Request) -> Result<Verdict, Stop> {
    if request.evidence.is_some() {
        return Err(Fault::invalid_request(format!(
            "pack `{}` takes plain Cedar requests: pass `entities` and `context`, no `evidence`",
            program.description.name
        ))
        .into());
    }
    let action = action(program, &request.action)?;
    let principal = known(program, "principal", &request.principal)?;
    let resource = known(program, "resource", &request.resource)?;
    let context = context(program, request, &action)?;
    let entities = entities(program, request)?;
    let checked = cedar::Request::new(
        principal.clone().into(),
        action.clone().into(),
        resource.clone().into(),
        context.clone(),
        Some(&program.schema),
    );
    checked.map_err(|e| Fault::invalid_request(format!("request: {e}")))?;
    let question = Question {
        principal,
        action,
        resource,
        context: AsRef::<ast::Context>::as_ref(&context).clone(),
    };
    let outcome = program.rules.evaluate(&question, entities.as_ref());
    Ok(explain::verdict(program, request, &outcome, &outcome))
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

fn context(
    program: &Program,
    request: &Request,
    action: &ast::EntityUID,
) -> Result<cedar::Context, Fault> {
    let Some(json) = &request.context else {
        return Ok(cedar::Context::empty());
    };
    let action = cedar::EntityUid::from(action.clone());
    cedar::Context::from_json_str(json, Some((&program.schema, &action)))
        .map_err(|e| Fault::invalid_request(format!("context: {}", chain(&e))))
}

fn entities(program: &Program, request: &Request) -> Result<cedar::Entities, Fault> {
    let json = request.entities.as_deref().unwrap_or("[]");
    cedar::Entities::from_json_str(json, Some(&program.schema))
        .map_err(|e| Fault::invalid_request(format!("entities: {}", chain(&e))))
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
