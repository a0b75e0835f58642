//! The question.

use serde::{Deserialize, Serialize};

/// A Cedar entity by type and id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EntityUid {
    /// Type name: `Person`, `Bank::Person`.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Id, unescaped.
    pub id: String,
}

impl EntityUid {
    /// `type_name::"id"`
    pub fn new(type_name: impl Into<String>, id: impl Into<String>) -> Self {
        EntityUid {
            type_name: type_name.into(),
            id: id.into(),
        }
    }
}

impl std::fmt::Display for EntityUid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let EntityUid { type_name, id } = self;
        // Most ids need no escapes, and looking at each character takes its time.
        let plain = |byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\'' | b'\\');
        if id.bytes().all(plain) {
            return [type_name, "::\"", id, "\""]
                .into_iter()
                .try_for_each(|part| f.write_str(part));
        }
        write!(f, "{type_name}::\"{}\"", id.escape_debug())
    }
}

/// May `principal` do `action` to `resource` now?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who asks; in mode `evidence` a `Person`, a `Machine`, or an `Account` to be resolved.
    pub principal: EntityUid,
    /// What they want to do.
    pub action: EntityUid,
    /// What to.
    pub resource: EntityUid,
    /// Milliseconds since the Unix epoch.
    pub now: Option<i64>,
    /// JSON of [`Evidence`](crate::evidence::Evidence).
    pub evidence: Option<String>,
    /// Cedar entities as JSON.
    pub entities: Option<String>,
    /// Cedar context as JSON.
    pub context: Option<String>,
}
