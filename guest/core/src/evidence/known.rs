//! Evidence that is the same in every request: its directory is read once.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::object::noting_strangers;
use super::{Directory, Evidence, Machine, Names, Person};
use crate::hashing::Key;
use crate::text::Text;

/// Keys of the lists that are read once.
const LISTS: [&str; 3] = ["people", "machines", "accounts"];

/// Evidence that is the same in every request, with its people, machines and accounts read and indexed.
///
/// It saves work and does nothing else: a decision with it is the decision on both texts [joined](join), byte for byte.
#[derive(Debug)]
pub struct Known {
    json: Box<str>,
    lists: Lists,
}

/// What of a text is read once, with nothing borrowed from it.
#[derive(Debug)]
struct Lists {
    /// What is between its braces, with nothing in the lists that are read.
    stub: String,
    people: Vec<Person<'static>>,
    machines: Vec<Machine<'static>>,
    names: Names<'static>,
}

impl Known {
    /// # Errors
    /// The text, where it has to be read again with each request: something is wrong with it, or unknown in it, which
    /// each decision says.
    pub fn read(json: Box<str>) -> Result<Self, Box<str>> {
        match Lists::read(&json) {
            Some(lists) => Ok(Known { json, lists }),
            None => Err(json),
        }
    }

    /// The text that it was read from.
    pub fn json(&self) -> &str {
        &self.json
    }

    pub(crate) fn directory(&self) -> Directory<'_> {
        Directory {
            people: &self.lists.people,
            machines: &self.lists.machines,
            names: &self.lists.names,
        }
    }

    /// The text of [`join`] in pieces, and that of all but what was read before. `None` if `brought` is not plainly an
    /// object with members.
    pub(crate) fn with<'t>(&'t self, brought: &'t str) -> Option<(Pieces<'t>, String)> {
        let brought = members(brought).filter(|members| !members.is_empty())?;
        let unread = format!("{{{},{brought}}}", self.lists.stub);
        Some((pieces(members(&self.json)?, brought), unread))
    }

    /// What of the text of [`with`](Self::with) is new. `None` if the whole has to be read together: it is not plainly
    /// as it should be, or it adds to the directory.
    pub(crate) fn read_rest<'t>(&self, unread: &'t str) -> Option<Evidence<'t>> {
        let (evidence, has_unknown) =
            noting_strangers(|| serde_json::from_str::<Evidence<'_>>(unread));
        let adds_nobody = |evidence: &Evidence<'_>| {
            evidence.people.is_empty()
                && evidence.machines.is_empty()
                && evidence.accounts.is_empty()
        };
        evidence
            .ok()
            .filter(|evidence| !has_unknown && adds_nobody(evidence))
    }
}

impl Lists {
    fn read(json: &str) -> Option<Self> {
        let (evidence, has_unknown) =
            noting_strangers(|| serde_json::from_str::<Evidence<'_>>(json));
        let Evidence {
            people,
            machines,
            accounts,
            ..
        } = evidence.ok().filter(|_| !has_unknown)?;
        let names = Names::of(&people, &machines, &accounts, &Key::default()).ok()?;
        drop(accounts);
        let own: BTreeMap<String, &RawValue> = serde_json::from_str(json).ok()?;
        let stub = own.iter().map(|(key, value)| {
            let value = match LISTS.contains(&key.as_str()) {
                true => "[]",
                false => value.get(),
            };
            // All keys are known ones, which have nothing to escape.
            format!("\"{key}\":{value}")
        });
        let stub: Vec<String> = stub.collect();
        Some(Lists {
            stub: Some(stub.join(",")).filter(|stub| !stub.is_empty())?,
            names: names.into_owned(),
            people: people.into_iter().map(Person::into_owned).collect(),
            machines: machines.into_iter().map(Machine::into_owned).collect(),
        })
    }
}

impl Person<'_> {
    /// The same, borrowed from nothing.
    fn into_owned(self) -> Person<'static> {
        Person {
            id: self.id.into_owned(),
            active: self.active,
            access_reviewed_at: self.access_reviewed_at.map(Text::into_owned),
            access_reviewed_by: self.access_reviewed_by.map(Text::into_owned),
            roles: self.roles.into_iter().map(Text::into_owned).collect(),
            teams: self.teams.into_iter().map(Text::into_owned).collect(),
        }
    }
}

impl Machine<'_> {
    /// The same, borrowed from nothing.
    fn into_owned(self) -> Machine<'static> {
        Machine {
            id: self.id.into_owned(),
            kind: self.kind.into_owned(),
            roles: self.roles.into_iter().map(Text::into_owned).collect(),
            owners: self.owners.into_iter().map(Text::into_owned).collect(),
        }
    }
}

/// A text that is in several places.
type Pieces<'t> = [&'t str; 5];

fn pieces<'t>(one: &'t str, other: &'t str) -> Pieces<'t> {
    let comma = match one.is_empty() || other.is_empty() {
        true => "",
        false => ",",
    };
    ["{", one, comma, other, "}"]
}

/// The JSON object that has the members of both, each as it is written. Neither may have a key of the other.
///
/// `None` if one of them is no object.
pub fn join(one: &str, other: &str) -> Option<String> {
    Some(pieces(members(one)?, members(other)?).concat())
}

/// What is between the braces of an object.
fn members(json: &str) -> Option<&str> {
    let space = [' ', '\t', '\n', '\r'];
    let inside = json
        .trim_matches(space)
        .strip_prefix('{')?
        .strip_suffix('}')?;
    Some(inside.trim_matches(space))
}
