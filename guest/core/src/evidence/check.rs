//! Raw evidence, checked and indexed: every reference resolved once, by position.

use std::borrow::Cow;
use std::collections::HashMap;

use chrono::DateTime;

use super::{Artifact, Change, Deployment, Environment, Evidence, Graph};
use crate::text::Text;
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

/// The evidence with its cross-references.
#[derive(Debug)]
pub(crate) struct Index<'e> {
    pub(crate) evidence: &'e Evidence<'e>,
    pub(crate) graph: Graph<'e>,
    people: HashMap<&'e str, u32>,
    machines: HashMap<&'e str, u32>,
    accounts: HashMap<Cow<'e, str>, Identity>,
    changes: HashMap<&'e str, u32>,
    artifacts: HashMap<&'e str, u32>,
    environments: HashMap<&'e str, u32>,
    deployments: HashMap<&'e str, u32>,
    /// Owners of each machine, by position; each list ascending.
    owners: Vec<Vec<PersonIx>>,
}

impl<'e> Index<'e> {
    /// Indexes the evidence and refuses what contradicts itself: an id listed
    /// twice, an account of two owners, a reference to nothing, a cycle of commits.
    pub(crate) fn build(evidence: &'e Evidence<'e>) -> Result<Self, EvidenceError> {
        let people = unique("people", evidence.people.iter().map(|p| &p.id))?;
        let machines = unique("machines", evidence.machines.iter().map(|m| &m.id))?;
        let accounts = accounts(evidence, &people, &machines)?;
        let owners = owners(evidence, &people)?;
        Ok(Index {
            graph: Graph::build(&evidence.commits)?,
            changes: unique("changes", evidence.changes.iter().map(|c| &c.id))?,
            artifacts: unique("artifacts", evidence.artifacts.iter().map(|a| &a.digest))?,
            environments: unique("environments", evidence.environments.iter().map(|e| &e.id))?,
            deployments: unique("deployments", evidence.deployments.iter().map(|d| &d.id))?,
            evidence,
            people,
            machines,
            accounts,
            owners,
        })
    }

    /// Who is behind `account`.
    pub(crate) fn identity(&self, account: &str) -> Identity {
        self.accounts
            .get(&normal_account(account))
            .copied()
            .unwrap_or(Identity::Nobody)
    }

    pub(crate) fn person_ix(&self, id: &str) -> Option<PersonIx> {
        self.people.get(id).copied()
    }

    pub(crate) fn machine_ix(&self, id: &str) -> Option<MachineIx> {
        self.machines.get(id).copied()
    }

    pub(crate) fn person(&self, ix: PersonIx) -> Option<&'e super::Person<'e>> {
        self.evidence.people.get(ix as usize)
    }

    pub(crate) fn machine(&self, ix: MachineIx) -> Option<&'e super::Machine<'e>> {
        self.evidence.machines.get(ix as usize)
    }

    pub(crate) fn owners(&self, machine: MachineIx) -> &[PersonIx] {
        self.owners.get(machine as usize).map_or(&[], Vec::as_slice)
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

fn unique<'e>(
    list: &str,
    ids: impl ExactSizeIterator<Item = &'e Text<'e>>,
) -> Result<HashMap<&'e str, u32>, EvidenceError> {
    let mut map = HashMap::with_capacity(ids.len());
    for (ix, id) in (0..).zip(ids) {
        if map.insert(id.as_str(), ix).is_some() {
            return Err(EvidenceError::invalid(format!(
                "`{id}` is listed twice in `{list}`"
            )));
        }
    }
    Ok(map)
}

fn accounts<'e>(
    evidence: &'e Evidence<'e>,
    people: &HashMap<&'e str, u32>,
    machines: &HashMap<&'e str, u32>,
) -> Result<HashMap<Cow<'e, str>, Identity>, EvidenceError> {
    let mut map = HashMap::with_capacity(evidence.accounts.len());
    for entry in &evidence.accounts {
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
        if map.insert(normal_account(account), identity).is_some() {
            return Err(EvidenceError::invalid(format!(
                "account `{account}` is listed twice in `accounts`"
            )));
        }
    }
    Ok(map)
}

fn owners(
    evidence: &Evidence<'_>,
    people: &HashMap<&str, u32>,
) -> Result<Vec<Vec<PersonIx>>, EvidenceError> {
    let of = |machine: &super::Machine<'_>| {
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
    evidence.machines.iter().map(of).collect()
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
