//! Files as they were at a revision, written to a folder.

use std::fs;
use std::path::Path;

use gix::ObjectId;
use gix::objs::tree::EntryKind;

use super::error::GitError;
use super::history::History;
use super::repository::Repository;
use super::revision::Revision;
use super::{diff, text};

/// No tree is followed further down.
const MAX_DEPTH: usize = 64;

/// Writes the files of a revision whose names are `wanted` into a folder, at the paths that they have in the
/// repository which contains `dir`. Links, submodules and whatever is no regular file are left out.
///
/// # Errors
/// No repository, no such revision, or a file that cannot be read or written.
pub fn export(
    dir: &Path,
    revision: &str,
    wanted: fn(&str) -> bool,
    into: &Path,
) -> Result<(), GitError> {
    let repository = Repository::discover(dir).ok_or_else(|| GitError::NotARepository {
        dir: dir.display().to_string(),
        source: "no folder above it is one either".into(),
    })?;
    let commit = Revision::new("revision", revision).resolve(&repository)?;
    let tree = History::new(&repository).tree(commit)?;
    folder(&repository, tree, wanted, into, MAX_DEPTH)
}

fn folder(
    repository: &Repository,
    tree: ObjectId,
    wanted: fn(&str) -> bool,
    into: &Path,
    depth: usize,
) -> Result<(), GitError> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(GitError::TooLarge {
            limit: "64 folders in each other",
        });
    };
    let mut buffer = Vec::new();
    for (name, (kind, id)) in diff::entries(tree, repository.tree(tree, &mut buffer)?)? {
        let Some(name) = plain(&name) else {
            continue;
        };
        let path = into.join(name);
        match kind {
            EntryKind::Tree => folder(repository, id, wanted, &path, depth)?,
            EntryKind::Blob | EntryKind::BlobExecutable if wanted(name) => {
                let mut buffer = Vec::new();
                write(&path, repository.blob(id, &mut buffer)?)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// A name that stays in its folder, whatever a tree holds.
fn plain(name: &[u8]) -> Option<&str> {
    let name = str::from_utf8(name).ok()?;
    let stays = !matches!(name, "" | "." | "..") && !name.contains(['/', '\\', '\0', ':']);
    stays.then_some(name)
}

fn write(path: &Path, content: &[u8]) -> Result<(), GitError> {
    let written = path.parent().map_or(Ok(()), fs::create_dir_all);
    let written = written.and_then(|()| fs::write(path, content));
    written.map_err(|source| GitError::Unwritable {
        path: text::escape(path.as_os_str().as_encoded_bytes()),
        source,
    })
}
