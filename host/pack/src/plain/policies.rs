//! Policies and schemas as Cedar takes them, made into what the engine loads.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use sod_core::PolicySource;
use sod_core::cedar::{
    EntityUid, Policy, PolicyId, PolicySet, Schema, SchemaFragment, SlotId, ValidationMode,
    ValidationWarning, Validator,
};

use super::PlainError;
use crate::nesting::{Language, deeper_than};
use crate::source::Source;

/// What Cedar's parser is trusted with. The engine has a bound of its own.
const MAX_DEPTH: usize = 1000;

/// How policies or a schema are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Format {
    #[default]
    Cedar,
    Json,
}

impl Format {
    /// Cedar's own syntax never begins with a bracket.
    pub(super) fn of(source: &Source) -> Self {
        match source.text.trim_start().starts_with('{') {
            true => Format::Json,
            false => Format::Cedar,
        }
    }
}

/// A schema, and its text in Cedar's syntax.
pub(super) struct PlainSchema {
    pub(super) schema: Schema,
    pub(super) text: String,
}

impl PlainSchema {
    pub(super) fn parse(source: &Source, format: Format) -> Result<Self, PlainError> {
        let invalid = |error: &dyn std::fmt::Display| PlainError::invalid(&source.name, error);
        let text = match format {
            Format::Cedar => source.text.to_string(),
            Format::Json => SchemaFragment::from_json_str(&source.text)
                .map_err(|error| invalid(&error))?
                .to_cedarschema()
                .map_err(|error| invalid(&error))?,
        };
        bounded(source, &text, Language::Schema)?;
        let (schema, _) = Schema::from_cedarschema_str(&text).map_err(|error| invalid(&error))?;
        Ok(PlainSchema { schema, text })
    }

    pub(super) fn validate(&self, policies: &PolicySet) -> Validated {
        let result = Validator::new(self.schema.clone()).validate(policies, ValidationMode::Strict);
        let mut warnings = result.validation_warnings();
        Validated {
            applies_nowhere: warnings
                .any(|warning| matches!(warning, ValidationWarning::InvalidActionApplication(_))),
            errors: result
                .validation_errors()
                .map(ToString::to_string)
                .collect(),
            warnings: result
                .validation_warnings()
                .map(ToString::to_string)
                .collect(),
        }
    }
}

/// What Cedar's validator has against policies.
pub(super) struct Validated {
    pub(super) errors: Vec<String>,
    pub(super) warnings: Vec<String>,
    /// A policy's scope fits no action of the schema: a warning of this Cedar, an error of those before 4.14.
    pub(super) applies_nowhere: bool,
}

/// Policies and templates, with the ids that Cedar gives them.
pub(super) fn parse(source: &Source, format: Format) -> Result<PolicySet, PlainError> {
    match format {
        Format::Cedar => {
            bounded(source, &source.text, Language::Policy)?;
            source
                .text
                .parse()
                .map_err(|error| PlainError::invalid(&source.name, error))
        }
        Format::Json => PolicySet::from_json_str(&source.text)
            .map_err(|error| PlainError::invalid(&source.name, error)),
    }
}

fn bounded(source: &Source, text: &str, language: Language) -> Result<(), PlainError> {
    match deeper_than(MAX_DEPTH, text, language) {
        None => Ok(()),
        Some(_) => Err(PlainError::Invalid(format!(
            "{}: nested more than {MAX_DEPTH} deep",
            source.name
        ))),
    }
}

/// The same policies and templates, each with the id that its `@id` says, as Cedar's command has them.
pub(super) fn by_annotation(set: &PolicySet) -> Result<PolicySet, PlainError> {
    let mut renamed = PolicySet::new();
    let invalid = |error| PlainError::invalid("policies", error);
    for template in set.templates() {
        let template = match template.annotation("id") {
            Some(id) => template.new_id(PolicyId::new(id)),
            None => template.clone(),
        };
        renamed.add_template(template).map_err(invalid)?;
    }
    for policy in set.policies() {
        let policy = match policy.annotation("id") {
            Some(id) => policy.new_id(PolicyId::new(id)),
            None => policy.clone(),
        };
        renamed.add(policy).map_err(invalid)?;
    }
    Ok(renamed)
}

/// A template with its slots filled in, as Cedar's command writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Link {
    template_id: String,
    link_id: String,
    args: BTreeMap<String, String>,
}

/// Adds what a file of links makes of the templates.
pub(super) fn link(set: &mut PolicySet, source: &Source) -> Result<(), PlainError> {
    if source.text.is_empty() {
        return Ok(());
    }
    let invalid = |error: &dyn std::fmt::Display| PlainError::invalid(&source.name, error);
    let links: Vec<Link> = serde_json::from_str(&source.text).map_err(|error| invalid(&error))?;
    for link in links {
        let mut slots: HashMap<SlotId, EntityUid> = HashMap::new();
        for (slot, entity) in &link.args {
            let slot = match slot.as_str() {
                "?principal" => SlotId::principal(),
                "?resource" => SlotId::resource(),
                other => return Err(invalid(&format!("`{other}` is no slot of a template"))),
            };
            slots.insert(slot, entity.parse().map_err(|error| invalid(&error))?);
        }
        let (template, id) = (PolicyId::new(link.template_id), PolicyId::new(link.link_id));
        set.link(template, id, slots)
            .map_err(|error| invalid(&error))?;
    }
    Ok(())
}

/// Each policy as the text of one without slots, by id.
pub(super) fn sources(set: &PolicySet) -> Result<Vec<PolicySource>, PlainError> {
    let sources = set.policies().map(|policy| {
        let text = text(policy).ok_or_else(|| {
            let message = format!(
                "policy `{}` cannot be written in Cedar's syntax",
                policy.id()
            );
            PlainError::Invalid(message)
        })?;
        Ok(PolicySource {
            id: policy.id().to_string(),
            pack: "plain".to_owned(),
            text,
        })
    });
    let mut sources: Vec<PolicySource> = sources.collect::<Result<_, PlainError>>()?;
    sources.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(sources)
}

/// Only if it reads back as the same.
fn text(policy: &Policy) -> Option<String> {
    let unlinked = match policy.is_static() {
        true => policy.clone(),
        false => Policy::from_json(None, policy.to_json().ok()?).ok()?,
    };
    let text = unlinked.to_cedar()?;
    let read: Policy = text.parse().ok()?;
    let same = read.effect() == unlinked.effect()
        && read.as_ref().condition() == unlinked.as_ref().condition();
    same.then_some(text)
}

/// An entity as the engine takes it.
pub(super) fn uid(uid: &EntityUid) -> sod_core::EntityUid {
    sod_core::EntityUid::new(uid.type_name().to_string(), uid.id().unescaped())
}
