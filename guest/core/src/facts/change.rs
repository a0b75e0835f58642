//! Facts of a change: all that its commits and pushes say about who made it.

use std::collections::{BTreeMap, BTreeSet};

use super::contributors::{Contributors, Sponsorship, is_reproducible_merge};
use super::people::minutes_between;
use super::{People, Setting};
use crate::evidence::{
    Change, Check, Commit, CommitIx, Conclusion, EvidenceError, File, FileStatus, Identity, Index,
    Iteration, Listing, MachineIx, PersonIx, Push, Range,
};
use crate::facts::files::{Paths, paths};
use crate::hashing::Set;
use crate::text::Text;

/// Facts of one change. Each is an attribute of `Change` in the base schema.
#[derive(Debug)]
pub(crate) struct ChangeFacts<'e> {
    pub(crate) change: &'e Change<'e>,
    /// Commits that head reaches and base does not.
    pub(crate) commits: Vec<CommitIx>,
    pub(crate) contributors: Contributors,
    pub(crate) authors: People,
    pub(crate) committers: People,
    pub(crate) co_authors: People,
    pub(crate) pushers: People,
    pub(crate) last_pusher: Option<PersonIx>,
    /// Everybody behind the last push that brought something: the person, or the machine's owners and sponsors.
    pub(crate) last_pushers: People,
    /// Everybody behind whoever opened it.
    pub(crate) openers: People,
    pub(crate) pushes_observed: bool,
    /// People on whose behalf machines wrote or pushed.
    pub(crate) sponsors: People,
    sponsorship: Sponsorship,
    /// Since approval was asked for.
    pub(crate) minutes_waiting: Option<i64>,
    pub(crate) iterations_observed: bool,
    pub(crate) paths: Paths,
    /// Checks whose last result on the present head, by a machine, is a success.
    pub(crate) passed_checks: BTreeSet<&'e str>,
    /// Each commit has a verified signature of somebody in the directory.
    pub(crate) every_commit_signed: bool,
    /// Each commit has a verified signature of its own author.
    pub(crate) every_author_verified: bool,
}

/// Derives the facts of `change`.
///
/// # Errors
/// A list that is cut off, a commit that is absent, pushes that do not lead to the head.
pub(crate) fn change_facts<'e>(
    index: &Index<'e>,
    setting: Setting<'_>,
    change: &'e Change<'e>,
) -> Result<ChangeFacts<'e>, EvidenceError> {
    let of = format!("change `{}`", change.id);
    require_complete(&of, "approvals", &change.approvals)?;
    require_complete(&of, "files", &change.files)?;
    refuse_moves_from_nowhere(&of, &change.files.items)?;
    let commits = index.graph.range(change.range(&of))?;
    let mut facts = ChangeFacts {
        change,
        contributors: Contributors::default(),
        authors: People::new(),
        committers: People::new(),
        co_authors: People::new(),
        pushers: People::new(),
        last_pusher: None,
        last_pushers: People::new(),
        openers: People::new(),
        pushes_observed: change.pushes.is_some(),
        sponsors: People::new(),
        sponsorship: Sponsorship::default(),
        minutes_waiting: minutes_between(
            "requested_at",
            change.requested_at.as_deref(),
            setting.now,
        )?,
        iterations_observed: change.iterations.is_some(),
        paths: paths(&setting.data.paths, &change.files.items),
        passed_checks: BTreeSet::new(),
        every_commit_signed: false,
        every_author_verified: true,
        commits,
    };
    if let Some(account) = &change.opened_by {
        let mut behind = Contributors::default();
        behind.add(index, account);
        facts.contributors.merge(&behind);
        facts.openers = behind.people;
    }
    facts.read_commits(index);
    if let Some(iterations) = &change.iterations {
        require_complete(&of, "iterations", iterations)?;
        facts.read_iterations(index, &of, &iterations.items)?;
    }
    if let Some(pushes) = &change.pushes {
        require_complete(&of, "pushes", pushes)?;
        facts.read_pushes(index, &of, &pushes.items)?;
    }
    // Work of nobody at all is compared with nobody.
    facts.contributors.unattributed |= !facts.empty() && facts.contributors.is_empty();
    if let Some(checks) = &change.checks {
        require_complete(&of, "checks", checks)?;
        facts.read_checks(index, &checks.items);
    }
    Ok(facts)
}

/// What was moved was somewhere, and may be missing there.
fn refuse_moves_from_nowhere(of: &str, files: &[File<'_>]) -> Result<(), EvidenceError> {
    let moved = |file: &&File<'_>| matches!(file.status, FileStatus::Renamed | FileStatus::Copied);
    let from_nowhere = |file: &&File<'_>| file.old_path.is_none();
    match files.iter().filter(moved).find(from_nowhere) {
        Some(file) => Err(EvidenceError::incomplete(format!(
            "file `{}` of {of} was renamed or copied, and its `old_path` is missing",
            file.path
        ))),
        None => Ok(()),
    }
}

/// A list that is cut off decides nothing.
pub(crate) fn require_complete<T>(
    of: &str,
    list: &str,
    listing: &Listing<T>,
) -> Result<(), EvidenceError> {
    if listing.complete {
        Ok(())
    } else {
        Err(EvidenceError::incomplete(format!(
            "the list of `{list}` of {of} is not complete"
        )))
    }
}

impl<'e> Change<'e> {
    /// All that its head reaches and its base does not.
    fn range(&'e self, of: &'e str) -> Range<'e> {
        Range {
            of,
            base: Some(&self.base),
            head: &self.head,
            boundary: &self.boundary,
        }
    }
}

impl<'e> ChangeFacts<'e> {
    /// Machines that worked on it on behalf of nobody known.
    pub(crate) fn unsponsored_machines(&self) -> BTreeSet<MachineIx> {
        self.sponsorship.unsponsored()
    }

    /// Nothing lies between base and head.
    pub(crate) fn empty(&self) -> bool {
        self.commits.is_empty()
    }

    fn read_commits(&mut self, index: &Index<'_>) {
        let commits: Vec<_> = work(index, &self.commits).collect();
        for commit in &commits {
            self.contributors.add_commit(index, commit);
            self.sponsorship.note_commit(index, commit);
            self.authors.extend(person(index, &commit.author));
            self.committers.extend(person(index, &commit.committer));
            self.co_authors.extend(people(index, &commit.co_authors));
            self.sponsors.extend(people(index, &commit.on_behalf_of));
            let signer = verified_signer(index, commit);
            let author = index.identity(&commit.author);
            self.every_author_verified &= signer != Identity::Nobody && signer == author;
        }
        // Of a merge that adds nothing it is not asked who its author is, but that somebody answers for it.
        let signed = |commit| verified_signer(index, commit) != Identity::Nobody;
        let mut all = self.commits.iter().filter_map(|ix| index.graph.commit(*ix));
        self.every_commit_signed = !self.commits.is_empty() && all.all(signed);
        self.every_author_verified &= !commits.is_empty() && self.every_commit_signed;
    }

    /// What a squash or a rebase took out of the history was contributed all the same.
    fn read_iterations(
        &mut self,
        index: &Index<'e>,
        of: &str,
        iterations: &'e [Iteration<'e>],
    ) -> Result<(), EvidenceError> {
        let last = iterations.last().map(|iteration| iteration.head.as_str());
        if last != Some(self.change.head.as_str()) {
            return Err(EvidenceError::incomplete(format!(
                "the last iteration of {of} has head `{}`, but its head is `{}`: read them again",
                last.unwrap_or("(none)"),
                self.change.head
            )));
        }
        // Most have the same base, and each what the one before it had.
        let mut heads: BTreeMap<(&str, &[Text<'_>]), Vec<&str>> = BTreeMap::new();
        for iteration in iterations {
            let excluded = (iteration.base.as_str(), iteration.boundary.as_slice());
            heads.entry(excluded).or_default().push(&iteration.head);
        }
        for ((base, boundary), heads) in heads {
            let Some((&head, others)) = heads.split_first() else {
                continue;
            };
            let range = Range {
                of,
                base: Some(base),
                head,
                boundary,
            };
            let commits = index.graph.range_of_all(range, others)?;
            for commit in work(index, &commits) {
                self.contributors.add_commit(index, commit);
                self.sponsorship.note_commit(index, commit);
                self.sponsors.extend(people(index, &commit.on_behalf_of));
            }
        }
        Ok(())
    }

    fn read_checks(&mut self, index: &Index<'_>, checks: &'e [Check<'e>]) {
        // Whoever can use a machine's credentials can have it say anything.
        let is_independent = |check: &&Check<'_>| match index.identity(&check.account) {
            Identity::Machine(machine) => {
                let mut owners = index.owners(machine).iter();
                !owners.any(|owner| self.contributors.people.contains(owner))
            }
            Identity::Person(_) | Identity::Nobody => false,
        };
        // That something failed anybody may say.
        let here = checks.iter().filter(|check| check.head == self.change.head);
        for check in here {
            match check.conclusion {
                Conclusion::Success if is_independent(&check) => {
                    self.passed_checks.insert(&check.name);
                }
                Conclusion::Success => {}
                Conclusion::Failure | Conclusion::Neutral | Conclusion::Pending => {
                    self.passed_checks.remove(check.name.as_str());
                }
            }
        }
    }

    /// A forge that records pushes has one for every head that a change ever
    /// had. So a last push that did not leave the present head means that the
    /// pushes were read before the newest one.
    fn read_pushes(
        &mut self,
        index: &Index<'e>,
        of: &str,
        pushes: &[Push<'_>],
    ) -> Result<(), EvidenceError> {
        let last = pushes.last();
        let left = last.map(|push| push.head.as_str());
        if left != Some(self.change.head.as_str()) && !(left.is_none() && self.empty()) {
            return Err(EvidenceError::incomplete(format!(
                "the last push to {of} left head `{}`, but its head is `{}`: read the pushes again",
                left.unwrap_or("(none)"),
                self.change.head
            )));
        }
        let merges = pushes.iter().map(|push| self.merge(index, &push.head));
        let merges: Vec<_> = merges.collect();
        // What the target branch has, if anything was merged at all.
        let target = match merges.iter().any(Option::is_some) {
            true => index.graph.ancestry(self.change.range(of).excluded()),
            false => Set::default(),
        };
        let mut before = None;
        for (push, merge) in pushes.iter().zip(merges) {
            let update = merge.is_some_and(|merge| is_update(merge, before, &target));
            before = Some(push.head.as_str());
            if update {
                continue;
            }
            let pusher = person(index, &push.account);
            let mut behind = Contributors::default();
            for account in std::iter::once(&push.account).chain(&push.on_behalf_of) {
                behind.add(index, account);
            }
            self.sponsorship.note_push(index, push);
            self.contributors.merge(&behind);
            self.pushers.extend(pusher);
            self.sponsors.extend(people(index, &push.on_behalf_of));
            self.last_pusher = pusher;
            self.last_pushers = behind.people;
        }
        Ok(())
    }

    /// The reproducible merge of that id.
    fn merge(&self, index: &Index<'e>, id: &str) -> Option<&'e Commit<'e>> {
        let commit = index.graph.commit(index.graph.find(id)?)?;
        is_reproducible_merge(index, commit, &self.commits).then_some(commit)
    }
}

/// Commits of a range that somebody made: all but those that add nothing of their own.
pub(super) fn work<'i, 'e>(
    index: &'i Index<'e>,
    range: &'i [CommitIx],
) -> impl Iterator<Item = &'e Commit<'e>> + use<'i, 'e> {
    let commits = range.iter().filter_map(|ix| index.graph.commit(*ix));
    commits.filter(|commit| !is_reproducible_merge(index, commit, range))
}

/// Whether a push did no more than to merge the target branch into the head that was there before.
fn is_update(merge: &Commit<'_>, before: Option<&str>, target: &Set<&str>) -> bool {
    let mut parents = merge.parents.iter().map(|parent| parent.as_str());
    parents.next() == before && parents.all(|parent| target.contains(parent))
}

/// Who a verified signature of the commit is by.
fn verified_signer(index: &Index<'_>, commit: &Commit<'_>) -> Identity {
    let signature = commit.signature.as_ref().filter(|s| s.verified);
    let signer = signature.and_then(|s| s.signer.as_deref());
    signer.map_or(Identity::Nobody, |account| index.identity(account))
}

fn people<'a>(
    index: &'a Index<'_>,
    accounts: &'a [Text<'_>],
) -> impl Iterator<Item = PersonIx> + 'a {
    accounts.iter().filter_map(|account| person(index, account))
}

fn person(index: &Index<'_>, account: &str) -> Option<PersonIx> {
    match index.identity(account) {
        crate::evidence::Identity::Person(person) => Some(person),
        _ => None,
    }
}
