//! Who had a hand in it: identities behind author lines, trailers, signatures and pushes.

use std::collections::{BTreeMap, BTreeSet};

use super::People;
use crate::evidence::{Commit, CommitIx, Identity, Index, Machine, MachineIx, PersonIx, Push};
use crate::text::Text;

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

/// A merge of work in the range `within`, sorted, whose content is what merging its parents afresh gives. Whoever made
/// it added nothing: all that it brings are the commits that it joins, each with contributors of its own. A merge of
/// what is all outside would bring back what was there once, and to choose that is work.
pub(crate) fn is_reproducible_merge(
    index: &Index<'_>,
    commit: &Commit<'_>,
    within: &[CommitIx],
) -> bool {
    let is_within = |parent: &Text<'_>| {
        let found = index.graph.find(parent);
        found.is_some_and(|ix| within.binary_search(&ix).is_ok())
    };
    commit.parents.len() > 1
        && commit.tree.is_some()
        && commit.tree == commit.merged_tree
        && commit.parents.iter().any(is_within)
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
                if self.machines.insert(machine) {
                    self.people.extend(index.owners(machine));
                    self.ownerless_machine |= is_ownerless(index, machine);
                }
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
        for account in makers(commit).chain(&commit.on_behalf_of) {
            self.add(index, account);
        }
    }

    /// Nobody at all is known to have contributed.
    pub(crate) fn is_empty(&self) -> bool {
        self.people.is_empty() && self.machines.is_empty()
    }

    /// Adds everybody in `other`.
    pub(crate) fn merge(&mut self, other: &Contributors) {
        self.people.extend(&other.people);
        self.machines.extend(&other.machines);
        self.unattributed |= other.unattributed;
        self.ownerless_machine |= other.ownerless_machine;
    }
}

/// Nobody answers for what it did; for what the forge does everybody who asked it to.
fn is_ownerless(index: &Index<'_>, machine: MachineIx) -> bool {
    let forge = |m: &Machine<'_>| m.kind.as_str() == "forge";
    index.owners(machine).is_empty() && !index.machine(machine).is_some_and(forge)
}

/// Whoever is behind one commit, as they are named there: a machine may have very many owners.
pub(crate) struct Behind<'i, 'e> {
    index: &'i Index<'e>,
    named: Vec<Identity>,
}

impl<'i, 'e> Behind<'i, 'e> {
    pub(crate) fn new(index: &'i Index<'e>, commit: &Commit<'_>) -> Self {
        let named = makers(commit).chain(&commit.on_behalf_of);
        Behind {
            index,
            named: named.map(|account| index.identity(account)).collect(),
        }
    }

    /// More people than this are not behind it.
    pub(crate) fn most(&self) -> usize {
        let people = |identity: &Identity| match identity {
            Identity::Machine(machine) => self.index.owners(*machine).len(),
            Identity::Person(_) | Identity::Nobody => 1,
        };
        self.named.iter().map(people).sum()
    }

    /// Whether `person` may have had a hand in it: who is behind an account of nobody, or behind a machine without
    /// owners, is not known, so it may be anybody.
    pub(crate) fn may_be(&self, person: PersonIx) -> bool {
        self.named.iter().any(|identity| match identity {
            Identity::Person(named) => *named == person,
            Identity::Machine(machine) => {
                is_ownerless(self.index, *machine)
                    || self.index.owners(*machine).binary_search(&person).is_ok()
            }
            Identity::Nobody => true,
        })
    }
}

/// Accounts that made a commit, themselves or for somebody else.
fn makers<'c, 'a>(commit: &'c Commit<'a>) -> impl Iterator<Item = &'c Text<'a>> {
    let signer = commit.signature.as_ref().and_then(|s| s.signer.as_ref());
    let lines = [&commit.author, &commit.committer].into_iter();
    lines.chain(&commit.co_authors).chain(signer)
}

/// Pieces of work in which a machine had a hand, and how many of them name a person who had it done.
#[derive(Debug, Default)]
struct Tally {
    pieces: u32,
    sponsored: u32,
}

impl Tally {
    /// There is such work, and each piece of it names somebody.
    fn is_complete(&self) -> bool {
        self.pieces > 0 && self.sponsored == self.pieces
    }
}

/// On whose behalf each machine worked: by its commits, which claim it, and by its pushes, of which the server says it.
#[derive(Debug, Default)]
pub(crate) struct Sponsorship {
    commits: BTreeMap<MachineIx, Tally>,
    pushes: BTreeMap<MachineIx, Tally>,
    all_pushes: u32,
}

impl Sponsorship {
    pub(crate) fn note_commit(&mut self, index: &Index<'_>, commit: &Commit<'_>) {
        let sponsored = names_a_person(index, &commit.on_behalf_of);
        for machine in makers(commit).filter_map(|account| machine(index, account)) {
            note(&mut self.commits, machine, sponsored);
        }
    }

    pub(crate) fn note_push(&mut self, index: &Index<'_>, push: &Push<'_>) {
        self.all_pushes += 1;
        if let Some(machine) = machine(index, &push.account) {
            let sponsored = names_a_person(index, &push.on_behalf_of);
            note(&mut self.pushes, machine, sponsored);
        }
    }

    /// Machines of which some work names no person who had it done. Commits vouch for the pushes of the same machine;
    /// pushes vouch for its commits if it pushed all that there is, for otherwise somebody else pushed some of them.
    pub(crate) fn unsponsored(&self) -> BTreeSet<MachineIx> {
        let all = self.commits.keys().chain(self.pushes.keys());
        all.filter(|machine| !self.is_sponsored(machine))
            .copied()
            .collect()
    }

    fn is_sponsored(&self, machine: &MachineIx) -> bool {
        let commits = self.commits.get(machine).map(Tally::is_complete);
        let pushes = self.pushes.get(machine);
        let pushed_all = pushes.is_some_and(|tally| tally.pieces == self.all_pushes);
        match (commits, pushes.map(Tally::is_complete)) {
            (Some(true), _) | (None, None) => true,
            (Some(false), pushes) => pushed_all && pushes == Some(true),
            (None, Some(pushes)) => pushes,
        }
    }
}

fn note(work: &mut BTreeMap<MachineIx, Tally>, machine: MachineIx, sponsored: bool) {
    let tally = work.entry(machine).or_default();
    tally.pieces += 1;
    tally.sponsored += u32::from(sponsored);
}

fn machine(index: &Index<'_>, account: &str) -> Option<MachineIx> {
    match index.identity(account) {
        Identity::Machine(machine) => Some(machine),
        Identity::Person(_) | Identity::Nobody => None,
    }
}

fn names_a_person(index: &Index<'_>, accounts: &[Text<'_>]) -> bool {
    let is_person = |account: &Text<'_>| matches!(index.identity(account), Identity::Person(_));
    accounts.iter().any(is_person)
}
