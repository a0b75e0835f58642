//! What builds on what: the links of every commit behind some others, each read once.

use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, BinaryHeap, HashMap, HashSet};

use gix::ObjectId;

use super::commit::{self, Links};
use super::error::GitError;
use super::repository::{Repository, corrupt};

/// The commits read so far.
///
/// Dates play no part: whoever writes a commit dates it. How far a commit is
/// from the roots follows from the hashes alone.
pub(super) struct History<'r> {
    pub(super) repository: &'r Repository,
    links: HashMap<ObjectId, Links>,
    /// Of a root 1, of any other one more than the highest of its parents.
    generations: HashMap<ObjectId, u32>,
}

/// Which of two groups of commits reaches a commit.
#[derive(Default, Clone, Copy)]
struct Reached {
    by_first: bool,
    by_second: bool,
    /// By a common ancestor that was found already.
    by_common: bool,
}

impl<'r> History<'r> {
    pub(super) fn new(repository: &'r Repository) -> Self {
        History {
            repository,
            links: HashMap::new(),
            generations: HashMap::new(),
        }
    }

    /// Tree and parents of a commit.
    pub(super) fn links(&mut self, id: ObjectId) -> Result<&Links, GitError> {
        match self.links.entry(id) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(unknown) => {
                let mut buffer = Vec::new();
                let data = self.repository.commit(id, &mut buffer)?;
                let links = commit::links(data, id.kind());
                let (links, _) = links.map_err(|cause| corrupt("commit", id, cause))?;
                Ok(unknown.insert(links))
            }
        }
    }

    pub(super) fn tree(&mut self, id: ObjectId) -> Result<ObjectId, GitError> {
        self.links(id).map(|links| links.tree)
    }

    /// The commit and everything that it builds on.
    pub(super) fn ancestors(&mut self, id: ObjectId) -> Result<HashSet<ObjectId>, GitError> {
        let mut seen = HashSet::from([id]);
        let mut stack = vec![id];
        while let Some(id) = stack.pop() {
            let parents = self.links(id)?.parents.iter().copied();
            stack.extend(parents.filter(|id| seen.insert(*id)));
        }
        Ok(seen)
    }

    /// Common ancestors of two groups of commits that no other common ancestor
    /// builds on, as `git merge-base --all` has them, sorted.
    pub(super) fn merge_bases(
        &mut self,
        first: &[ObjectId],
        second: &[ObjectId],
    ) -> Result<BTreeSet<ObjectId>, GitError> {
        let mut bases = BTreeSet::new();
        let mut reached: HashMap<ObjectId, Reached> = HashMap::new();
        // Children before their parents, so that all is known of a commit when its turn comes.
        let mut queue = BinaryHeap::new();
        let starts = first.iter().map(|id| (*id, true));
        for (id, is_first) in starts.chain(second.iter().map(|id| (*id, false))) {
            let mark = reached.entry(id).or_default();
            mark.by_first |= is_first;
            mark.by_second |= !is_first;
            queue.push((self.generation(id)?, Reverse(id)));
        }
        let mut last = None;
        while let Some((_, Reverse(id))) = queue.pop() {
            if last.replace(id) == Some(id) {
                continue;
            }
            let mut mark = reached.get(&id).copied().unwrap_or_default();
            if mark.by_first && mark.by_second && !mark.by_common {
                bases.insert(id);
                mark.by_common = true;
            }
            for parent in self.links(id)?.parents.clone() {
                let of_parent = reached.entry(parent).or_default();
                of_parent.by_first |= mark.by_first;
                of_parent.by_second |= mark.by_second;
                of_parent.by_common |= mark.by_common;
                queue.push((self.generation(parent)?, Reverse(parent)));
            }
            let is_open = |(_, Reverse(id)): &(u32, Reverse<ObjectId>)| {
                !reached.get(id).is_some_and(|mark| mark.by_common)
            };
            if !queue.iter().any(is_open) {
                break;
            }
        }
        Ok(bases)
    }

    /// Without recursion: history is longer than a stack is deep.
    fn generation(&mut self, id: ObjectId) -> Result<u32, GitError> {
        let mut stack = vec![id];
        while let Some(id) = stack.last().copied() {
            let parents = self.links(id)?.parents.clone();
            let unknown = parents
                .iter()
                .filter(|id| !self.generations.contains_key(*id));
            let depth = stack.len();
            stack.extend(unknown.copied());
            if stack.len() == depth {
                let known = parents.iter().filter_map(|id| self.generations.get(id));
                let generation = known.max().map_or(1, |highest| highest.saturating_add(1));
                self.generations.insert(id, generation);
                stack.pop();
            }
        }
        Ok(self.generations.get(&id).copied().unwrap_or_default())
    }
}
