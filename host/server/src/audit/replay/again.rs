//! One record, decided again.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use sod_host::{Digest, EntityUid, Policy, RawValue, Request, Verdict};
use uuid::Uuid;

use super::components::{Components, Found};
use crate::audit::filter::{Filter, milliseconds};
use crate::log::line::{Decided, Document, Kind, Link};
use crate::log::{file, keep};
use crate::record::{Question, Search};

/// What came of one line.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It is no decision.
    Event,
    /// It was not asked about.
    LeftOut,
    Same,
    Differs {
        seq: u64,
        id: Uuid,
        what: Vec<String>,
    },
    Masked,
    NotKept,
    EvidenceMissing,
    EvidenceChanged,
    ComponentMissing,
    ComponentChanged,
    Unreadable,
}

/// What is needed to decide again.
pub(super) struct Again<'a> {
    evidence: PathBuf,
    components: &'a Components,
    filter: &'a Filter,
}

/// A record that has a verdict as it stands in the line.
type Recorded<'a> = Decided<'a, &'a RawValue>;

/// As much as tells a decision from everything else.
#[derive(Deserialize)]
struct OfKind {
    kind: Kind,
}

impl<'a> Again<'a> {
    pub(super) fn new(log: &Path, components: &'a Components, filter: &'a Filter) -> Self {
        Again {
            evidence: log.join(file::EVIDENCE),
            components,
            filter,
        }
    }

    pub(super) fn decide(&self, line: &[u8]) -> Outcome {
        let parsed = match serde_json::from_slice(line) {
            Ok(OfKind { kind: Kind::Event }) => return Outcome::Event,
            Ok(_) => serde_json::from_slice::<Recorded<'_>>(line)
                .and_then(|record| Ok((record, serde_json::from_slice::<Link>(line)?))),
            Err(error) => Err(error),
        };
        let Ok((record, link)) = parsed else {
            return Outcome::Unreadable;
        };
        if !self.filter.takes(&record.time, link.id, &record.pack) {
            return Outcome::LeftOut;
        }
        match self.compare(&record) {
            Ok(what) if what.is_empty() => Outcome::Same,
            Ok(what) => Outcome::Differs {
                seq: link.seq,
                id: link.id,
                what,
            },
            Err(outcome) => outcome,
        }
    }

    /// What differs.
    fn compare(&self, record: &Recorded<'_>) -> Result<Vec<String>, Outcome> {
        // Who asked of the server and the request's own id have no part in a decision.
        let bears = |path: &str| !matches!(path, "/client" | "/request_id");
        if record.masked.iter().any(|masked| bears(&masked.path)) {
            return Err(Outcome::Masked);
        }
        let policy = match self.components.get(&record.pack.digest) {
            Found::Policy(policy) => policy,
            Found::Missing => return Err(Outcome::ComponentMissing),
            Found::Changed => return Err(Outcome::ComponentChanged),
        };
        let request = self.request(record)?;
        match (&record.verdict, &record.questions) {
            (Some(recorded), None) => Ok(one(&policy, &request, recorded)),
            (None, Some(questions)) => many(&policy, request, record, questions),
            _ => Err(Outcome::Unreadable),
        }
    }

    fn request(&self, record: &Recorded<'_>) -> Result<Request, Outcome> {
        let uid = |uid: &Option<Cow<'_, EntityUid>>| match (uid, record.sought) {
            (Some(uid), _) => Ok(uid.clone().into_owned()),
            (None, Some(_)) => Ok(EntityUid::new("", "")),
            (None, None) => Err(Outcome::Unreadable),
        };
        let mut request = Request::new(
            uid(&record.principal)?,
            uid(&record.action)?,
            uid(&record.resource)?,
        );
        if let Some(now) = &record.now {
            request = request.with_now(milliseconds(now).ok_or(Outcome::Unreadable)?);
        }
        request.evidence = self.document(record.evidence.as_ref())?;
        request.entities = self.document(record.entities.as_ref())?;
        request.context = self.document(record.context.as_ref())?;
        Ok(request)
    }

    fn document(&self, document: Option<&Document<'_>>) -> Result<Option<Box<RawValue>>, Outcome> {
        let text = match document {
            None => return Ok(None),
            Some(Document::Json(json)) => return Ok(Some((*json).to_owned())),
            Some(Document::Text(text)) => text.clone().into_owned(),
            Some(Document::File(digest)) => self.read(digest)?,
            Some(Document::Digest(_)) => return Err(Outcome::NotKept),
            Some(Document::Masked(_)) => return Err(Outcome::Masked),
        };
        let json = RawValue::from_string(text).map_err(|_| Outcome::Unreadable)?;
        Ok(Some(json))
    }

    fn read(&self, digest: &Digest) -> Result<String, Outcome> {
        let path = keep::path(&self.evidence, digest, "json");
        let bytes = fs::read(path).map_err(|_| Outcome::EvidenceMissing)?;
        if Digest::of(&bytes) != *digest {
            return Err(Outcome::EvidenceChanged);
        }
        String::from_utf8(bytes).map_err(|_| Outcome::EvidenceChanged)
    }
}

fn one(policy: &Policy, request: &Request, recorded: &RawValue) -> Vec<String> {
    let verdict = policy.decide(request);
    let json = serde_json::to_string(&verdict).unwrap_or_default();
    match json == recorded.get() {
        true => Vec::new(),
        false => differences(recorded, &verdict),
    }
}

fn many(
    policy: &Policy,
    mut request: Request,
    record: &Recorded<'_>,
    questions: &[Question],
) -> Result<Vec<String>, Outcome> {
    let sought = record.sought.ok_or(Outcome::Unreadable)?;
    let mut what = Vec::new();
    for recorded in questions {
        Search::ask(&mut request, sought, &recorded.candidate);
        let verdict = policy.decide(&request);
        let again = Question::answered(recorded.candidate.clone(), &verdict);
        if again.effect != recorded.effect {
            let (was, is) = (word(&recorded.effect), word(&again.effect));
            what.push(format!("{}: {was} became {is}", recorded.candidate));
        } else if again != *recorded {
            what.push(format!("{}: the verdict", recorded.candidate));
        }
    }
    Ok(what)
}

/// Which keys of a verdict differ.
fn differences(recorded: &RawValue, verdict: &Verdict) -> Vec<String> {
    let before: Value = serde_json::from_str(recorded.get()).unwrap_or_default();
    let after = serde_json::to_value(verdict).unwrap_or_default();
    let mut what = Vec::new();
    let empty = serde_json::Map::new();
    let (before, after) = (
        before.as_object().unwrap_or(&empty),
        after.as_object().unwrap_or(&empty),
    );
    let mut keys: Vec<&String> = before.keys().chain(after.keys()).collect();
    keys.sort();
    keys.dedup();
    for key in keys {
        match (before.get(key), after.get(key)) {
            (was, is) if was == is => {}
            (Some(Value::String(was)), Some(Value::String(is))) => {
                what.push(format!("{key}: {was} became {is}"));
            }
            _ => what.push(key.clone()),
        }
    }
    if what.is_empty() {
        // The same values, written otherwise.
        what.push("bytes".to_owned());
    }
    what
}

fn word(effect: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(effect).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}
