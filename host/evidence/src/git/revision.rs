//! From a REV that somebody typed to the one commit that it can mean.

use std::collections::{BTreeMap, HashSet};

use gix::ObjectId;
use gix::hash::Prefix;
use gix::objs::{FindHeader, Kind, TagRefIter};
use gix::refs::file::ReferenceExt;

use super::commit;
use super::error::GitError;
use super::repository::{Repository, corrupt};

/// A commit id, a branch, a tag or `HEAD`, followed by any number of `~N` and `^N`.
///
/// Where git would warn and pick one of several meanings, this is an error:
/// whoever may push a tag could otherwise choose what `main` means.
pub(super) struct Revision<'a> {
    /// What it is for, in error messages.
    role: &'static str,
    text: &'a str,
}

/// One `~N` or `^N`.
enum Step {
    /// So many generations back, by first parents.
    Ancestor(usize),
    /// This parent, from 1; 0 is the commit itself.
    Parent(usize),
}

/// Where git looks for a name that is not a full one, in its order.
const NAMESPACES: [(&str, &str); 5] = [
    ("refs/", ""),
    ("refs/tags/", ""),
    ("refs/heads/", ""),
    ("refs/remotes/", ""),
    ("refs/remotes/", "/HEAD"),
];

impl<'a> Revision<'a> {
    pub(super) fn new(role: &'static str, text: &'a str) -> Self {
        Revision { role, text }
    }

    pub(super) fn resolve(&self, repository: &Repository) -> Result<ObjectId, GitError> {
        let end = self.text.find(['~', '^']).unwrap_or(self.text.len());
        let (name, steps) = self.text.split_at(end);
        let steps = self.steps(steps)?;
        let start = match name {
            "@" => self.reference(repository, "HEAD")?,
            name if is_full_name(name) => self.reference(repository, name)?,
            name => match ObjectId::from_hex(name.as_bytes()) {
                Ok(id) if id.kind() == repository.hash_kind() => Some(self.peel(repository, id)?),
                _ => self.by_short_name(repository, name)?,
            },
        };
        let start = start.ok_or_else(|| GitError::RevisionAbsent {
            role: self.role,
            revision: self.text.to_owned(),
        })?;
        let follow = |id, step| self.follow(repository, id, step);
        steps.iter().try_fold(start, follow)
    }

    /// Every meaning of a name, as long as they are one commit.
    fn by_short_name(
        &self,
        repository: &Repository,
        name: &str,
    ) -> Result<Option<ObjectId>, GitError> {
        let mut meanings = BTreeMap::new();
        for (before, after) in NAMESPACES {
            let full_name = format!("{before}{name}{after}");
            if let Some(id) = self.reference(repository, &full_name)? {
                meanings.insert(full_name, id);
            }
        }
        for id in self.abbreviated(repository, name)? {
            meanings.insert(id.to_string(), self.peel(repository, id)?);
        }
        let commits: HashSet<ObjectId> = meanings.values().copied().collect();
        if commits.len() > 1 {
            return Err(GitError::RevisionAmbiguous {
                role: self.role,
                revision: self.text.to_owned(),
                candidates: meanings.keys().map(|name| format!("`{name}`")).collect(),
            });
        }
        Ok(commits.into_iter().next())
    }

    /// The commit that a full name leads to.
    fn reference(
        &self,
        repository: &Repository,
        full_name: &str,
    ) -> Result<Option<ObjectId>, GitError> {
        if gix::refs::FullName::try_from(full_name).is_err() {
            return Ok(None);
        }
        let not_a_commit = |error: gix::Error| self.not_a_commit(error.to_string());
        let store = repository.references();
        let found = store.try_find(full_name).map_err(not_a_commit)?;
        // The store looks in other places too if there is no such reference.
        let Some(mut reference) = found.filter(|found| found.name.as_bstr() == full_name) else {
            return Ok(None);
        };
        let packed = store.cached_packed_buffer().map_err(not_a_commit)?;
        let packed = packed.as_ref().map(|buffer| &***buffer);
        let id = reference.follow_to_object_packed(store, packed);
        self.peel(repository, id.map_err(not_a_commit)?).map(Some)
    }

    /// Commits whose id begins with these digits.
    fn abbreviated(&self, repository: &Repository, name: &str) -> Result<Vec<ObjectId>, GitError> {
        let is_short = name.len() < repository.hash_kind().len_in_hex();
        let Some(prefix) = Prefix::from_hex(name).ok().filter(|_| is_short) else {
            return Ok(Vec::new());
        };
        let unreadable = |error: gix::Error| self.not_a_commit(error.to_string());
        let mut candidates = HashSet::new();
        let objects = repository.objects();
        objects
            .lookup_prefix(prefix, Some(&mut candidates))
            .map_err(unreadable)?;
        let mut commits = Vec::new();
        for id in candidates {
            let header = objects.try_header(&id).map_err(unreadable)?;
            if header.is_some_and(|header| header.kind == Kind::Commit) {
                commits.push(id);
            }
        }
        Ok(commits)
    }

    /// From an annotated tag to what it tags.
    fn peel(&self, repository: &Repository, mut id: ObjectId) -> Result<ObjectId, GitError> {
        let mut buffer = Vec::new();
        loop {
            let Some(object) = repository.read(id, "object", &mut buffer)? else {
                // Says whether the repository is shallow.
                return repository.commit(id, &mut Vec::new()).map(|_| id);
            };
            match object.kind {
                Kind::Commit => return Ok(id),
                Kind::Tag => {
                    let target = TagRefIter::from_bytes(object.data, id.kind()).target_id();
                    id = target.map_err(|error| corrupt("tag", id, error.to_string()))?;
                }
                kind => return Err(self.not_a_commit(format!("`{id}` is a {kind}"))),
            }
        }
    }

    /// What `~2^3` asks for. All of it is read before the first step is taken.
    fn steps(&self, text: &str) -> Result<Vec<Step>, GitError> {
        let mut steps = Vec::new();
        let mut rest = text;
        while let Some(sign) = rest.chars().next() {
            let after = rest.get(sign.len_utf8()..).unwrap_or_default();
            let to_commit = ["{commit}", "{}"]
                .iter()
                .find_map(|to| after.strip_prefix(to));
            if let ('^', Some(after)) = (sign, to_commit) {
                // It is a commit already.
                rest = after;
                continue;
            }
            let end = after.find(|c: char| !c.is_ascii_digit());
            let (digits, after) = after.split_at(end.unwrap_or(after.len()));
            let number = if digits.is_empty() {
                1
            } else {
                self.number(digits)?
            };
            steps.push(match sign {
                '~' => Step::Ancestor(number),
                '^' => Step::Parent(number),
                _ => return Err(self.malformed(format!("`{rest}` is not understood"))),
            });
            rest = after;
        }
        Ok(steps)
    }

    fn number(&self, digits: &str) -> Result<usize, GitError> {
        let number = digits.parse();
        number.map_err(|_| self.malformed(format!("`{digits}` is too large")))
    }

    fn follow(
        &self,
        repository: &Repository,
        id: ObjectId,
        step: &Step,
    ) -> Result<ObjectId, GitError> {
        match *step {
            Step::Parent(0) => Ok(id),
            Step::Parent(nth) => self.parent(repository, id, nth),
            Step::Ancestor(generations) => {
                (0..generations).try_fold(id, |id, _| self.parent(repository, id, 1))
            }
        }
    }

    fn parent(
        &self,
        repository: &Repository,
        id: ObjectId,
        nth: usize,
    ) -> Result<ObjectId, GitError> {
        let mut buffer = Vec::new();
        let data = repository.commit(id, &mut buffer)?;
        let (links, _) =
            commit::links(data, id.kind()).map_err(|cause| corrupt("commit", id, cause))?;
        let parent = links.parents.get(nth.saturating_sub(1));
        parent
            .copied()
            .ok_or_else(|| self.not_a_commit(format!("`{id}` has {} parents", links.parents.len())))
    }

    fn malformed(&self, cause: String) -> GitError {
        GitError::RevisionMalformed {
            role: self.role,
            revision: self.text.to_owned(),
            cause,
        }
    }

    fn not_a_commit(&self, cause: String) -> GitError {
        GitError::RevisionNotACommit {
            role: self.role,
            revision: self.text.to_owned(),
            cause,
        }
    }
}

/// Names that stand for themselves, so that no other reference can get in
/// their way: `refs/...`, `HEAD`, `FETCH_HEAD`.
fn is_full_name(name: &str) -> bool {
    let is_upper = |b: u8| b.is_ascii_uppercase() || b == b'_';
    name.starts_with("refs/") || (name.ends_with("HEAD") && name.bytes().all(is_upper))
}
