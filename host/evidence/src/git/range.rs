//! The commits of a range: reachable from one commit and not from another, through every parent.

use std::collections::{BTreeSet, HashSet, VecDeque};

use gix::ObjectId;

use super::error::GitError;
use super::repository::{Repository, corrupt};
use super::{commit, identity};
use crate::evidence::Commit;

/// A range and where it stands on older commits, as `git rev-list --boundary` has it.
pub(super) struct Range {
    /// Breadth first from the head, parents in order.
    pub(super) commits: Vec<Commit>,
    /// Parents of these commits that are reachable from the base, sorted.
    pub(super) boundary: Vec<String>,
}

impl Range {
    /// All that is reachable from `head` and not from `base`.
    ///
    /// Everything behind `base` is walked to its roots. Commit dates could cut
    /// that short, as they do in git, but whoever writes a commit dates it.
    pub(super) fn collect(
        repository: &Repository,
        base: Option<ObjectId>,
        head: ObjectId,
    ) -> Result<Self, GitError> {
        let known = match base {
            Some(base) => ancestors(repository, base)?,
            None => HashSet::new(),
        };
        let mut range = Range {
            commits: Vec::new(),
            boundary: Vec::new(),
        };
        let mut boundary = BTreeSet::new();
        let mut seen = HashSet::new();
        let mut queue = VecDeque::new();
        if !known.contains(&head) {
            seen.insert(head);
            queue.push_back(head);
        }
        let mut buffer = Vec::new();
        while let Some(id) = queue.pop_front() {
            let data = repository.commit(id, &mut buffer)?;
            let (commit, parents) = read(data, id)?;
            range.commits.push(commit);
            for parent in parents {
                if known.contains(&parent) {
                    boundary.insert(parent);
                } else if seen.insert(parent) {
                    queue.push_back(parent);
                }
            }
        }
        range.boundary = boundary.iter().map(ObjectId::to_string).collect();
        Ok(range)
    }
}

/// The commit and everything that it builds on.
fn ancestors(repository: &Repository, id: ObjectId) -> Result<HashSet<ObjectId>, GitError> {
    let mut seen = HashSet::from([id]);
    let mut stack = vec![id];
    let mut buffer = Vec::new();
    while let Some(id) = stack.pop() {
        let data = repository.commit(id, &mut buffer)?;
        let (links, _) = commit::links(data, id.kind()).map_err(|e| corrupt("commit", id, e))?;
        stack.extend(links.parents.into_iter().filter(|id| seen.insert(*id)));
    }
    Ok(seen)
}

fn read(data: &[u8], id: ObjectId) -> Result<(Commit, Vec<ObjectId>), GitError> {
    let malformed = |cause| corrupt("commit", id, cause);
    let (links, rest) = commit::links(data, id.kind()).map_err(malformed)?;
    let details = commit::details(rest).map_err(malformed)?;
    let commit = Commit {
        id: id.to_string(),
        parents: links.parents.iter().map(ObjectId::to_string).collect(),
        author: identity::account(details.author),
        committer: identity::account(details.committer),
        co_authors: identity::co_authors(details.message),
        signature: details.signature.map(identity::signature),
    };
    Ok((commit, links.parents))
}
