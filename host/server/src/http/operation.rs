//! What is served: the router and the OpenAPI document are both made from these.

use axum::routing::MethodRouter;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::App;

/// A form of JSON.
pub(super) type Form = fn(&mut SchemaGenerator) -> Schema;

/// One thing to ask, under each of its paths.
pub(super) struct Operation {
    /// Unique, in kebab-case.
    pub(super) name: &'static str,
    /// What it answers.
    pub(super) summary: &'static str,
    /// Where it is; `{pack}` is a pack's name or its digest.
    pub(super) paths: &'static [&'static str],
    /// What answers.
    pub(super) handler: fn() -> MethodRouter<App>,
    /// Form of the body, of what is posted. What has none is got.
    pub(super) asked: Option<Form>,
    /// Form of the answer.
    pub(super) answered: Form,
}

/// The form of a type.
pub(super) fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// The form of either type.
pub(super) fn one_of<A: JsonSchema, B: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let either = [
        generator.subschema_for::<A>(),
        generator.subschema_for::<B>(),
    ];
    json_schema!({ "anyOf": either })
}
