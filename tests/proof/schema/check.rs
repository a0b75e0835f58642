//! As much of JSON Schema as the shipped schemas use. A keyword that is not known here fails the test that meets it:
//! nothing is accepted because it was not looked at.

use chrono::DateTime;
use serde_json::Value;
use sod_host::{Digest, EntityUid};

/// A schema file with its definitions.
pub(crate) struct Schema(pub(crate) Value);

impl Schema {
    /// What is wrong with a value, each with its place.
    pub(crate) fn errors(&self, value: &Value) -> Vec<String> {
        let mut errors = Vec::new();
        self.check(&self.0, value, "", &mut errors);
        errors
    }

    /// The schema itself, or the definition that it names.
    pub(crate) fn resolve<'s>(&'s self, schema: &'s Value) -> &'s Value {
        match schema["$ref"].as_str() {
            Some(name) => {
                let found = name.strip_prefix('#').and_then(|at| self.0.pointer(at));
                found.unwrap_or_else(|| panic!("no definition `{name}`"))
            }
            None => schema,
        }
    }

    fn check(&self, schema: &Value, value: &Value, at: &str, errors: &mut Vec<String>) {
        if *schema == Value::Bool(true) {
            return;
        }
        let keywords = schema.as_object().unwrap_or_else(|| panic!("{schema}"));
        for (keyword, operand) in keywords {
            match keyword.as_str() {
                "$schema" | "$defs" | "title" | "description" | "default" | "paths"
                | "components" => {}
                "$ref" => self.check(self.resolve(schema), value, at, errors),
                "anyOf" if self.holding(operand, value, at) == 0 => {
                    errors.push(format!("{at}: none of the alternatives"));
                }
                "oneOf" if self.holding(operand, value, at) != 1 => {
                    errors.push(format!("{at}: not exactly one of the alternatives"));
                }
                "anyOf" | "oneOf" | "properties" => {}
                "additionalProperties" => self.additional(schema, operand, value, at, errors),
                "required" => {
                    let missing = operand.as_array().unwrap().iter().filter(|name| {
                        let members = value.as_object();
                        members.is_some_and(|m| !m.contains_key(name.as_str().unwrap()))
                    });
                    errors.extend(missing.map(|name| format!("{at}: no {name}")));
                }
                "items" => {
                    for (ix, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(operand, item, &format!("{at}/{ix}"), errors);
                    }
                }
                _ if !keyword_holds(keyword, operand, value) => {
                    errors.push(format!("{at}: {value} and not {keyword} {operand}"));
                }
                _ => {}
            }
        }
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            if let Some(value) = value.as_object().and_then(|members| members.get(name)) {
                self.check(member, value, &format!("{at}/{name}"), errors);
            }
        }
    }

    fn holding(&self, alternatives: &Value, value: &Value, at: &str) -> usize {
        let holds = |alternative: &&Value| {
            let mut errors = Vec::new();
            self.check(alternative, value, at, &mut errors);
            errors.is_empty()
        };
        alternatives
            .as_array()
            .unwrap()
            .iter()
            .filter(holds)
            .count()
    }

    fn additional(
        &self,
        schema: &Value,
        allowed: &Value,
        value: &Value,
        at: &str,
        errors: &mut Vec<String>,
    ) {
        for (name, member) in value.as_object().into_iter().flatten() {
            if schema["properties"].get(name).is_some() {
                continue;
            }
            match allowed {
                Value::Bool(false) => errors.push(format!("{at}: `{name}` is not known")),
                allowed => self.check(allowed, member, &format!("{at}/{name}"), errors),
            }
        }
    }
}

/// Keywords that look at nothing but the value itself.
fn keyword_holds(keyword: &str, operand: &Value, value: &Value) -> bool {
    match keyword {
        "type" => match operand {
            Value::Array(types) => types.iter().any(|ty| is_of(ty, value)),
            ty => is_of(ty, value),
        },
        "const" => operand == value,
        "enum" => operand.as_array().unwrap().contains(value),
        "minimum" => value
            .as_i64()
            .is_none_or(|v| v >= operand.as_i64().unwrap()),
        "maximum" => value
            .as_i64()
            .is_none_or(|v| v <= operand.as_i64().unwrap()),
        "pattern" => value
            .as_str()
            .is_none_or(|text| is_like(text, operand.as_str().unwrap())),
        "format" => match operand.as_str().unwrap() {
            "date-time" => value
                .as_str()
                .is_none_or(|text| DateTime::parse_from_rfc3339(text).is_ok()),
            "uuid" => value.as_str().is_none_or(|text| text.len() == 36),
            "uint" | "uint16" => value.is_u64() || value.is_null(),
            "uint32" => value.as_u64().is_none_or(|v| u32::try_from(v).is_ok()),
            other => panic!("format `{other}`"),
        },
        other => panic!("keyword `{other}`"),
    }
}

/// The patterns that the shipped schemas have.
fn is_like(text: &str, pattern: &str) -> bool {
    match pattern {
        "^[A-Za-z0-9_-]+$" => {
            let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            !text.is_empty() && text.chars().all(word)
        }
        "^sha256:[0-9a-f]{64}$" => text.parse::<Digest>().is_ok(),
        entity if entity.ends_with("::\".*\"$") => text.parse::<EntityUid>().is_ok(),
        other => panic!("pattern `{other}`"),
    }
}

fn is_of(ty: &Value, value: &Value) -> bool {
    match ty.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("type `{other}`"),
    }
}
