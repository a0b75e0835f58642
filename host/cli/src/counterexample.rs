//! A request on facts, in lines that people read.

use serde_json::{Map, Value};
use sod_prove::Counterexample;

use crate::page::Page;

/// The request and its facts; what is empty or false is left out.
pub(crate) fn explain(page: &mut Page, example: &Counterexample) {
    page.line(&format!("      principal  {}", example.principal));
    page.line(&format!("      action     {}", example.action));
    page.line(&format!("      resource   {}", example.resource));
    facts(page, "context", &example.context);
    let entities = example.entities.as_array().into_iter().flatten();
    for entity in entities {
        let Some(uid) = entity.get("uid").and_then(uid) else {
            continue;
        };
        facts(page, &uid, entity.get("attrs").unwrap_or(&Value::Null));
        let parents = entity.get("parents").and_then(Value::as_array);
        let parents: Vec<String> = parents
            .into_iter()
            .flatten()
            .filter_map(self::uid)
            .collect();
        if !parents.is_empty() {
            page.line(&format!("        {uid} in {}", parents.join(", ")));
        }
    }
}

fn facts(page: &mut Page, of: &str, value: &Value) {
    match value {
        Value::Object(fields) if extension(fields).is_none() && uid(value).is_none() => {
            for (name, value) in fields {
                facts(page, &format!("{of}.{name}"), value);
            }
        }
        value => {
            if let Some(text) = shown(value) {
                page.line(&format!("        {of} = {text}"));
            }
        }
    }
}

/// `None` for what says nothing.
fn shown(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Bool(false) => None,
        Value::String(text) if text.is_empty() => None,
        Value::Array(items) if items.is_empty() => None,
        Value::Array(items) => {
            let items = items.iter().map(whole);
            Some(format!("[{}]", items.collect::<Vec<_>>().join(", ")))
        }
        value => Some(whole(value)),
    }
}

fn whole(value: &Value) -> String {
    let inner = value.get("__entity").unwrap_or(value);
    match (uid(inner), value) {
        (Some(uid), _) => uid,
        (None, Value::Object(fields)) => extension(fields).unwrap_or_else(|| value.to_string()),
        (None, value) => value.to_string(),
    }
}

/// `Person::"ana"`
fn uid(value: &Value) -> Option<String> {
    let value = value.get("__entity").unwrap_or(value);
    let kind = value.get("type")?.as_str()?;
    Some(format!("{kind}::{:?}", value.get("id")?.as_str()?))
}

/// `datetime("2026-03-02")`, as Cedar writes it.
fn extension(fields: &Map<String, Value>) -> Option<String> {
    let call = fields.get("__extn")?;
    let arguments = match (call.get("arg"), call.get("args")) {
        (Some(one), _) => vec![whole(one)],
        (None, Some(Value::Array(several))) => several.iter().map(whole).collect(),
        _ => return None,
    };
    Some(format!(
        "{}({})",
        call.get("fn")?.as_str()?,
        arguments.join(", ")
    ))
}
