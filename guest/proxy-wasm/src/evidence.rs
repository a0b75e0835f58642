//! Evidence that the operator has, and evidence that comes with the request.

use std::collections::BTreeSet;

use serde_json::value::RawValue;
use sod_core::evidence::{Known, join};
use sod_core::{Fault, Program, Request, Verdict};
use sod_route::{Code, Denial, Object, Pointer};

/// Evidence that comes with a request.
pub(crate) enum Brought<'a> {
    Nothing,
    Here(&'a RawValue),
    /// In that place of a body.
    Body(&'a Pointer, Vec<u8>),
}

/// What the operator has configured: a directory of people, say.
#[derive(Default)]
pub(crate) struct OwnEvidence {
    keys: BTreeSet<String>,
    text: Text,
}

#[derive(Default)]
enum Text {
    #[default]
    Nothing,
    Read(Box<Known>),
    /// To be read with what each request brings.
    Unread(Box<str>),
}

impl OwnEvidence {
    pub(crate) fn read(json: Option<Box<RawValue>>) -> serde_json::Result<Self> {
        let Some(json) = json else {
            return Ok(OwnEvidence::default());
        };
        let Object(members) = serde_json::from_str(json.get())?;
        if members.is_empty() {
            return Ok(OwnEvidence::default());
        }
        Ok(OwnEvidence {
            keys: members.into_keys().collect(),
            text: match Known::read(json.into()) {
                Ok(known) => Text::Read(Box::new(known)),
                Err(json) => Text::Unread(json),
            },
        })
    }

    /// Decides on both together. The request comes without evidence.
    ///
    /// # Errors
    /// What was brought cannot be read, or it says what the operator has already said.
    pub(crate) fn decide(
        &self,
        program: &Program,
        request: &mut Request,
        brought: Brought<'_>,
    ) -> Result<Result<Verdict, Fault>, Denial> {
        let brought = match brought {
            Brought::Nothing => None,
            Brought::Here(json) => Some(json.to_owned()),
            Brought::Body(pointer, body) => {
                if let Text::Read(known) = &self.text
                    && pointer.is_whole()
                    && let Ok(text) = str::from_utf8(&body)
                    && let Some(decided) = program.decide_knowing(known, text, request)
                {
                    return Ok(decided);
                }
                Some(pointer.select(&body)?)
            }
        };
        request.evidence = self.with(brought.as_deref())?;
        Ok(program.decide(request))
    }

    /// Both together. What came with the request is left byte for byte as it is.
    fn with(&self, brought: Option<&RawValue>) -> Result<Option<String>, Denial> {
        let own = match &self.text {
            Text::Nothing => None,
            Text::Read(known) => Some(known.json()),
            Text::Unread(json) => Some(&**json),
        };
        let (Some(own), Some(brought)) = (own, brought) else {
            let one = own.or(brought.map(RawValue::get));
            return Ok(one.map(ToOwned::to_owned));
        };
        let Object(members) = serde_json::from_str(brought.get())
            .map_err(|error| refused(format!("the evidence: {error}")))?;
        match members.keys().find(|key| self.keys.contains(*key)) {
            None => Ok(join(own, brought.get())),
            Some(key) => Err(refused(format!(
                "the evidence has `{key}`, which only the operator says"
            ))),
        }
    }
}

fn refused(problem: String) -> Denial {
    Denial::new(Code::EvidenceRefused, problem)
}
