//! Evidence that the operator has, and evidence that comes with the request.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use sod_route::{Code, Denial, Object, Pointer};

/// What the operator has configured: a directory of people, say. By its outermost keys.
#[derive(Default)]
pub(crate) struct OwnEvidence(BTreeMap<String, Box<RawValue>>);

impl OwnEvidence {
    pub(crate) fn read(json: Option<&RawValue>) -> serde_json::Result<Self> {
        let Some(json) = json else {
            return Ok(OwnEvidence::default());
        };
        let Object(members) = serde_json::from_str(json.get())?;
        let own = |(key, value): (String, &RawValue)| (key, value.to_owned());
        Ok(OwnEvidence(members.into_iter().map(own).collect()))
    }

    /// Both together. What came with the request is left byte for byte as it is if there is nothing to add.
    ///
    /// # Errors
    /// The request brings what the operator has already said.
    pub(crate) fn with(&self, brought: Option<&RawValue>) -> Result<Option<String>, Denial> {
        let Some(brought) = brought else {
            return Ok((!self.0.is_empty()).then(|| self.join(&BTreeMap::new())));
        };
        if self.0.is_empty() {
            return Ok(Some(brought.get().to_owned()));
        }
        let Object(members) = serde_json::from_str(brought.get())
            .map_err(|error| refused(format!("the evidence: {error}")))?;
        self.and(&members)
    }

    /// The same of what is in a body, read once where that will do.
    ///
    /// # Errors
    /// As [`with`](Self::with) and [`Pointer::select`].
    pub(crate) fn with_body(
        &self,
        pointer: &Pointer,
        body: &[u8],
    ) -> Result<Option<String>, Denial> {
        if pointer.is_whole()
            && !self.0.is_empty()
            && let Ok(Object(members)) = serde_json::from_slice(body)
        {
            return self.and(&members);
        }
        self.with(Some(&pointer.select(body)?))
    }

    fn and(&self, brought: &BTreeMap<String, &RawValue>) -> Result<Option<String>, Denial> {
        match brought.keys().find(|key| self.0.contains_key(*key)) {
            None => Ok(Some(self.join(brought))),
            Some(key) => Err(refused(format!(
                "the evidence has `{key}`, which only the operator says"
            ))),
        }
    }

    fn join(&self, brought: &BTreeMap<String, &RawValue>) -> String {
        let own = self.0.iter().map(|(key, value)| (key, value.get()));
        let brought = brought.iter().map(|(key, value)| (key, value.get()));
        let sizes = own.clone().chain(brought.clone());
        let size: usize = sizes.map(|(key, value)| key.len() + value.len() + 4).sum();
        let mut joined = String::with_capacity(size + 2);
        joined.push('{');
        for (key, value) in own.chain(brought) {
            if joined.len() > 1 {
                joined.push(',');
            }
            joined.push_str(&serde_json::Value::from(key.as_str()).to_string());
            joined.push(':');
            joined.push_str(value);
        }
        joined.push('}');
        joined
    }
}

fn refused(problem: String) -> Denial {
    Denial::new(Code::EvidenceRefused, problem)
}
