//! The commits of a range: reachable from one commit and not from another, through every parent.

use std::collections::{BTreeSet, HashSet, VecDeque};

use gix::ObjectId;

use super::error::GitError;
use super::history::History;
use super::merge::Merges;
use super::repository::corrupt;
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
        history: &mut History<'_>,
        merges: &mut Merges,
        base: Option<ObjectId>,
        head: ObjectId,
    ) -> Result<Self, GitError> {
        let known = match base {
            Some(base) => history.ancestors(base)?,
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
            let data = history.repository.commit(id, &mut buffer)?;
            let (mut commit, parents) = read(data, id)?;
            let merged_tree = merges.fresh(history, &parents)?;
            commit.merged_tree = merged_tree.map(|tree| tree.to_string());
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
        tree: links.tree.to_string(),
        merged_tree: None,
    };
    Ok((commit, links.parents))
}
