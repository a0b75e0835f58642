//! The tree that merging two commits afresh gives.
//!
//! Git's own merge can be told by attributes, drivers and settings to give
//! another one. This one knows none of them: path by path, what one side
//! left alone is as the other side has it; a file that both changed is merged
//! line by line; anything else is a conflict. Renames are not guessed.

use std::collections::{BTreeSet, HashMap};

use gix::ObjectId;
use gix::bstr::BString;
use gix::objs::tree::EntryKind;
use gix::objs::{Kind, compute_hash};

use super::diff::{self, Entry};
use super::error::GitError;
use super::history::History;
use super::lines;
use super::repository::{Repository, corrupt};

/// What all fresh merges of one collection may cost together. Whatever is
/// beyond is not tried, which makes a merge a contribution.
const MAX_ENTRIES: usize = 5_000_000;
const MAX_BYTES: usize = 256 << 20;
/// Folders in folders, and merge bases of merge bases.
const MAX_DEPTH: usize = 256;
const MAX_BASES_DEPTH: usize = 16;

/// Fresh merges, and what they wrote: the repository is not written to.
pub(super) struct Merges {
    disabled: bool,
    entries_left: usize,
    bytes_left: usize,
    trees: HashMap<ObjectId, Vec<u8>>,
    blobs: HashMap<ObjectId, Vec<u8>>,
}

/// The same place in the common ancestor and on both sides.
type Three<T> = [Option<T>; 3];

/// What a merge gives; the outer `None` is a conflict.
type Merged<T> = Result<Option<T>, GitError>;

impl Merges {
    pub(super) fn new(disabled: bool) -> Self {
        Merges {
            disabled,
            entries_left: MAX_ENTRIES,
            bytes_left: MAX_BYTES,
            trees: HashMap::new(),
            blobs: HashMap::new(),
        }
    }

    /// The tree of a merge of exactly two commits. None if they conflict, are
    /// unrelated, or would cost too much.
    pub(super) fn fresh(
        &mut self,
        history: &mut History<'_>,
        parents: &[ObjectId],
    ) -> Merged<ObjectId> {
        let [ours, theirs] = *parents else {
            return Ok(None);
        };
        if self.disabled {
            return Ok(None);
        }
        let bases = history.merge_bases(&[ours], &[theirs])?;
        let Some(base) = self.base(history, &bases, 0)? else {
            return Ok(None);
        };
        let sides = [base, history.tree(ours)?, history.tree(theirs)?];
        self.tree(history.repository, sides.map(Some), 0)
    }

    /// The tree that the change from `base` to `head` gives on the only parent
    /// of `commit`. None also if that parent lacks what base and head have in
    /// common: the merge would bring commits that are not of the change.
    pub(super) fn squash(
        &mut self,
        history: &mut History<'_>,
        [base, head]: [ObjectId; 2],
        commit: ObjectId,
    ) -> Merged<ObjectId> {
        let [parent] = *history.links(commit)?.parents.as_slice() else {
            return Ok(None);
        };
        if self.disabled {
            return Ok(None);
        }
        let before = history.ancestors(parent)?;
        let common = history.merge_bases(&[base], &[head])?;
        if !common.iter().all(|id| before.contains(id)) {
            return Ok(None);
        }
        self.fresh(history, &[parent, head])
    }

    /// The tree of the common ancestor; of several, a merge of them.
    fn base(
        &mut self,
        history: &mut History<'_>,
        bases: &BTreeSet<ObjectId>,
        depth: usize,
    ) -> Merged<ObjectId> {
        let mut bases = bases.iter().copied();
        let Some(first) = bases.next().filter(|_| depth < MAX_BASES_DEPTH) else {
            return Ok(None);
        };
        let mut tree = history.tree(first)?;
        let mut merged = vec![first];
        for next in bases {
            let common = history.merge_bases(&merged, &[next])?;
            let Some(base) = self.base(history, &common, depth + 1)? else {
                return Ok(None);
            };
            let sides = [base, tree, history.tree(next)?];
            match self.tree(history.repository, sides.map(Some), 0)? {
                Some(both) => tree = both,
                None => return Ok(None),
            }
            merged.push(next);
        }
        Ok(Some(tree))
    }

    /// Merges folders; one that is not there is empty.
    fn tree(
        &mut self,
        repository: &Repository,
        sides: Three<ObjectId>,
        depth: usize,
    ) -> Merged<ObjectId> {
        let [base, ours, theirs] = sides;
        let trivial = one_side(base, ours, theirs).flatten();
        if trivial.is_some() || depth > MAX_DEPTH {
            return Ok(trivial);
        }
        let Some(names) = self.names(repository, sides)? else {
            return Ok(None);
        };
        let hash = repository.hash_kind();
        let mut entries = Vec::with_capacity(names.len());
        for (name, three) in names {
            match self.entry(repository, three, depth)? {
                Some(Some(entry)) if entry.1 != ObjectId::empty_tree(hash) => {
                    entries.push((name, entry));
                }
                Some(_) => {}
                None => return Ok(None),
            }
        }
        self.write_tree(hash, entries).map(Some)
    }

    /// Every name in one of the folders, and what stands there in each.
    fn names(
        &mut self,
        repository: &Repository,
        sides: Three<ObjectId>,
    ) -> Merged<HashMap<BString, Three<Entry>>> {
        let mut names: HashMap<BString, Three<Entry>> = HashMap::new();
        for (side, id) in sides.into_iter().enumerate() {
            let Some(id) = id else { continue };
            let mut buffer = Vec::new();
            let data = match self.trees.get(&id) {
                Some(written) => written,
                None => repository.tree(id, &mut buffer)?,
            };
            let entries = diff::entries(id, data)?;
            let Some(left) = self.entries_left.checked_sub(entries.len()) else {
                return Ok(None);
            };
            self.entries_left = left;
            for (name, entry) in entries {
                if let Some(slot) = names.entry(name).or_default().get_mut(side) {
                    *slot = Some(entry);
                }
            }
        }
        Ok(Some(names))
    }

    /// Merges what stands at one path. The inner `None` is nothing.
    fn entry(
        &mut self,
        repository: &Repository,
        three: Three<Entry>,
        depth: usize,
    ) -> Merged<Option<Entry>> {
        let [base, ours, theirs] = three;
        if let Some(entry) = one_side(base, ours, theirs) {
            return Ok(Some(entry));
        }
        let is_tree = |entry: Entry| entry.0 == EntryKind::Tree;
        // A file that the folder stands in for is gone on both sides.
        if [ours, theirs].into_iter().flatten().all(is_tree) {
            let folder = |entry: Option<Entry>| entry.filter(|e| is_tree(*e)).map(|(_, id)| id);
            let merged = self.tree(repository, three.map(folder), depth + 1)?;
            return Ok(merged.map(|id| Some((EntryKind::Tree, id))));
        }
        match (base, ours, theirs) {
            (Some(base), Some(ours), Some(theirs)) => {
                let merged = self.file(repository, [base, ours, theirs])?;
                Ok(merged.map(Some))
            }
            // Deleted and changed, or two new files.
            _ => Ok(None),
        }
    }

    /// Merges a file that both sides have and that one of them at least changed.
    fn file(&mut self, repository: &Repository, sides: [Entry; 3]) -> Merged<Entry> {
        let is_file =
            |(kind, _): &Entry| matches!(kind, EntryKind::Blob | EntryKind::BlobExecutable);
        if !sides.iter().all(is_file) {
            return Ok(None);
        }
        let [base, ours, theirs] = sides;
        let kind = one_side(base.0, ours.0, theirs.0);
        let content = match one_side(base.1, ours.1, theirs.1) {
            Some(id) => Some(id),
            None => self.content(repository, [base.1, ours.1, theirs.1])?,
        };
        Ok(kind.zip(content))
    }

    fn content(&mut self, repository: &Repository, sides: [ObjectId; 3]) -> Merged<ObjectId> {
        let mut contents = Vec::with_capacity(sides.len());
        for id in sides {
            let mut buffer = Vec::new();
            let data = match self.blobs.get(&id) {
                Some(written) => written.clone(),
                None => repository.blob(id, &mut buffer)?.to_vec(),
            };
            let left = self.bytes_left.checked_sub(data.len());
            let Some(left) = left.filter(|_| !lines::is_binary(&data)) else {
                return Ok(None);
            };
            self.bytes_left = left;
            contents.push(data);
        }
        let [base, ours, theirs] = contents.as_slice() else {
            return Ok(None);
        };
        let Some(merged) = lines::merge(base, ours, theirs) else {
            return Ok(None);
        };
        let id = hash(repository.hash_kind(), Kind::Blob, &merged)?;
        self.blobs.insert(id, merged);
        Ok(Some(id))
    }

    /// Git sorts a folder as if its name ended in a slash.
    fn write_tree(
        &mut self,
        hash_kind: gix::hash::Kind,
        mut entries: Vec<(BString, Entry)>,
    ) -> Result<ObjectId, GitError> {
        entries.sort_by_cached_key(|(name, (kind, _))| {
            let mut key = name.clone();
            if *kind == EntryKind::Tree {
                key.push(b'/');
            }
            key
        });
        let mut data = Vec::new();
        for (name, (kind, id)) in entries {
            data.extend_from_slice(kind.as_octal_str());
            data.push(b' ');
            data.extend_from_slice(&name);
            data.push(0);
            data.extend_from_slice(id.as_slice());
        }
        let id = hash(hash_kind, Kind::Tree, &data)?;
        self.trees.insert(id, data);
        Ok(id)
    }
}

/// What both sides have, or what one has where the other left things alone.
fn one_side<T: PartialEq>(base: T, ours: T, theirs: T) -> Option<T> {
    if ours == theirs || base == theirs {
        Some(ours)
    } else if base == ours {
        Some(theirs)
    } else {
        None
    }
}

fn hash(hash_kind: gix::hash::Kind, kind: Kind, data: &[u8]) -> Result<ObjectId, GitError> {
    let id = compute_hash(hash_kind, kind, data);
    id.map_err(|error| corrupt("object", ObjectId::null(hash_kind), error.to_string()))
}
