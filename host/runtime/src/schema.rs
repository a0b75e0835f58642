//! JSON Schema of requests and verdicts, where it is not what serde's derived code says.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::digest::Digest;
use crate::entity::EntityUid;

impl JsonSchema for EntityUid {
    fn schema_name() -> Cow<'static, str> {
        "Entity".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "An entity: `Type::\"id\"`, or its type and id.",
            "anyOf": [
                {
                    "type": "string",
                    "pattern": "^[A-Za-z_][A-Za-z0-9_]*(::[A-Za-z_][A-Za-z0-9_]*)*::\".*\"$"
                },
                {
                    "type": "object",
                    "properties": { "type": { "type": "string" }, "id": { "type": "string" } },
                    "required": ["type", "id"],
                    "additionalProperties": false
                }
            ]
        })
    }
}

impl JsonSchema for Digest {
    fn schema_name() -> Cow<'static, str> {
        "Digest".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^sha256:[0-9a-f]{64}$" })
    }
}

/// An entity, or a word.
pub(crate) fn action(generator: &mut SchemaGenerator) -> Schema {
    let entity = generator.subschema_for::<EntityUid>();
    json_schema!({
        "anyOf": [{ "type": "string", "pattern": "^[A-Za-z0-9_-]+$" }, entity]
    })
}

/// A file of its own, beside this one.
pub(crate) fn evidence(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "anyOf": [{ "$ref": "evidence.schema.json" }, { "type": "null" }] })
}

pub(crate) fn entities(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["array", "null"], "items": { "type": "object" } })
}

pub(crate) fn context(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["object", "null"] })
}

pub(crate) fn time(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["string", "null"], "format": "date-time" })
}
