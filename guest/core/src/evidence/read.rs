//! Evidence from JSON, with what in it was not understood.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::error::Category;

use super::object::noting_strangers;
use super::{Evidence, EvidenceError};
use crate::verdict::Fault;

/// More of them would say nothing more.
const MAX_UNKNOWN: usize = 100;
/// Bytes of a path.
const MAX_PATH: usize = 200;

/// Evidence as read.
pub(crate) struct Read<'j> {
    pub(crate) evidence: Evidence<'j>,
    /// Paths of fields that no type here has, at most [`MAX_UNKNOWN`].
    pub(crate) unknown: Vec<String>,
}

/// Why evidence cannot be read.
pub(crate) enum ReadError {
    /// It is no JSON, or deeper than the parser goes.
    Fault(Fault),
    /// It lacks something, or something is of another type.
    Evidence(EvidenceError),
}

impl<'j> Read<'j> {
    pub(crate) fn from_json(json: &'j str) -> Result<Self, ReadError> {
        let (read, has_unknown) = noting_strangers(|| serde_json::from_str::<Evidence<'j>>(json));
        match read {
            Ok(evidence) => Ok(Read {
                evidence,
                unknown: if has_unknown {
                    unknown(json)
                } else {
                    Vec::new()
                },
            }),
            // Of a number for a word out of a list the parser says that it is no JSON.
            Err(error) if error.classify() == Category::Data || is_json(json) => {
                Err(ReadError::Evidence(place(json)))
            }
            Err(error) => Err(ReadError::Fault(Fault::json("evidence", &error))),
        }
    }
}

/// Reads once more, to say what was not understood.
fn unknown(json: &str) -> Vec<String> {
    let mut unknown = Vec::new();
    let note = |path: serde_ignored::Path<'_>| {
        if unknown.len() < MAX_UNKNOWN {
            let mut path = path.to_string();
            let fits = (0..=MAX_PATH).rev().find(|at| path.is_char_boundary(*at));
            path.truncate(fits.unwrap_or(0));
            unknown.push(path);
        }
    };
    let mut from = serde_json::Deserializer::from_str(json);
    // It was read before, and is no other now.
    drop(serde_ignored::deserialize::<_, _, Evidence<'_>>(
        &mut from, note,
    ));
    unknown
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// Reads once more, to say where.
fn place(json: &str) -> EvidenceError {
    let mut from = serde_json::Deserializer::from_str(json);
    let mut track = serde_path_to_error::Track::new();
    let from = serde_path_to_error::Deserializer::new(&mut from, &mut track);
    match <Evidence<'_> as Deserialize>::deserialize(from) {
        Err(error) => EvidenceError::invalid(format!("evidence: `{}`: {error}", track.path())),
        Ok(_) => EvidenceError::invalid("evidence: it cannot be read"),
    }
}
