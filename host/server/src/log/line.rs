//! What a line of the log is: written from here, and read by the [audit](crate::audit).
//!
//! `kind` comes first and the links of the chain (`seq`, `id`, `prev`) last: all that stands before them is made, and
//! hashed, without waiting for the line before.

use std::borrow::Cow;

use chrono::{DateTime, SecondsFormat};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sod_host::{Digest, Effect, EntityUid, RawValue};
use uuid::Uuid;

use super::event::Event;
use super::mask::Masked;
use crate::record::{Api, PackId, Question, Sought};

/// What a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// One decision.
    Decision,
    /// A search: many decisions, one answer.
    Search,
    /// An [`Event`].
    #[serde(other)]
    Event,
}

/// What ties a line to the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Link {
    /// From 1, without holes.
    pub(crate) seq: u64,
    /// Greater than that of every line before.
    pub(crate) id: Uuid,
    /// Digest of the line before, without its line feed; null: the log begins here.
    pub(crate) prev: Option<Digest>,
}

/// Evidence, entities or context, as far as they are kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Document<'a> {
    /// As it was sent, byte for byte.
    #[serde(borrow)]
    Json(&'a RawValue),
    /// The same, where it has line breaks.
    Text(Cow<'a, str>),
    /// In the folder `evidence`, under the digest of its bytes.
    File(Digest),
    /// Not kept: the digest of its bytes.
    Digest(Digest),
    /// Not as it was sent: what was replaced is listed in `masked`.
    #[serde(borrow)]
    Masked(&'a RawValue),
}

/// A decision or a search. `V` is its verdict: to be written, or as it was read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Decided<'a, V> {
    pub(crate) kind: Kind,
    pub(crate) time: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) trace_id: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) request_id: Option<Cow<'a, str>>,
    pub(crate) api: Api,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client: Option<Cow<'a, str>>,
    pub(crate) pack: Cow<'a, PackId>,
    /// Absent where it is what a search is after; so are the next two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) principal: Option<Cow<'a, EntityUid>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) action: Option<Cow<'a, EntityUid>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) resource: Option<Cow<'a, EntityUid>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) now: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(crate) evidence: Option<Document<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(crate) entities: Option<Document<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(crate) context: Option<Document<'a>>,
    /// Of a decision.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub(crate) verdict: Option<V>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) enforced: Option<Effect>,
    /// Of a search.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sought: Option<Sought>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) questions: Option<Cow<'a, [Question]>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) masked: Vec<Masked>,
    pub(crate) latency_us: u64,
}

fn none<V>() -> Option<V> {
    None
}

/// An event with its time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Happened<'a> {
    #[serde(flatten)]
    pub(crate) event: Cow<'a, Event>,
    pub(crate) time: String,
}

/// More than any link takes: a number of 20 digits, an id of 36, a digest of 71, their names, what ends the line.
const LINK_BYTES: usize = 160;

/// A line but for its link, and how far it is hashed.
#[derive(Debug, Clone)]
pub(crate) struct Unlinked {
    json: Vec<u8>,
    hashed: Sha256,
}

impl Unlinked {
    /// The value as JSON, with so many bytes of documents in it.
    pub(crate) fn of(value: &impl Serialize, documents: usize) -> serde_json::Result<Self> {
        let mut json = Vec::with_capacity(documents + (4 << 10));
        serde_json::to_writer(&mut json, value)?;
        // The closing brace comes behind the link.
        json.pop();
        let hashed = Sha256::new_with_prefix(&json);
        Ok(Unlinked { json, hashed })
    }

    /// At most so many bytes will the whole line have.
    pub(super) fn len(&self) -> usize {
        self.json.len() + LINK_BYTES
    }

    /// The whole line with its line feed, and its digest.
    pub(crate) fn link(mut self, link: &Link) -> (Vec<u8>, Digest) {
        let Link { seq, id, prev } = link;
        let tail = match prev {
            Some(prev) => format!(r#","seq":{seq},"id":"{id}","prev":"{prev}"}}"#),
            None => format!(r#","seq":{seq},"id":"{id}","prev":null}}"#),
        };
        self.hashed.update(tail.as_bytes());
        self.json.extend_from_slice(tail.as_bytes());
        self.json.push(b'\n');
        (self.json, Digest::from_bytes(self.hashed.finalize().into()))
    }
}

/// Milliseconds since the Unix epoch as RFC 3339, as far as that goes.
pub(crate) fn rfc3339(milliseconds: i64) -> Option<String> {
    let time = DateTime::from_timestamp_millis(milliseconds)?;
    Some(time.to_rfc3339_opts(SecondsFormat::Millis, true))
}
