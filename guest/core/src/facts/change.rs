//! Facts of a change: all that its commits and pushes say about who made it.

use std::collections::BTreeSet;

use super::contributors::Contributors;
use super::people::minutes_since;
use super::{People, Setting};
use crate::evidence::{
    Change, Check, CommitIx, Conclusion, EvidenceError, File, FileStatus, Identity, Index,
    Iteration, Listing, PersonIx, Push, Range,
};
use crate::facts::files::{Paths, paths};

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
    pub(crate) pushes_observed: bool,
    /// People on whose behalf machines wrote or pushed.
    pub(crate) sponsors: People,
    /// Since approval was asked for.
    pub(crate) minutes_waiting: Option<i64>,
    pub(crate) iterations_observed: bool,
    pub(crate) paths: Paths,
    /// Checks whose last result on the present head, by a machine, is a success.
    pub(crate) passed_checks: BTreeSet<&'e str>,
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
    let commits = index.graph.range(Range {
        of: &of,
        base: Some(&change.base),
        head: &change.head,
        boundary: &change.boundary,
    })?;
    let mut facts = ChangeFacts {
        change,
        contributors: Contributors::default(),
        authors: People::new(),
        committers: People::new(),
        co_authors: People::new(),
        pushers: People::new(),
        last_pusher: None,
        pushes_observed: change.pushes.is_some(),
        sponsors: People::new(),
        minutes_waiting: minutes_since(
            "requested_at",
            change.requested_at.as_deref(),
            setting.now,
        )?,
        iterations_observed: change.iterations.is_some(),
        paths: paths(&setting.data.paths, &change.files.items),
        passed_checks: BTreeSet::new(),
        commits,
    };
    facts.read_commits(index);
    if let Some(iterations) = &change.iterations {
        require_complete(&of, "iterations", iterations)?;
        facts.read_iterations(index, &of, &iterations.items)?;
    }
    if let Some(pushes) = &change.pushes {
        require_complete(&of, "pushes", pushes)?;
        facts.read_pushes(index, &of, &pushes.items)?;
    }
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

impl<'e> ChangeFacts<'e> {
    /// Nothing lies between base and head.
    pub(crate) fn empty(&self) -> bool {
        self.commits.is_empty()
    }

    fn read_commits(&mut self, index: &Index<'_>) {
        for commit in self.commits.iter().filter_map(|ix| index.graph.commit(*ix)) {
            self.contributors.add_commit(index, commit);
            self.authors.extend(person(index, &commit.author));
            self.committers.extend(person(index, &commit.committer));
            let co_authors = commit.co_authors.iter();
            self.co_authors
                .extend(co_authors.filter_map(|a| person(index, a)));
            let sponsors = commit.on_behalf_of.iter();
            self.sponsors
                .extend(sponsors.filter_map(|a| person(index, a)));
        }
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
        for iteration in iterations {
            let commits = index.graph.range(Range {
                of,
                base: Some(&iteration.base),
                head: &iteration.head,
                boundary: &iteration.boundary,
            })?;
            for commit in commits.iter().filter_map(|ix| index.graph.commit(*ix)) {
                self.contributors.add_commit(index, commit);
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
        let here = checks.iter().filter(|check| check.head == self.change.head);
        let here: Vec<_> = here.filter(is_independent).collect();
        for check in here {
            match check.conclusion {
                Conclusion::Success => self.passed_checks.insert(&check.name),
                Conclusion::Failure | Conclusion::Neutral | Conclusion::Pending => {
                    self.passed_checks.remove(check.name.as_str())
                }
            };
        }
    }

    /// A forge that records pushes has one for every head that a change ever
    /// had. So a last push that did not leave the present head means that the
    /// pushes were read before the newest one.
    fn read_pushes(
        &mut self,
        index: &Index<'_>,
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
        for push in pushes {
            let pusher = self.contributors.add(index, &push.account);
            self.pushers.extend(pusher);
            for account in &push.on_behalf_of {
                let sponsor = self.contributors.add(index, account);
                self.sponsors.extend(sponsor);
            }
        }
        self.last_pusher = last.and_then(|push| person(index, &push.account));
        Ok(())
    }
}

fn person(index: &Index<'_>, account: &str) -> Option<PersonIx> {
    match index.identity(account) {
        crate::evidence::Identity::Person(person) => Some(person),
        _ => None,
    }
}
