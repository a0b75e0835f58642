//! Facts of a change: all that its commits and pushes say about who made it.

use super::People;
use super::contributors::Contributors;
use crate::evidence::{Change, CommitIx, EvidenceError, Index, Listing, PersonIx, Push, Range};

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
}

/// Derives the facts of `change`.
///
/// # Errors
/// A list that is cut off, a commit that is absent, pushes that do not lead to the head.
pub(crate) fn change_facts<'e>(
    index: &Index<'e>,
    change: &'e Change<'e>,
) -> Result<ChangeFacts<'e>, EvidenceError> {
    let of = format!("change `{}`", change.id);
    require_complete(&of, "approvals", &change.approvals)?;
    require_complete(&of, "files", &change.files)?;
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
        commits,
    };
    facts.read_commits(index);
    if let Some(pushes) = &change.pushes {
        require_complete(&of, "pushes", pushes)?;
        facts.read_pushes(index, &of, &pushes.items)?;
    }
    Ok(facts)
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

impl ChangeFacts<'_> {
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
