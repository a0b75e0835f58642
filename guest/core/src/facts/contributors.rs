//! Who had a hand in it: identities behind author lines, trailers, signatures and pushes.

use std::collections::BTreeSet;

use super::People;
use crate::evidence::{Commit, Identity, Index, MachineIx, PersonIx};

/// Everybody who contributed, gathered account by account.
#[derive(Debug, Clone, Default)]
pub(crate) struct Contributors {
    /// People, the owners of contributing machines among them.
    pub(crate) people: People,
    pub(crate) machines: BTreeSet<MachineIx>,
    /// At least one account belongs to nobody.
    pub(crate) unattributed: bool,
    /// At least one machine that is not the forge itself has no owner, so that
    /// nobody answers for what it did.
    pub(crate) ownerless_machine: bool,
}

impl Contributors {
    /// Adds whoever is behind `account` and returns them if they are a person.
    pub(crate) fn add(&mut self, index: &Index<'_>, account: &str) -> Option<PersonIx> {
        match index.identity(account) {
            Identity::Person(person) => {
                self.people.insert(person);
                Some(person)
            }
            Identity::Machine(machine) => {
                self.machines.insert(machine);
                let owners = index.owners(machine);
                self.people.extend(owners);
                let forge = index
                    .machine(machine)
                    .is_some_and(|m| m.kind.as_str() == "forge");
                self.ownerless_machine |= owners.is_empty() && !forge;
                None
            }
            Identity::Nobody => {
                self.unattributed = true;
                None
            }
        }
    }

    /// Adds everybody a commit names.
    pub(crate) fn add_commit(&mut self, index: &Index<'_>, commit: &Commit<'_>) {
        self.add(index, &commit.author);
        self.add(index, &commit.committer);
        for account in commit.co_authors.iter().chain(&commit.on_behalf_of) {
            self.add(index, account);
        }
        if let Some(signer) = commit.signature.as_ref().and_then(|s| s.signer.as_ref()) {
            self.add(index, signer);
        }
    }

    /// Adds everybody in `other`.
    pub(crate) fn merge(&mut self, other: &Contributors) {
        self.people.extend(&other.people);
        self.machines.extend(&other.machines);
        self.unattributed |= other.unattributed;
        self.ownerless_machine |= other.ownerless_machine;
    }
}
