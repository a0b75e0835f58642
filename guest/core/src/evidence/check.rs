//! Raw evidence, checked and indexed: every reference resolved once, by position.

use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::fmt::Display;
use std::hash::Hash;

use chrono::DateTime;

use super::{Account, Artifact, Change, Deployment, Environment, Evidence, Graph, Machine, Person};
use crate::hashing::{Key, Map};
use crate::verdict::code;

/// Position in [`Evidence::people`].
pub(crate) type PersonIx = u32;
/// Position in [`Evidence::machines`].
pub(crate) type MachineIx = u32;

/// Evidence that cannot carry a decision. Always a deny.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EvidenceError {
    /// [`code::EVIDENCE_INVALID`] or [`code::EVIDENCE_INCOMPLETE`].
    pub(crate) code: &'static str,
    /// What is wrong and where.
    pub(crate) message: String,
}

impl EvidenceError {
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        EvidenceError {
            code: code::EVIDENCE_INVALID,
            message: message.into(),
        }
    }

    pub(crate) fn incomplete(message: impl Into<String>) -> Self {
        EvidenceError {
            code: code::EVIDENCE_INCOMPLETE,
            message: message.into(),
        }
    }
}

/// Who is behind an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Identity {
    Person(PersonIx),
    Machine(MachineIx),
    /// Not in the directory.
    Nobody,
}

/// Everybody whom the evidence speaks of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Directory<'e> {
    pub(crate) people: &'e [Person<'e>],
    pub(crate) machines: &'e [Machine<'e>],
    pub(crate) names: &'e Names<'e>,
}

/// Where in a directory somebody is.
#[derive(Debug)]
pub(crate) struct Names<'e> {
    people: Map<Cow<'e, str>, PersonIx>,
    machines: Map<Cow<'e, str>, MachineIx>,
    accounts: Map<Cow<'e, str>, Identity>,
    /// Owners of each machine, by position; each list ascending.
    owners: Vec<Vec<PersonIx>>,
}

impl<'e> Names<'e> {
    /// Refuses a directory that contradicts itself: an id or account listed twice, an account of two owners or of nobody.
    pub(crate) fn of(
        people: &[Person<'e>],
        machines: &[Machine<'e>],
        accounts: &[Account<'e>],
        key: &Key,
    ) -> Result<Self, EvidenceError> {
        let person_ids = unique("people", people.iter().map(|p| p.id.to_cow()), key)?;
        let machine_ids = unique("machines", machines.iter().map(|m| m.id.to_cow()), key)?;
        Ok(Names {
            accounts: owned_accounts(accounts, &person_ids, &machine_ids, key)?,
            owners: owners(machines, &person_ids)?,
            people: person_ids,
            machines: machine_ids,
        })
    }

    /// The same, borrowed from nothing.
    pub(crate) fn into_owned(self) -> Names<'static> {
        Names {
            people: owned(self.people),
            machines: owned(self.machines),
            accounts: owned(self.accounts),
            owners: self.owners,
        }
    }
}

fn owned<T>(map: Map<Cow<'_, str>, T>) -> Map<Cow<'static, str>, T> {
    let entries = map.into_iter();
    let entries = entries.map(|(name, of)| (Cow::Owned(name.into_owned()), of));
    entries.collect()
}

/// The evidence with its cross-references.
#[derive(Debug)]
pub(crate) struct Index<'e> {
    pub(crate) key: Key,
    pub(crate) evidence: &'e Evidence<'e>,
    pub(crate) directory: Directory<'e>,
    pub(crate) graph: Graph<'e>,
    changes: Map<&'e str, u32>,
    artifacts: Map<&'e str, u32>,
    environments: Map<&'e str, u32>,
    deployments: Map<&'e str, u32>,
}

impl<'e> Index<'e> {
    /// Indexes the evidence and refuses what contradicts itself: an id listed twice, a cycle of commits.
    pub(crate) fn build(
        evidence: &'e Evidence<'e>,
        directory: Directory<'e>,
        key: &Key,
    ) -> Result<Self, EvidenceError> {
        Ok(Index {
            graph: Graph::build(&evidence.commits, key)?,
            changes: unique(
                "changes",
                evidence.changes.iter().map(|c| c.id.as_str()),
                key,
            )?,
            artifacts: unique(
                "artifacts",
                evidence.artifacts.iter().map(|a| a.digest.as_str()),
                key,
            )?,
            environments: unique(
                "environments",
                evidence.environments.iter().map(|e| e.id.as_str()),
                key,
            )?,
            deployments: unique(
                "deployments",
                evidence.deployments.iter().map(|d| d.id.as_str()),
                key,
            )?,
            key: key.clone(),
            evidence,
            directory,
        })
    }

    /// Who is behind `account`.
    pub(crate) fn identity(&self, account: &str) -> Identity {
        let accounts = &self.directory.names.accounts;
        accounts
            .get(&normal_account(account))
            .copied()
            .unwrap_or(Identity::Nobody)
    }

    pub(crate) fn person_ix(&self, id: &str) -> Option<PersonIx> {
        self.directory.names.people.get(id).copied()
    }

    pub(crate) fn machine_ix(&self, id: &str) -> Option<MachineIx> {
        self.directory.names.machines.get(id).copied()
    }

    pub(crate) fn person(&self, ix: PersonIx) -> Option<&'e Person<'e>> {
        self.directory.people.get(ix as usize)
    }

    pub(crate) fn machine(&self, ix: MachineIx) -> Option<&'e Machine<'e>> {
        self.directory.machines.get(ix as usize)
    }

    pub(crate) fn owners(&self, machine: MachineIx) -> &[PersonIx] {
        let owners = self.directory.names.owners.get(machine as usize);
        owners.map_or(&[], Vec::as_slice)
    }

    pub(crate) fn change(&self, id: &str) -> Option<&'e Change<'e>> {
        let ix = *self.changes.get(id)?;
        self.evidence.changes.get(ix as usize)
    }

    pub(crate) fn deployment(&self, id: &str) -> Option<&'e Deployment<'e>> {
        let ix = *self.deployments.get(id)?;
        self.evidence.deployments.get(ix as usize)
    }

    pub(crate) fn artifact(&self, digest: &str) -> Option<&'e Artifact<'e>> {
        let ix = *self.artifacts.get(digest)?;
        self.evidence.artifacts.get(ix as usize)
    }

    pub(crate) fn environment(&self, id: &str) -> Option<&'e Environment<'e>> {
        let ix = *self.environments.get(id)?;
        self.evidence.environments.get(ix as usize)
    }
}

/// E-mail addresses are one account whatever their ASCII case; all else is compared as it is.
fn normal_account(account: &str) -> Cow<'_, str> {
    if account.starts_with("email:") && account.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(account.to_ascii_lowercase())
    } else {
        Cow::Borrowed(account)
    }
}

fn unique<K: Hash + Eq + Display>(
    list: &str,
    ids: impl ExactSizeIterator<Item = K>,
    key: &Key,
) -> Result<Map<K, u32>, EvidenceError> {
    let mut map = Map::with_capacity_and_hasher(ids.len(), key.clone());
    for (ix, id) in (0..).zip(ids) {
        match map.entry(id) {
            Entry::Vacant(free) => free.insert(ix),
            Entry::Occupied(taken) => {
                return Err(EvidenceError::invalid(format!(
                    "`{}` is listed twice in `{list}`",
                    taken.key()
                )));
            }
        };
    }
    Ok(map)
}

fn owned_accounts<'e>(
    accounts: &[Account<'e>],
    people: &Map<Cow<'e, str>, PersonIx>,
    machines: &Map<Cow<'e, str>, MachineIx>,
    key: &Key,
) -> Result<Map<Cow<'e, str>, Identity>, EvidenceError> {
    let mut map = Map::with_capacity_and_hasher(accounts.len(), key.clone());
    for entry in accounts {
        let account = &entry.account;
        let identity = match (&entry.person, &entry.machine) {
            (Some(person), None) => people.get(person.as_str()).copied().map(Identity::Person),
            (None, Some(machine)) => machines
                .get(machine.as_str())
                .copied()
                .map(Identity::Machine),
            _ => {
                return Err(EvidenceError::invalid(format!(
                    "account `{account}` must belong to either a `person` or a `machine`"
                )));
            }
        };
        let identity = identity.ok_or_else(|| {
            EvidenceError::invalid(format!(
                "account `{account}` belongs to somebody who is not in the directory"
            ))
        })?;
        let name = match normal_account(account) {
            Cow::Borrowed(_) => account.to_cow(),
            Cow::Owned(normal) => Cow::Owned(normal),
        };
        if map.insert(name, identity).is_some() {
            return Err(EvidenceError::invalid(format!(
                "account `{account}` is listed twice in `accounts`"
            )));
        }
    }
    Ok(map)
}

fn owners(
    machines: &[Machine<'_>],
    people: &Map<Cow<'_, str>, PersonIx>,
) -> Result<Vec<Vec<PersonIx>>, EvidenceError> {
    let of = |machine: &Machine<'_>| {
        let ixs = machine.owners.iter().map(|owner| {
            people.get(owner.as_str()).copied().ok_or_else(|| {
                EvidenceError::invalid(format!(
                    "machine `{}` has an owner `{owner}` who is not in `people`",
                    machine.id
                ))
            })
        });
        let mut ixs = ixs.collect::<Result<Vec<_>, _>>()?;
        ixs.sort_unstable();
        Ok(ixs)
    };
    machines.iter().map(of).collect()
}

/// Milliseconds since the Unix epoch of an RFC 3339 time stamp.
pub(crate) fn timestamp(field: &str, text: &str) -> Result<i64, EvidenceError> {
    DateTime::parse_from_rfc3339(text)
        .map(|t| t.timestamp_millis())
        .map_err(|e| {
            EvidenceError::invalid(format!(
                "`{field}` is `{text}`, which is not an RFC 3339 time: {e}"
            ))
        })
}
