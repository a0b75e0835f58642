//! Raw evidence, checked and indexed: every reference resolved once, by position.

use std::borrow::Cow;

use chrono::DateTime;

use super::names::Names;
use super::{Account, Artifact, Change, Deployment, Environment, Evidence, Graph};
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
    people: Names<&'e str>,
    machines: Names<&'e str>,
    accounts: Names<Cow<'e, str>>,
    /// Who is behind each account.
    identities: Vec<Identity>,
    changes: Names<&'e str>,
    artifacts: Names<&'e str>,
    environments: Names<&'e str>,
    deployments: Names<&'e str>,
    /// Owners of each machine, by position; each list ascending.
    owners: Vec<Vec<PersonIx>>,
}

impl<'e> Index<'e> {
    /// Indexes the evidence and refuses what contradicts itself: an id listed
    /// twice, an account of two owners, a reference to nothing, a cycle of commits.
    pub(crate) fn build(evidence: &'e Evidence<'e>) -> Result<Self, EvidenceError> {
        let people = unique("people", evidence.people.iter().map(|p| &p.id))?;
        let machines = unique("machines", evidence.machines.iter().map(|m| &m.id))?;
        let (accounts, identities) = accounts(evidence, &people, &machines)?;
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
            identities,
            owners,
        })
    }

    /// Who is behind `account`.
    pub(crate) fn identity(&self, account: &str) -> Identity {
        let at = self.accounts.get(&normal_account(account));
        let identity = at.and_then(|at| self.identities.get(at as usize));
        identity.copied().unwrap_or(Identity::Nobody)
    }

    pub(crate) fn person_ix(&self, id: &str) -> Option<PersonIx> {
        self.people.get(id)
    }

    pub(crate) fn machine_ix(&self, id: &str) -> Option<MachineIx> {
        self.machines.get(id)
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
        let ix = self.changes.get(id)?;
        self.evidence.changes.get(ix as usize)
    }

    pub(crate) fn deployment(&self, id: &str) -> Option<&'e Deployment<'e>> {
        let ix = self.deployments.get(id)?;
        self.evidence.deployments.get(ix as usize)
    }

    pub(crate) fn artifact(&self, digest: &str) -> Option<&'e Artifact<'e>> {
        let ix = self.artifacts.get(digest)?;
        self.evidence.artifacts.get(ix as usize)
    }

    pub(crate) fn environment(&self, id: &str) -> Option<&'e Environment<'e>> {
        let ix = self.environments.get(id)?;
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
    ids: impl Iterator<Item = &'e Text<'e>> + Clone,
) -> Result<Names<&'e str>, EvidenceError> {
    let names = ids.clone().map(Text::as_str);
    Names::new(names).map_err(|at| {
        let id = ids.clone().nth(at as usize).map_or("", Text::as_str);
        EvidenceError::invalid(format!("`{id}` is listed twice in `{list}`"))
    })
}

/// Accounts as they are compared, and who is behind each.
type Accounts<'e> = (Names<Cow<'e, str>>, Vec<Identity>);

fn accounts<'e>(
    evidence: &'e Evidence<'e>,
    people: &Names<&'e str>,
    machines: &Names<&'e str>,
) -> Result<Accounts<'e>, EvidenceError> {
    let accounts = &evidence.accounts;
    // Of all that is wrong, what comes first is told.
    let mut known = Vec::with_capacity(accounts.len());
    let mut wrong = None;
    for entry in accounts {
        match identity(entry, people, machines) {
            Ok(identity) => known.push(identity),
            Err(error) => {
                wrong = Some(error);
                break;
            }
        }
    }
    let sound = accounts.iter().take(known.len());
    let names = Names::new(sound.map(|entry| normal_account(&entry.account)));
    let names = names.map_err(|at| {
        let account = accounts.get(at as usize);
        let account = account.map_or("", |entry| &entry.account);
        EvidenceError::invalid(format!("account `{account}` is listed twice in `accounts`"))
    })?;
    match wrong {
        Some(error) => Err(error),
        None => Ok((names, known)),
    }
}

fn identity(
    entry: &Account<'_>,
    people: &Names<&str>,
    machines: &Names<&str>,
) -> Result<Identity, EvidenceError> {
    let account = &entry.account;
    let identity = match (&entry.person, &entry.machine) {
        (Some(person), None) => people.get(person.as_str()).map(Identity::Person),
        (None, Some(machine)) => machines.get(machine.as_str()).map(Identity::Machine),
        _ => {
            return Err(EvidenceError::invalid(format!(
                "account `{account}` must belong to either a `person` or a `machine`"
            )));
        }
    };
    identity.ok_or_else(|| {
        EvidenceError::invalid(format!(
            "account `{account}` belongs to somebody who is not in the directory"
        ))
    })
}

fn owners(
    evidence: &Evidence<'_>,
    people: &Names<&str>,
) -> Result<Vec<Vec<PersonIx>>, EvidenceError> {
    let of = |machine: &super::Machine<'_>| {
        let ixs = machine.owners.iter().map(|owner| {
            people.get(owner.as_str()).ok_or_else(|| {
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
