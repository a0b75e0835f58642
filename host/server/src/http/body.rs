//! JSON as it is sent: the content type, the text, and where it is wrong.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::problem::Problem;

/// A body that says that it is JSON.
pub(super) struct Json(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for Json {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        says_json(request.headers())?;
        let read = whole(request.into_body()).await;
        read.map(Json)
            .ok_or_else(|| Problem::malformed("the body broke off"))
    }
}

/// All of a body, which the listener has read up to its limit already. `None` if it broke off.
pub(crate) async fn whole(body: Body) -> Option<Bytes> {
    to_bytes(body, usize::MAX).await.ok()
}

impl Json {
    /// What was sent, as an object of this form.
    pub(super) fn read<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Problem> {
        if self.0.is_empty() {
            return Err(empty());
        }
        unique(&self.0)?;
        read(&self.0)
    }
}

/// What was sent, of a form that takes nothing that it does not know. What it carries through unread is not looked at.
pub(super) fn strict<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, Problem> {
    if json.is_empty() {
        return Err(empty());
    }
    read(json)
}

fn empty() -> Problem {
    Problem::malformed("the body is empty").with_help("send a JSON object")
}

/// A browser sends other types across origins unasked, so nothing but this is taken.
fn says_json(headers: &HeaderMap) -> Result<(), Problem> {
    let value = headers.get(header::CONTENT_TYPE);
    let text = value.and_then(|value| value.to_str().ok());
    let essence = text.and_then(|text| text.split(';').next()).map(str::trim);
    match essence {
        Some(essence) if essence.eq_ignore_ascii_case("application/json") => Ok(()),
        Some(other) => Err(Problem::malformed(format!(
            "the content type is `{}`",
            other.escape_debug()
        ))),
        None => Err(Problem::malformed("there is no content type")),
    }
    .map_err(|problem| problem.with_help("send `Content-Type: application/json`"))
}

/// JSON that is known to have no key twice, as an object of this form.
pub(super) fn read<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, Problem> {
    match serde_json::from_slice::<Object<T>>(json) {
        Ok(Object(value)) => Ok(value),
        // Once more, to find the place.
        Err(error) => {
            let mut from = serde_json::Deserializer::from_slice(json);
            let path = serde_path_to_error::deserialize::<_, Object<T>>(&mut from).err();
            let path = path.map(|error| error.path().to_string());
            let path = path.filter(|path| path != ".").unwrap_or_default();
            Err(wrong(&error).at(&path))
        }
    }
}

fn wrong(error: &serde_json::Error) -> Problem {
    let (line, column) = (error.line(), error.column());
    let message = error.to_string();
    let place = format!(" at line {line} column {column}");
    let message = message.strip_suffix(&place).unwrap_or(&message);
    Problem::malformed(message).on(line, column)
}

/// JSON in which no object has a key twice: two readers would not read the same (RFC 7493, section 2.3).
pub(super) fn unique(json: &[u8]) -> Result<(), Problem> {
    let mut from = serde_json::Deserializer::from_slice(json);
    Unique
        .deserialize(&mut from)
        .and_then(|()| from.end())
        .map_err(|error| wrong(&error))
}

#[derive(Clone, Copy)]
struct Unique;

impl<'de> DeserializeSeed<'de> for Unique {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        // Objects are small, mostly: to compare with a few is faster than to look up.
        const FEW: usize = 8;
        let (mut first, mut others) = (Vec::new(), BTreeSet::new());
        while let Some(Key(key)) = members.next_key()? {
            if first.contains(&key) || others.contains(&key) {
                let key = key.escape_debug();
                return Err(de::Error::custom(format!("`{key}` is given twice")));
            }
            if first.len() < FEW {
                first.push(key);
            } else {
                others.insert(key);
            }
            members.next_value_seed(self)?;
        }
        Ok(())
    }
}

/// The name of a member, copied only if it has escapes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key<'a>(pub(super) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct OfKey;

        impl<'de> Visitor<'de> for OfKey {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a member")
            }

            fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(key)))
            }

            fn visit_str<E>(self, key: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }

        from.deserialize_str(OfKey)
    }
}

/// The members of an object whose names are open, each value as it was sent.
#[derive(Debug, Clone, Default)]
pub(super) struct Members<'a>(Vec<(Key<'a>, &'a RawValue)>);

impl<'a> Members<'a> {
    /// The value, unless it is `null`, which is as good as absent.
    pub(super) fn get(&self, name: &str) -> Option<&'a RawValue> {
        let found = self.0.iter().find(|(Key(key), _)| key == name);
        found.map(|(_, value)| *value).filter(|v| v.get() != "null")
    }

    /// All of them, in the order in which they were sent.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(Key(key), value)| (&**key, *value))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct OfMembers;

        impl<'de> Visitor<'de> for OfMembers {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        from.deserialize_map(OfMembers)
    }
}

impl JsonSchema for Members<'_> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Members".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "object" })
    }
}

/// An object. What is derived takes a list, too, and goes by position.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(transparent)]
pub(super) struct Object<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct OnlyObject<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for OnlyObject<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(de::value::MapAccessDeserializer::new(map)).map(Object)
            }
        }

        from.deserialize_map(OnlyObject(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Object<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}
