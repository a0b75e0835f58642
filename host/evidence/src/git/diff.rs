//! Every file that differs between two trees.

use std::collections::BTreeMap;

use gix::ObjectId;
use gix::bstr::{BString, ByteSlice};
use gix::objs::TreeRefIter;
use gix::objs::tree::EntryKind;

use super::error::GitError;
use super::repository::{Repository, corrupt};
use super::text;
use crate::evidence::{File, FileStatus};

/// A few small trees that name each other over and over can unfold to more
/// files than there are atoms. Both bounds are far beyond any real change.
const MAX_ENTRIES: usize = 2_000_000;
const MAX_PATH_BYTES: usize = 256 << 20;

/// What stands at a path.
pub(super) type Entry = (EntryKind, ObjectId);

/// A path at which two trees differ. Folders have none of their own.
pub(super) struct Difference {
    pub(super) path: BString,
    pub(super) before: Option<Entry>,
    pub(super) after: Option<Entry>,
}

/// Compares two trees. Sorted by the bytes of the path.
///
/// Renames are not guessed: how alike two files are is for the author of the
/// change to choose, so a rename is a deletion and an addition.
pub(super) fn trees(
    repository: &Repository,
    base: ObjectId,
    head: ObjectId,
) -> Result<Vec<Difference>, GitError> {
    let mut diff = Diff {
        repository,
        pending: Vec::new(),
        files: Vec::new(),
        entries_left: MAX_ENTRIES,
        path_bytes_left: MAX_PATH_BYTES,
    };
    let sides = (Some(base), Some(head));
    diff.pending.push((BString::default(), sides));
    while let Some((path, (before, after))) = diff.pending.pop() {
        if before != after {
            diff.compare(&path, before, after)?;
        }
    }
    diff.files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(diff.files)
}

/// The same folder before and after; `None` where there is none.
type Sides = (Option<ObjectId>, Option<ObjectId>);

struct Diff<'r> {
    repository: &'r Repository,
    pending: Vec<(BString, Sides)>,
    files: Vec<Difference>,
    entries_left: usize,
    path_bytes_left: usize,
}

impl Diff<'_> {
    fn compare(
        &mut self,
        folder: &BString,
        before: Option<ObjectId>,
        after: Option<ObjectId>,
    ) -> Result<(), GitError> {
        let before = self.entries(before)?;
        let mut after = self.entries(after)?;
        for (name, old) in before {
            let new = after.remove(&name);
            if Some(old) != new {
                self.differs(folder, &name, Some(old), new)?;
            }
        }
        for (name, new) in after {
            self.differs(folder, &name, None, Some(new))?;
        }
        Ok(())
    }

    /// Folders are put off, anything else is a file that differs. A name can
    /// be a folder on one side and a file on the other.
    fn differs(
        &mut self,
        folder: &BString,
        name: &BString,
        old: Option<Entry>,
        new: Option<Entry>,
    ) -> Result<(), GitError> {
        let mut path = folder.clone();
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(name);
        take(&mut self.path_bytes_left, path.len(), "256 MiB of paths")?;

        let (old_tree, old_file) = tree_or_file(old);
        let (new_tree, new_file) = tree_or_file(new);
        if old_file.is_some() || new_file.is_some() {
            self.files.push(Difference {
                path: path.clone(),
                before: old_file,
                after: new_file,
            });
        }
        if old_tree.is_some() || new_tree.is_some() {
            self.pending.push((path, (old_tree, new_tree)));
        }
        Ok(())
    }

    fn entries(&mut self, tree: Option<ObjectId>) -> Result<BTreeMap<BString, Entry>, GitError> {
        let Some(id) = tree else {
            return Ok(BTreeMap::new());
        };
        let mut buffer = Vec::new();
        let entries = entries(id, self.repository.tree(id, &mut buffer)?)?;
        take(&mut self.entries_left, entries.len(), "2000000 entries")?;
        Ok(entries)
    }
}

/// The entries of a tree by name.
pub(super) fn entries(id: ObjectId, data: &[u8]) -> Result<BTreeMap<BString, Entry>, GitError> {
    let mut entries = BTreeMap::new();
    for entry in TreeRefIter::from_bytes(data, id.kind()) {
        let entry = entry.map_err(|error| corrupt("tree", id, error.to_string()))?;
        let value = (entry.mode.kind(), entry.oid.to_owned());
        if !is_name(entry.filename) || entries.insert(entry.filename.to_owned(), value).is_some() {
            let name = text::escape(entry.filename);
            let cause = format!("the name `{name}` is not allowed or stands in it twice");
            return Err(corrupt("tree", id, cause));
        }
    }
    Ok(entries)
}

/// A name with a slash, or one that means another folder, would give a path
/// that two readers take for two different files.
fn is_name(name: &[u8]) -> bool {
    !matches!(name, b"" | b"." | b"..") && !name.contains(&b'/')
}

fn take(left: &mut usize, amount: usize, limit: &'static str) -> Result<(), GitError> {
    match left.checked_sub(amount) {
        Some(rest) => {
            *left = rest;
            Ok(())
        }
        None => Err(GitError::TooLarge { limit }),
    }
}

fn tree_or_file(entry: Option<Entry>) -> (Option<ObjectId>, Option<Entry>) {
    match entry {
        Some((EntryKind::Tree, id)) => (Some(id), None),
        file => (None, file),
    }
}

impl Difference {
    /// As the evidence has it.
    pub(super) fn file(&self) -> Option<File> {
        let (status, kind, old_kind) = match (self.before, self.after) {
            (None, None) => return None,
            (None, Some((new, _))) => (FileStatus::Added, new, None),
            (Some((old, _)), None) => (FileStatus::Deleted, old, None),
            (Some((old, _)), Some((new, _))) => {
                (FileStatus::Modified, new, (old != new).then_some(old))
            }
        };
        Some(File {
            path: text::escape(self.path.as_bytes()),
            status,
            mode: mode(kind),
            old_mode: old_kind.map(mode),
        })
    }
}

/// The five modes that git knows, whatever number the tree has.
pub(super) fn mode(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Tree => "040000",
        EntryKind::Blob => "100644",
        EntryKind::BlobExecutable => "100755",
        EntryKind::Link => "120000",
        EntryKind::Commit => "160000",
    }
}
