//! What builds on what: the links of every commit behind some others, each read once.

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

/// Commits reached so far, those whose parents come next among them.
#[derive(Default)]
struct Front {
    reached: HashMap<ObjectId, Reached>,
    /// Children before their parents, so that all is known of a commit when its turn comes.
    queue: BinaryHeap<(u32, ObjectId)>,
    /// How many in the queue can still lead to something new.
    open: usize,
}

impl Front {
    fn reach(&mut self, id: ObjectId, generation: u32, mark: Reached) {
        let is_new = !self.reached.contains_key(&id);
        let of_commit = self.reached.entry(id).or_default();
        let was_open = !is_new && !of_commit.by_common;
        of_commit.by_first |= mark.by_first;
        of_commit.by_second |= mark.by_second;
        of_commit.by_common |= mark.by_common;
        match (was_open, !of_commit.by_common) {
            (false, true) => self.open += 1,
            (true, false) => self.open -= 1,
            _ => {}
        }
        if is_new {
            self.queue.push((generation, id));
        }
    }

    fn next(&mut self) -> Option<(ObjectId, Reached)> {
        if self.open == 0 {
            return None;
        }
        let (_, id) = self.queue.pop()?;
        let mark = self.reached.get(&id).copied()?;
        if !mark.by_common {
            self.open -= 1;
        }
        Some((id, mark))
    }
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
        let mut front = Front::default();
        let by_first = Reached {
            by_first: true,
            ..Reached::default()
        };
        let by_second = Reached {
            by_second: true,
            ..Reached::default()
        };
        for (ids, mark) in [(first, by_first), (second, by_second)] {
            for id in ids {
                front.reach(*id, self.generation(*id)?, mark);
            }
        }
        while let Some((id, mut mark)) = front.next() {
            if mark.by_first && mark.by_second && !mark.by_common {
                bases.insert(id);
                mark.by_common = true;
            }
            for parent in self.links(id)?.parents.clone() {
                front.reach(parent, self.generation(parent)?, mark);
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
