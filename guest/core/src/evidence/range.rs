//! The commit graph, and which commits lie between two of them.
//!
//! Always a set difference through **every** parent, never the first-parent
//! line: work that enters by a merge's second parent is work in the change.

use std::collections::{HashMap, HashSet};

use super::{Commit, EvidenceError, Listing};
use crate::text::Text;

/// Position in [`Evidence::commits`](super::Evidence::commits).
pub(crate) type CommitIx = u32;

/// The commits of the evidence with their parents resolved.
#[derive(Debug)]
pub(crate) struct Graph<'e> {
    commits: &'e Listing<Commit<'e>>,
    by_id: HashMap<&'e str, CommitIx>,
}

/// What a range is asked for: all that `head` reaches and `base` does not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range<'e> {
    /// Whose range it is, for messages: "change `bank/payments#42`".
    pub(crate) of: &'e str,
    pub(crate) base: Option<&'e str>,
    pub(crate) head: &'e str,
    pub(crate) boundary: &'e [Text<'e>],
}

impl<'e> Range<'e> {
    /// What is not in it, nor is anything that they reach.
    pub(crate) fn excluded(&self) -> impl Iterator<Item = &'e str> + use<'e> {
        self.base.into_iter().chain(texts(self.boundary))
    }
}

impl<'e> Graph<'e> {
    /// Indexes the commits. A commit listed twice or that is its own ancestor
    /// makes the evidence invalid: ids are hashes, so neither can be true.
    pub(crate) fn build(commits: &'e Listing<Commit<'e>>) -> Result<Self, EvidenceError> {
        let mut by_id = HashMap::with_capacity(commits.items.len());
        for (ix, commit) in (0..).zip(&commits.items) {
            if by_id.insert(commit.id.as_str(), ix).is_some() {
                return Err(EvidenceError::invalid(format!(
                    "commit `{}` is listed twice",
                    commit.id
                )));
            }
        }
        let graph = Graph { commits, by_id };
        graph.refuse_cycles()?;
        Ok(graph)
    }

    pub(crate) fn commit(&self, ix: CommitIx) -> Option<&'e Commit<'e>> {
        self.commits.items.get(ix as usize)
    }

    pub(crate) fn find(&self, id: &str) -> Option<CommitIx> {
        self.by_id.get(id).copied()
    }

    /// Positions of the commits in `range`, ascending.
    pub(crate) fn range(&self, range: Range<'e>) -> Result<Vec<CommitIx>, EvidenceError> {
        if !self.commits.complete {
            return Err(EvidenceError::incomplete(
                "the list of `commits` is not complete",
            ));
        }
        let excluded = self.ancestry(range.excluded());
        let mut found = HashSet::new();
        let mut todo = vec![(range.head, "its head")];
        while let Some((id, role)) = todo.pop() {
            if excluded.contains(id) {
                continue;
            }
            let Some(ix) = self.find(id) else {
                return Err(EvidenceError::incomplete(format!(
                    "commit `{id}` of {}, {role}, is neither in `commits` nor in its `boundary`",
                    range.of
                )));
            };
            if found.insert(ix) {
                let parents = self.commit(ix).map_or(&[][..], |c| &c.parents);
                todo.extend(texts(parents).map(|p| (p, "a parent of another")));
            }
        }
        let mut found: Vec<CommitIx> = found.into_iter().collect();
        found.sort_unstable();
        Ok(found)
    }

    /// `tips` and all that they reach within the graph.
    pub(crate) fn ancestry(&self, tips: impl Iterator<Item = &'e str>) -> HashSet<&'e str> {
        let mut seen = HashSet::new();
        let mut todo: Vec<&str> = tips.collect();
        while let Some(id) = todo.pop() {
            if seen.insert(id) {
                let commit = self.find(id).and_then(|ix| self.commit(ix));
                todo.extend(commit.iter().flat_map(|c| texts(&c.parents)));
            }
        }
        seen
    }

    /// Kahn's algorithm: what cannot be ordered is on or behind a cycle.
    fn refuse_cycles(&self) -> Result<(), EvidenceError> {
        let n = self.commits.items.len();
        let mut children = vec![0_u32; n];
        for parent in self.commits.items.iter().flat_map(|c| &c.parents) {
            if let Some(count) = self.slot(&mut children, parent) {
                *count += 1;
            }
        }
        let mut ready: Vec<usize> = (0..n).filter(|ix| children.get(*ix) == Some(&0)).collect();
        let mut ordered = 0;
        while let Some(ix) = ready.pop() {
            ordered += 1;
            let parents = self.commits.items.get(ix).map_or(&[][..], |c| &c.parents);
            for parent in parents {
                if let Some(count) = self.slot(&mut children, parent) {
                    *count -= 1;
                    if *count == 0 {
                        ready.extend(self.find(parent).map(|ix| ix as usize));
                    }
                }
            }
        }
        if ordered == n {
            return Ok(());
        }
        let stuck = children.iter().position(|count| *count > 0);
        let id = stuck.and_then(|ix| self.commits.items.get(ix));
        Err(EvidenceError::invalid(format!(
            "commit `{}` is its own ancestor",
            id.map_or("", |c| c.id.as_str())
        )))
    }

    fn slot<'c>(&self, counts: &'c mut [u32], id: &str) -> Option<&'c mut u32> {
        counts.get_mut(self.find(id)? as usize)
    }
}

fn texts<'e>(list: &'e [Text<'e>]) -> impl Iterator<Item = &'e str> {
    list.iter().map(Text::as_str)
}

#[cfg(test)]
mod tests;
