//! A policy with other facts in the place of some, by way of Cedar's JSON: no text is cut and pasted.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sod_core::cedar::Policy;
use sod_core::{OptionValue, PackOption};

use crate::error::ProveError;

/// What is put in the place of what.
#[derive(Debug, Default)]
pub(crate) struct Rewrite {
    /// `(record, name)`, as in `context.quorum.production`, to another name in the same record.
    pub(crate) renamed: BTreeMap<(String, String), String>,
    /// `context.option.NAME` or `context.option.NAME.WORD`, to what it is.
    constants: BTreeMap<Vec<String>, Value>,
}

impl Rewrite {
    /// Options become what was chosen.
    pub(crate) fn choose(&mut self, options: &[PackOption]) {
        for option in options {
            let path = |word: Option<&String>| {
                let path = ["context", "option", &option.name].map(str::to_owned);
                path.into_iter().chain(word.cloned()).collect()
            };
            match &option.value {
                OptionValue::Number(number) => {
                    self.constants.insert(path(None), json!(number));
                }
                OptionValue::Word { chosen, of } => {
                    let words = of
                        .iter()
                        .map(|word| (path(Some(word)), json!(word == chosen)));
                    self.constants.extend(words);
                }
            }
        }
    }

    pub(crate) fn policy(&self, policy: &Policy) -> Result<Policy, ProveError> {
        let refused = |error: &dyn std::fmt::Display| ProveError::Untranslatable(error.to_string());
        let json = policy.to_json().map_err(|error| refused(&error))?;
        Policy::from_json(Some(policy.id().clone()), self.value(json))
            .map_err(|error| refused(&error))
    }

    fn value(&self, value: Value) -> Value {
        if let Some(constant) = path(&value).and_then(|path| self.constants.get(&path)) {
            return json!({ "Value": constant });
        }
        let renamed = attribute(&value)
            .and_then(|key| self.renamed.get(&key))
            .cloned();
        match value {
            Value::Array(items) => items.into_iter().map(|item| self.value(item)).collect(),
            Value::Object(fields) => {
                let fields = fields.into_iter();
                let mut value: Value = fields
                    .map(|(key, value)| (key, self.value(value)))
                    .collect();
                if let (Some(name), Some(access)) = (renamed, access_mut(&mut value)) {
                    *access = name.into();
                }
                value
            }
            other => other,
        }
    }
}

/// `{".": {"left": X, "attr": A}}`, or the same with `has`.
fn access(value: &Value) -> Option<(&Value, &str)> {
    let access = value.get(".").or_else(|| value.get("has"))?;
    Some((access.get("left")?, access.get("attr")?.as_str()?))
}

fn access_mut(value: &mut Value) -> Option<&mut Value> {
    let key = if value.get(".").is_some() { "." } else { "has" };
    value.get_mut(key)?.get_mut("attr")
}

/// `quorum` and `production` of `context.quorum.production`, whatever is before.
fn attribute(value: &Value) -> Option<(String, String)> {
    let (left, name) = access(value)?;
    let (_, record) = access(left)?;
    Some((record.to_owned(), name.to_owned()))
}

/// From a variable on: `context`, `option`, `approver`.
fn path(value: &Value) -> Option<Vec<String>> {
    if let Some(variable) = value.get("Var").and_then(Value::as_str) {
        return Some(vec![variable.to_owned()]);
    }
    let left = value.get(".")?.get("left")?;
    let mut path = path(left)?;
    path.push(value.get(".")?.get("attr")?.as_str()?.to_owned());
    Some(path)
}
