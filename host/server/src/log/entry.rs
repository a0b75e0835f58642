//! From a record to a line: what is kept as it is, what is kept elsewhere, what is masked.

use std::borrow::Cow;

use serde::Serialize;
use serde::ser::Error as _;
use sod_host::{Digest, EntityUid, RawValue, Request, Verdict};

use super::keep::Keep;
use super::line::{Decided, Document, Kind, Unlinked, rfc3339};
use super::mask::{Masked, Masks};
use super::settings::Kept;
use crate::record::{Answer, Decision, Question, Record, Search, Sought};

/// How records become lines.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) masks: Masks,
    pub(super) documents: Kept,
    pub(super) evidence: Option<Keep>,
}

/// A verdict as it is written.
#[derive(Serialize)]
#[serde(untagged)]
enum Written<'a> {
    Whole(&'a Verdict),
    Masked(serde_json::Value),
}

impl Form {
    /// The record as a line, all but its link. Documents that are kept in files are kept when this returns.
    pub(super) fn line(&self, record: &Record<'_>) -> std::io::Result<Unlinked> {
        let request = match record.answer {
            Answer::Decision(decision) => &decision.request,
            Answer::Search(search) => &search.request,
        };
        let mut masked = Vec::new();
        let sources = [
            ("evidence", request.evidence.as_deref()),
            ("entities", request.entities.as_deref()),
            ("context", request.context.as_deref()),
        ];
        let inside = sources
            .iter()
            .filter_map(|(_, json)| Some(json.as_ref()?.get().len()));
        let size = inside.sum();
        let mut replaced = [None, None, None];
        for ((root, json), replaced) in sources.iter().zip(&mut replaced) {
            if let Some(json) = json {
                *replaced = self.masks.document(root, json, &mut masked)?;
            }
        }
        let mut documents = Vec::with_capacity(3);
        for ((_, json), replaced) in sources.iter().zip(&replaced) {
            documents.push(self.document(*json, replaced.as_deref())?);
        }
        let mut line = self.common(record, request, &mut masked)?;
        let mut documents = documents.into_iter();
        line.evidence = documents.next().flatten();
        line.entities = documents.next().flatten();
        line.context = documents.next().flatten();
        match record.answer {
            Answer::Decision(decision) => self.decision(&mut line, decision, &mut masked)?,
            Answer::Search(search) => self.search(&mut line, search, &mut masked),
        }
        line.masked = masked;
        Ok(Unlinked::of(&line, size)?)
    }

    fn common<'a>(
        &self,
        record: &'a Record<'a>,
        request: &'a Request,
        masked: &mut Vec<Masked>,
    ) -> serde_json::Result<Decided<'a, Written<'a>>> {
        let origin = &record.origin;
        let now = request.now.map(|now| {
            let out_of_range =
                || serde_json::Error::custom(format!("`now` is out of range: {now}"));
            rfc3339(now).map(Cow::Owned).ok_or_else(out_of_range)
        });
        Ok(Decided {
            kind: Kind::Decision,
            time: Cow::Owned(rfc3339(record.time).unwrap_or_default()),
            trace_id: origin.trace_id.as_deref().map(Cow::Borrowed),
            request_id: self.text("request_id", origin.request_id.as_deref(), masked),
            api: origin.api,
            client: self.text("client", origin.client.as_deref(), masked),
            pack: Cow::Borrowed(record.pack),
            principal: Some(self.entity("principal", &request.principal, masked)),
            action: Some(Cow::Borrowed(&request.action)),
            resource: Some(self.entity("resource", &request.resource, masked)),
            now: now.transpose()?,
            evidence: None,
            entities: None,
            context: None,
            verdict: None,
            enforced: None,
            sought: None,
            questions: None,
            masked: Vec::new(),
            latency_us: record.latency_us,
        })
    }

    fn text<'a>(
        &self,
        root: &str,
        text: Option<&'a str>,
        masked: &mut Vec<Masked>,
    ) -> Option<Cow<'a, str>> {
        let text = text?;
        let instead = self.masks.text(root, text, masked);
        Some(instead.map_or(Cow::Borrowed(text), Cow::Owned))
    }

    fn entity<'a>(
        &self,
        root: &str,
        uid: &'a EntityUid,
        masked: &mut Vec<Masked>,
    ) -> Cow<'a, EntityUid> {
        match self.masks.text(root, &uid.id, masked) {
            Some(id) => Cow::Owned(EntityUid::new(uid.type_name.clone(), id)),
            None => Cow::Borrowed(uid),
        }
    }

    /// What is masked is never in a file, which has its name from what was sent.
    fn document<'a>(
        &self,
        json: Option<&'a RawValue>,
        replaced: Option<&'a RawValue>,
    ) -> std::io::Result<Option<Document<'a>>> {
        let Some(json) = json else {
            return Ok(None);
        };
        let text = json.get();
        Ok(Some(match (replaced, self.documents) {
            (_, Kept::Digest) => Document::Digest(Digest::of(text.as_bytes())),
            (Some(replaced), _) => Document::Masked(replaced),
            (None, Kept::File) => {
                let digest = Digest::of(text.as_bytes());
                if let Some(evidence) = &self.evidence {
                    evidence.put(&digest, text.as_bytes())?;
                }
                Document::File(digest)
            }
            (None, Kept::Record) if has_line_breaks(text) => Document::Text(Cow::Borrowed(text)),
            (None, Kept::Record) => Document::Json(json),
        }))
    }

    fn decision<'a>(
        &self,
        line: &mut Decided<'a, Written<'a>>,
        decision: &'a Decision,
        masked: &mut Vec<Masked>,
    ) -> serde_json::Result<()> {
        let verdict = &decision.verdict;
        let instead = self
            .masks
            .apply("verdict", || serde_json::to_value(verdict), masked)?;
        line.verdict = Some(instead.map_or(Written::Whole(verdict), Written::Masked));
        line.enforced = Some(decision.enforced);
        Ok(())
    }

    fn search<'a>(
        &self,
        line: &mut Decided<'a, Written<'a>>,
        search: &'a Search,
        masked: &mut Vec<Masked>,
    ) {
        let (place, root) = match search.sought {
            Sought::Principal => (&mut line.principal, "principal"),
            Sought::Action => (&mut line.action, "action"),
            Sought::Resource => (&mut line.resource, "resource"),
        };
        // It has no meaning, so it was not masked either.
        *place = None;
        masked.retain(|masked| !masked.path.starts_with(&format!("/{root}/")));
        let question = |question: &'a Question, masked: &mut Vec<Masked>| Question {
            candidate: self.entity(root, &question.candidate, masked).into_owned(),
            ..question.clone()
        };
        line.kind = Kind::Search;
        line.sought = Some(search.sought);
        if self.masks.concern(root) {
            let questions = search.questions.iter().map(|q| question(q, masked));
            line.questions = Some(Cow::Owned(questions.collect()));
        } else {
            line.questions = Some(Cow::Borrowed(&search.questions));
        }
    }
}

/// Bytes are looked through faster than characters.
fn has_line_breaks(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.contains(&b'\n') || bytes.contains(&b'\r')
}
