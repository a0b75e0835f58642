//! Evidence: where it is, and how it is taken out of a document byte for byte.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::denial::{Code, Denial};

/// Where the evidence for a question is.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum EvidenceFrom {
    /// There is none.
    Nothing,
    /// It came with the request.
    Here(Box<RawValue>),
    /// It is in the body, for [`Pointer::select`] to find.
    Body(Pointer),
    /// It is a file. The name is one name, no path.
    File {
        /// The folder, as in the route.
        directory: String,
        /// The file's name.
        name: String,
    },
    /// It is to be fetched, for [`whole`] to read.
    Url(String),
}

/// A place in a JSON document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer {
    tokens: Vec<String>,
}

impl Pointer {
    /// RFC 6901; nothing if it is no pointer.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut tokens = text.split('/');
        if !tokens.next()?.is_empty() {
            return None;
        }
        let token = |token: &str| {
            let escapes = token.matches('~').count();
            let known = token.matches("~0").count() + token.matches("~1").count();
            (escapes == known).then(|| token.replace("~1", "/").replace("~0", "~"))
        };
        let tokens = tokens.map(token).collect::<Option<_>>()?;
        Some(Pointer { tokens })
    }

    /// Whether it is the place of the whole document.
    pub fn is_whole(&self) -> bool {
        self.tokens.is_empty()
    }

    /// What is in that place of a document, byte for byte.
    ///
    /// # Errors
    /// It is not there, not JSON, or a key on the way is there twice.
    pub fn select(&self, document: &[u8]) -> Result<Box<RawValue>, Denial> {
        let mut place = raw(document)?;
        for token in &self.tokens {
            let Object(mut members) = serde_json::from_str(place.get()).map_err(refused)?;
            place = members.remove(token).ok_or_else(|| {
                let problem = format!("the body has no `{token}`, where the evidence should be");
                Denial::new(Code::EvidenceMissing, problem)
            })?;
        }
        Ok(place.to_owned())
    }
}

/// A whole document.
///
/// # Errors
/// It is not JSON.
pub fn whole(document: &[u8]) -> Result<Box<RawValue>, Denial> {
    raw(document).map(ToOwned::to_owned)
}

fn raw(document: &[u8]) -> Result<&RawValue, Denial> {
    if document.iter().all(u8::is_ascii_whitespace) {
        return Err(Denial::new(Code::EvidenceMissing, "the evidence is empty"));
    }
    serde_json::from_slice(document).map_err(refused)
}

fn refused(error: serde_json::Error) -> Denial {
    Denial::new(Code::EvidenceRefused, format!("the evidence: {error}"))
}

/// A JSON object, each key once, its values byte for byte.
#[derive(Debug)]
pub struct Object<'a>(pub BTreeMap<String, &'a RawValue>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut members = BTreeMap::new();
                while let Some((key, value)) = map.next_entry::<String, &RawValue>()? {
                    if members.contains_key(&key) {
                        return Err(de::Error::custom(format!("`{key}` is there twice")));
                    }
                    members.insert(key, value);
                }
                Ok(Object(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}
