//! The question, and its file format.

use std::fmt;

use chrono::{DateTime, SecondsFormat};
use miette::Diagnostic;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_json::value::RawValue;
use thiserror::Error;

use crate::digest::Digest;
use crate::entity::{EntityUid, deserialize_action};

/// May `principal` do `action` to `resource` now?
///
/// As JSON, with only the first three needed:
///
/// ```json
/// {
///   "principal": {"type": "Person", "id": "ana"},
///   "action": "merge",
///   "resource": "Change::\"bank/payments#42\"",
///   "now": "2026-01-31T12:00:00Z",
///   "evidence": {"people": []},
///   "entities": [],
///   "context": {}
/// }
/// ```
///
/// An entity is an object or a string, an action may be a bare word. Keys that
/// are unknown or given twice are errors, `null` is the same as absent.
/// `evidence`, `entities` and `context` go to the component byte for byte as
/// they stand.
///
/// In Rust:
///
/// ```
/// use sod_host::{EntityUid, RawValue, Request};
///
/// let evidence = RawValue::from_string(r#"{"people": []}"#.to_owned())?;
/// let request = Request::new(
///     EntityUid::new("Person", "ana"),
///     EntityUid::new("Action", "merge"),
///     EntityUid::new("Change", "bank/payments#42"),
/// )
/// .with_now(1_769_860_800_000)
/// .with_evidence(evidence);
/// # let _ = request;
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Request {
    /// Who asks.
    pub principal: EntityUid,
    /// What they want to do.
    #[serde(deserialize_with = "deserialize_action")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "crate::schema::action"))]
    pub action: EntityUid,
    /// What they want to do it to.
    pub resource: EntityUid,
    /// The time of the decision in milliseconds since the Unix epoch; RFC 3339 in JSON.
    #[serde(default, with = "rfc3339", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "crate::schema::time"))]
    pub now: Option<i64>,
    /// Raw evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "crate::schema::evidence"))]
    pub evidence: Option<Box<RawValue>>,
    /// Entities besides those of the evidence: an array of `{uid, attrs, parents}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "crate::schema::entities"))]
    pub entities: Option<Box<RawValue>>,
    /// Context besides what the component derives: an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "crate::schema::context"))]
    pub context: Option<Box<RawValue>>,
}

/// A request file that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error, Diagnostic)]
#[error("line {line}, column {column}: {problem}")]
#[diagnostic(
    code("request-invalid"),
    help(
        "a request is {{\"principal\": ..., \"action\": ..., \"resource\": ...}} and, where needed, \
         \"now\" (RFC 3339), \"evidence\", \"entities\" and \"context\""
    )
)]
#[non_exhaustive]
pub struct RequestError {
    /// From 1.
    pub line: usize,
    /// In bytes, from 1; 0 at a line's very beginning.
    pub column: usize,
    /// What is wrong.
    pub problem: String,
}

impl Request {
    /// A request without time, evidence, entities and context.
    pub fn new(principal: EntityUid, action: EntityUid, resource: EntityUid) -> Self {
        Request {
            principal,
            action,
            resource,
            now: None,
            evidence: None,
            entities: None,
            context: None,
        }
    }

    /// Sets the time of the decision, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn with_now(self, milliseconds: i64) -> Self {
        Request {
            now: Some(milliseconds),
            ..self
        }
    }

    /// Sets the evidence.
    #[must_use]
    pub fn with_evidence(self, json: Box<RawValue>) -> Self {
        Request {
            evidence: Some(json),
            ..self
        }
    }

    /// Sets the entities.
    #[must_use]
    pub fn with_entities(self, json: Box<RawValue>) -> Self {
        Request {
            entities: Some(json),
            ..self
        }
    }

    /// Sets the context.
    #[must_use]
    pub fn with_context(self, json: Box<RawValue>) -> Self {
        Request {
            context: Some(json),
            ..self
        }
    }

    /// Reads the JSON form.
    ///
    /// # Errors
    /// The first thing that is wrong, with its line and column.
    pub fn from_json(json: &[u8]) -> Result<Self, RequestError> {
        serde_json::from_slice(json).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            let message = error.to_string();
            let place = format!(" at line {line} column {column}");
            let problem = message.strip_suffix(&place).unwrap_or(&message).to_owned();
            RequestError {
                line,
                column,
                problem,
            }
        })
    }

    /// The digest that binds a verdict to what was decided on.
    pub fn evidence_digest(&self) -> Digest {
        Digest::of_parts(self.documents())
    }

    /// Evidence, entities and context, in this order.
    pub(crate) fn documents(&self) -> [Option<&str>; 3] {
        [&self.evidence, &self.entities, &self.context]
            .map(|json| json.as_deref().map(RawValue::get))
    }

    /// Bytes of all strings together.
    pub(crate) fn size(&self) -> usize {
        let documents: usize = self.documents().into_iter().flatten().map(str::len).sum();
        documents + self.principal.size() + self.action.size() + self.resource.size()
    }
}

impl Serialize for Request {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Request::serialize(self, serializer)
    }
}

// Derived alone it would take an array, too, and go by position.
impl<'de> Deserialize<'de> for Request {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectOnly;

        impl<'de> de::Visitor<'de> for ObjectOnly {
            type Value = Request;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a request, an object with `principal`, `action` and `resource`")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Request, A::Error> {
                Request::deserialize(de::value::MapAccessDeserializer::new(map))
            }
        }

        deserializer.deserialize_map(ObjectOnly)
    }
}

/// Milliseconds since the Unix epoch, written as RFC 3339.
mod rfc3339 {
    use super::*;

    pub(super) fn serialize<S: Serializer>(
        now: &Option<i64>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let Some(milliseconds) = now else {
            return serializer.serialize_none();
        };
        let time = DateTime::from_timestamp_millis(*milliseconds)
            .ok_or_else(|| ser::Error::custom(format!("`now` is out of range: {milliseconds}")))?;
        serializer.serialize_str(&time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<i64>, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)? else {
            return Ok(None);
        };
        let time = DateTime::parse_from_rfc3339(&text).map_err(|error| {
            de::Error::custom(format!("`now` is `{text}`, not an RFC 3339 time: {error}"))
        })?;
        Ok(Some(time.timestamp_millis()))
    }
}
