//! Who, what, and to what: `Person::"ana"`.

use std::fmt;
use std::str::{Chars, FromStr};

use miette::Diagnostic;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

/// An entity by type and id.
///
/// In JSON it is `{"type": "Person", "id": "ana"}`. Where people write it,
/// the string `Person::"ana"` does as well.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct EntityUid {
    /// Type name: `Person`, `Bank::Person`.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Id, unescaped.
    pub id: String,
}

/// A text that names no entity.
#[derive(Debug, Clone, PartialEq, Eq, Error, Diagnostic)]
#[error("`{text}` is no entity: {problem}")]
#[diagnostic(help("write a type, two colons and the id in double quotes: Person::\"ana\""))]
#[non_exhaustive]
pub struct EntityUidError {
    /// The beginning of the text.
    pub text: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl EntityUid {
    /// `type_name::"id"`
    pub fn new(type_name: impl Into<String>, id: impl Into<String>) -> Self {
        EntityUid {
            type_name: type_name.into(),
            id: id.into(),
        }
    }

    /// Bytes of both strings.
    pub(crate) fn size(&self) -> usize {
        self.type_name.len() + self.id.len()
    }
}

impl fmt::Display for EntityUid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::\"{}\"", self.type_name, self.id.escape_debug())
    }
}

/// Reads what `Display` writes, with Cedar's escapes in the id.
impl FromStr for EntityUid {
    type Err = EntityUidError;

    fn from_str(text: &str) -> Result<Self, EntityUidError> {
        parse(text).map_err(|problem| EntityUidError {
            text: text.chars().take(80).collect(),
            problem,
        })
    }
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

impl<'de> Deserialize<'de> for EntityUid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UidVisitor { bare: None })
    }
}

/// As an [`EntityUid`], but a bare word `merge` means `Action::"merge"`.
pub(crate) fn deserialize_action<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<EntityUid, D::Error> {
    deserializer.deserialize_any(UidVisitor {
        bare: Some("Action"),
    })
}

/// Takes both spellings. Not serde's `untagged`, whose errors point nowhere.
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
            _ => text.parse().map_err(E::custom),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<EntityUid, A::Error> {
        let (mut type_name, mut id) = (None, None);
        while let Some(key) = map.next_key()? {
            let (slot, name) = match key {
                Key::Type => (&mut type_name, "type"),
                Key::Id => (&mut id, "id"),
            };
            if slot.replace(map.next_value()?).is_some() {
                return Err(de::Error::duplicate_field(name));
            }
        }
        Ok(EntityUid {
            type_name: type_name.ok_or_else(|| de::Error::missing_field("type"))?,
            id: id.ok_or_else(|| de::Error::missing_field("id"))?,
        })
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Key {
    Type,
    Id,
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    //! The string form of an entity.

    use super::*;

    #[test]
    fn display_and_parse_are_inverse() {
        for id in [
            "ana",
            "",
            "bank/payments#42",
            "a\"b\\c",
            "é\u{301}\u{1f600}",
            "\0\n\r\t'",
            "x::\"y",
            "\u{7f}\u{200b}",
        ] {
            for type_name in ["Person", "Bank::Person", "_a1::B"] {
                let uid = EntityUid::new(type_name, id);
                assert_eq!(uid.to_string().parse(), Ok(uid));
            }
        }
    }

    #[test]
    fn every_escape_of_cedar_is_read() {
        let uid: EntityUid = r#"A::"\x41\u{1F600}\u{41}\'\0""#.parse().unwrap();
        assert_eq!(uid.id, "A\u{1f600}A'\0");
    }

    #[test]
    fn what_is_not_an_entity() {
        for text in [
            "",
            "ana",
            "::\"ana\"",
            "Person::ana",
            "Person::\"ana",
            "Person::\"",
            "Per son::\"a\"",
            "1P::\"a\"",
            "A::::\"a\"",
            "Person::\"a\"b\"",
            "Person::\"a\" ",
            r#"A::"\""#,
            r#"A::"\q""#,
            r#"A::"\x4""#,
            r#"A::"\x80""#,
            r#"A::"\x+1""#,
            r#"A::"\u{}""#,
            r#"A::"\u{d800}""#,
            r#"A::"\u{0000041}""#,
            r#"A::"\u41""#,
        ] {
            assert!(text.parse::<EntityUid>().is_err(), "{text}");
        }
    }
}
