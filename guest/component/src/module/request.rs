//! A request as a file has it: docs/schema/request.schema.json.
//!
//! What the host's own reader takes and refuses this one takes and refuses, which the tests hold it to. It is written
//! twice because the host never runs the guest's code, nor the guest the host's.

use std::fmt;
use std::str::Chars;

use chrono::DateTime;
use serde::de::{self, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use sod_core::{EntityUid, Request};

/// Reads it.
///
/// # Errors
/// The first thing that is wrong, with its line and column.
pub(super) fn from_json(json: &[u8]) -> Result<Request, String> {
    let file: File<'_> = serde_json::from_slice(json).map_err(|error| placed(&error))?;
    let text = |json: Option<&RawValue>| json.map(|json| json.get().to_owned());
    Ok(Request {
        principal: file.principal.0,
        action: file.action.0,
        resource: file.resource.0,
        now: file.now,
        evidence: text(file.evidence),
        entities: text(file.entities),
        context: text(file.context),
    })
}

fn placed(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    let message = error.to_string();
    let place = format!(" at line {line} column {column}");
    let problem = message.strip_suffix(&place).unwrap_or(&message);
    format!("line {line}, column {column}: {problem}")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
struct File<'a> {
    principal: Uid,
    action: Action,
    resource: Uid,
    #[serde(default, deserialize_with = "time")]
    now: Option<i64>,
    #[serde(default, borrow)]
    evidence: Option<&'a RawValue>,
    #[serde(default, borrow)]
    entities: Option<&'a RawValue>,
    #[serde(default, borrow)]
    context: Option<&'a RawValue>,
}

// Derived alone it would take an array, too, and go by position.
impl<'de> Deserialize<'de> for File<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectOnly;

        impl<'de> Visitor<'de> for ObjectOnly {
            type Value = File<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a request, an object with `principal`, `action` and `resource`")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<File<'de>, A::Error> {
                File::deserialize(de::value::MapAccessDeserializer::new(map))
            }
        }

        deserializer.deserialize_map(ObjectOnly)
    }
}

fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else {
        return Ok(None);
    };
    match DateTime::parse_from_rfc3339(&text) {
        Ok(time) => Ok(Some(time.timestamp_millis())),
        Err(error) => Err(D::Error::custom(format!(
            "`now` is `{text}`, not an RFC 3339 time: {error}"
        ))),
    }
}

struct Uid(EntityUid);

impl<'de> Deserialize<'de> for Uid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_any(UidVisitor { bare: None })
            .map(Uid)
    }
}

/// As a [`Uid`], but a bare word `merge` means `Action::"merge"`.
struct Action(EntityUid);

impl<'de> Deserialize<'de> for Action {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bare = Some("Action");
        deserializer
            .deserialize_any(UidVisitor { bare })
            .map(Action)
    }
}

/// Takes both spellings.
struct UidVisitor {
    /// The type that a bare word has.
    bare: Option<&'static str>,
}

impl<'de> Visitor<'de> for UidVisitor {
    type Value = EntityUid;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an entity, {\"type\": ..., \"id\": ...} or the string `Type::\"id\"`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<EntityUid, E> {
        let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        match self.bare {
            Some(type_name) if !text.is_empty() && text.chars().all(word) => {
                Ok(EntityUid::new(type_name, text))
            }
            _ => parse(text).map_err(|problem| {
                let text: String = text.chars().take(80).collect();
                E::custom(format!("`{text}` is no entity: {problem}"))
            }),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<EntityUid, A::Error> {
        let (mut type_name, mut id) = (None, None);
        while let Some(key) = map.next_key()? {
            let (slot, name) = match key {
                Key::Type => (&mut type_name, "type"),
                Key::Id => (&mut id, "id"),
            };
            if slot.replace(map.next_value::<String>()?).is_some() {
                return Err(A::Error::duplicate_field(name));
            }
        }
        Ok(EntityUid {
            type_name: type_name.ok_or_else(|| A::Error::missing_field("type"))?,
            id: id.ok_or_else(|| A::Error::missing_field("id"))?,
        })
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Key {
    Type,
    Id,
}

fn parse(text: &str) -> Result<EntityUid, &'static str> {
    // A type has no quote in it, so the first one opens the id.
    let (type_name, rest) = text
        .split_once("::\"")
        .ok_or("it lacks a type or the quotes around the id")?;
    let id = rest
        .strip_suffix('"')
        .ok_or("the id has no closing quote")?;
    if !type_name.split("::").all(is_identifier) {
        return Err("the type is not made of letters, digits and `_`, with `::` between its parts");
    }
    Ok(EntityUid::new(type_name, unescape(id)?))
}

fn is_identifier(part: &str) -> bool {
    part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn unescape(id: &str) -> Result<String, &'static str> {
    let mut out = String::with_capacity(id.len());
    let mut chars = id.chars();
    while let Some(c) = chars.next() {
        out.push(match c {
            '"' => return Err("there is a quote in the middle of the id; write `\\\"`"),
            '\\' => escape(&mut chars).ok_or("the id has an unknown escape")?,
            plain => plain,
        });
    }
    Ok(out)
}

/// The character that stands behind a backslash.
fn escape(chars: &mut Chars<'_>) -> Option<char> {
    Some(match chars.next()? {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        '0' => '\0',
        c @ ('\\' | '\'' | '"') => c,
        'x' => {
            let digits: String = chars.by_ref().take(2).collect();
            hex(&digits)
                .filter(|_| digits.len() == 2)
                .filter(char::is_ascii)?
        }
        'u' => {
            let (digits, rest) = chars.as_str().strip_prefix('{')?.split_once('}')?;
            *chars = rest.chars();
            hex(digits).filter(|_| digits.len() <= 6)?
        }
        _ => return None,
    })
}

fn hex(digits: &str) -> Option<char> {
    if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    u32::from_str_radix(digits, 16)
        .ok()
        .and_then(char::from_u32)
}
