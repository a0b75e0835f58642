//! The commit graph, and which commits lie between two of them.
//!
//! Always a set difference through **every** parent, never the first-parent
//! line: work that enters by a merge's second parent is work in the change.

use std::collections::{BTreeSet, BinaryHeap};

use super::{Commit, EvidenceError, Listing};
use crate::hashing::{Key, Map, Set};
use crate::text::Text;

/// Position in [`Evidence::commits`](super::Evidence::commits).
pub(crate) type CommitIx = u32;

/// A commit, listed or not: listed ones by their position, the others behind them.
type Node = u32;

/// The commits of the evidence with their parents resolved.
#[derive(Debug)]
pub(crate) struct Graph<'e> {
    commits: &'e Listing<Commit<'e>>,
    nodes: Map<&'e str, Node>,
    /// Ids of parents that are not listed.
    unlisted: Vec<&'e str>,
    /// Of each listed commit.
    parents: Vec<Vec<Node>>,
    /// Length of the longest way down from each listed commit, at least 1. Whatever a commit reaches is lower.
    heights: Vec<u32>,
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
    pub(crate) fn build(
        commits: &'e Listing<Commit<'e>>,
        key: &Key,
    ) -> Result<Self, EvidenceError> {
        let mut nodes = Map::with_capacity_and_hasher(commits.items.len(), key.clone());
        for (ix, commit) in (0..).zip(&commits.items) {
            if nodes.insert(commit.id.as_str(), ix).is_some() {
                return Err(EvidenceError::invalid(format!(
                    "commit `{}` is listed twice",
                    commit.id
                )));
            }
        }
        let mut graph = Graph {
            commits,
            parents: Vec::with_capacity(nodes.len()),
            heights: vec![0; nodes.len()],
            unlisted: Vec::new(),
            nodes,
        };
        for commit in &commits.items {
            let parents = texts(&commit.parents).map(|id| graph.intern(id)).collect();
            graph.parents.push(parents);
        }
        graph.measure()?;
        Ok(graph)
    }

    fn key(&self) -> Key {
        self.nodes.hasher().clone()
    }

    fn intern(&mut self, id: &'e str) -> Node {
        let listed = self.commits.items.len();
        let next = u32::try_from(listed + self.unlisted.len()).unwrap_or(Node::MAX);
        let unlisted = &mut self.unlisted;
        *self.nodes.entry(id).or_insert_with(|| {
            unlisted.push(id);
            next
        })
    }

    pub(crate) fn commit(&self, ix: CommitIx) -> Option<&'e Commit<'e>> {
        self.commits.items.get(ix as usize)
    }

    pub(crate) fn find(&self, id: &str) -> Option<CommitIx> {
        let node = self.nodes.get(id).copied()?;
        self.commit(node).map(|_| node)
    }

    fn parents(&self, node: Node) -> &[Node] {
        self.parents.get(node as usize).map_or(&[], Vec::as_slice)
    }

    /// 0 for what is not listed.
    pub(crate) fn height(&self, node: CommitIx) -> u32 {
        self.heights.get(node as usize).copied().unwrap_or(0)
    }

    fn id(&self, node: Node) -> &'e str {
        let unlisted = (node as usize).checked_sub(self.commits.items.len());
        let unlisted = unlisted.and_then(|at| self.unlisted.get(at).copied());
        let listed = self.commit(node).map(|commit| commit.id.as_str());
        listed.or(unlisted).unwrap_or("")
    }

    /// Positions of the commits in `range`, ascending.
    ///
    /// What is excluded is followed no further down than there is something to exclude, so that a range costs what
    /// it holds and not all that lies behind it.
    pub(crate) fn range(&self, range: Range<'e>) -> Result<Vec<CommitIx>, EvidenceError> {
        self.range_of_all(range, &[])
    }

    /// As [`range`](Graph::range), of further heads besides.
    pub(crate) fn range_of_all(
        &self,
        range: Range<'e>,
        heads: &[&'e str],
    ) -> Result<Vec<CommitIx>, EvidenceError> {
        if !self.commits.complete {
            return Err(EvidenceError::incomplete(
                "the list of `commits` is not complete",
            ));
        }
        let absent = |id: &str, role: &str| {
            EvidenceError::incomplete(format!(
                "commit `{id}` of {}, {role}, is neither in `commits` nor in its `boundary`",
                range.of
            ))
        };
        let mut walk = Walk::new(self);
        for node in range.excluded().filter_map(|id| self.nodes.get(id)) {
            walk.reach(*node, true);
        }
        let mut tips = BTreeSet::new();
        for head in std::iter::once(&range.head).chain(heads) {
            if let Some(node) = self.nodes.get(head) {
                walk.reach(*node, false);
                tips.insert(*node);
            } else if !range.excluded().any(|id| id == *head) {
                return Err(absent(head, "its head"));
            }
        }
        let mut found = Vec::new();
        while let Some((node, excluded)) = walk.next() {
            if !excluded {
                if self.commit(node).is_none() {
                    let role = match tips.contains(&node) {
                        true => "its head",
                        false => "a parent of another",
                    };
                    return Err(absent(self.id(node), role));
                }
                found.push(node);
            }
            for parent in self.parents(node) {
                walk.reach(*parent, excluded);
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// Who said something of a commit said it of all that it reaches, too: who of `said`, heads with people, for each
    /// commit as far down as `commits` go. At most `most` are told for each, no matter which.
    pub(crate) fn said_of(
        &self,
        commits: &[CommitIx],
        said: impl Iterator<Item = (&'e str, u32)>,
        most: usize,
    ) -> Map<CommitIx, BTreeSet<u32>> {
        let lowest = commits.iter().map(|ix| self.height(*ix)).min();
        let lowest = lowest.unwrap_or(u32::MAX);
        let mut of: Map<CommitIx, BTreeSet<u32>> = Map::with_hasher(self.key());
        let mut todo = BinaryHeap::new();
        let say = |of: &mut Map<_, _>, todo: &mut BinaryHeap<_>, node, who: &BTreeSet<u32>| {
            let height = self.height(node);
            if height < lowest || height == 0 {
                return;
            }
            let known: &mut BTreeSet<u32> = of.entry(node).or_insert_with(|| {
                todo.push((height, node));
                BTreeSet::new()
            });
            let room = most.saturating_sub(known.len());
            let new: Vec<u32> = who
                .iter()
                .filter(|who| !known.contains(*who))
                .take(room)
                .copied()
                .collect();
            known.extend(new);
        };
        for (head, who) in said {
            if let Some(node) = self.find(head) {
                say(&mut of, &mut todo, node, &BTreeSet::from([who]));
            }
        }
        while let Some((_, node)) = todo.pop() {
            let who = of.remove(&node).unwrap_or_default();
            for parent in self.parents(node) {
                say(&mut of, &mut todo, *parent, &who);
            }
            of.insert(node, who);
        }
        of
    }

    /// `tips` and all that they reach within the graph.
    pub(crate) fn ancestry(&self, tips: impl Iterator<Item = &'e str>) -> Set<&'e str> {
        let mut seen = Set::with_hasher(self.key());
        let mut todo: Vec<&str> = tips.collect();
        while let Some(id) = todo.pop() {
            if seen.insert(id) {
                let commit = self.find(id).and_then(|ix| self.commit(ix));
                todo.extend(commit.iter().flat_map(|c| texts(&c.parents)));
            }
        }
        seen
    }

    /// Kahn's algorithm from the oldest up: what cannot be ordered is on or behind a cycle.
    fn measure(&mut self) -> Result<(), EvidenceError> {
        let listed = self.commits.items.len();
        let is_listed = |parent: &&Node| (**parent as usize) < listed;
        let mut children: Vec<Vec<Node>> = vec![Vec::new(); listed];
        let mut waits_for = vec![0_u32; listed];
        for (ix, parents) in (0..).zip(&self.parents) {
            for parent in parents.iter().filter(is_listed) {
                if let (Some(of), Some(count)) = (
                    children.get_mut(*parent as usize),
                    waits_for.get_mut(ix as usize),
                ) {
                    of.push(ix);
                    *count += 1;
                }
            }
        }
        let ready = (0_u32..).zip(&waits_for).filter(|(_, count)| **count == 0);
        let mut ready: Vec<Node> = ready.map(|(ix, _)| ix).collect();
        let mut ordered = 0;
        while let Some(ix) = ready.pop() {
            ordered += 1;
            let below = self.parents(ix).iter().map(|parent| self.height(*parent));
            let height = below.max().unwrap_or(0) + 1;
            if let Some(slot) = self.heights.get_mut(ix as usize) {
                *slot = height;
            }
            for child in children.get(ix as usize).into_iter().flatten() {
                if let Some(count) = waits_for.get_mut(*child as usize) {
                    *count -= 1;
                    if *count == 0 {
                        ready.push(*child);
                    }
                }
            }
        }
        if ordered == listed {
            return Ok(());
        }
        let stuck = waits_for.iter().position(|count| *count > 0);
        let id = stuck.and_then(|ix| self.commits.items.get(ix));
        Err(EvidenceError::invalid(format!(
            "commit `{}` is its own ancestor",
            id.map_or("", |c| c.id.as_str())
        )))
    }
}

/// From both ends of a range down, the higher commits first: whatever leads to a commit has been seen before it.
struct Walk<'g, 'e> {
    graph: &'g Graph<'e>,
    todo: BinaryHeap<(u32, Node)>,
    /// Whether it is excluded, of each commit that was reached.
    excluded: Map<Node, bool>,
    /// Commits still to be visited that are not excluded.
    open: usize,
}

impl<'g, 'e> Walk<'g, 'e> {
    fn new(graph: &'g Graph<'e>) -> Self {
        Walk {
            graph,
            todo: BinaryHeap::new(),
            excluded: Map::with_hasher(graph.key()),
            open: 0,
        }
    }

    fn reach(&mut self, node: Node, excluded: bool) {
        match self.excluded.get_mut(&node) {
            None => {
                self.excluded.insert(node, excluded);
                self.todo.push((self.graph.height(node), node));
                self.open += usize::from(!excluded);
            }
            // It is lower than all that was visited, so it is still to be visited.
            Some(known) if excluded && !*known => {
                *known = true;
                self.open -= 1;
            }
            Some(_) => {}
        }
    }

    /// The next commit and whether it is excluded; none where only such are left.
    fn next(&mut self) -> Option<(Node, bool)> {
        if self.open == 0 {
            return None;
        }
        let (_, node) = self.todo.pop()?;
        let excluded = self.excluded.get(&node).copied().unwrap_or(true);
        self.open -= usize::from(!excluded);
        Some((node, excluded))
    }
}

fn texts<'e>(list: &'e [Text<'e>]) -> impl Iterator<Item = &'e str> {
    list.iter().map(Text::as_str)
}

#[cfg(test)]
mod tests;
