//! Files beside a log that no record of it names any more.
//!
//! Retention removes records, and leaves evidence and components where they are: a server that goes on could name one of
//! them in its next record. So they go while no server writes, and only if the log is whole.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use sod_host::Digest;

use super::read::Lines;
use super::{AuditError, Log, verify};
use crate::log::{file, keep, lock};

/// What a digest begins with, wherever it stands.
const PREFIX: &[u8] = b"sha256:";
/// Its hexadecimal digits.
const DIGITS: usize = 64;

/// What no record names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Unused {
    /// The files.
    pub files: Vec<PathBuf>,
    /// Their bytes together.
    pub bytes: u64,
    /// Whether they are gone.
    pub removed: bool,
}

/// The files of evidence and the components in a log's folder that no line of the log names. A digest anywhere in a line
/// names its file: rather too many stay than too few.
///
/// # Errors
/// A log that cannot be read.
pub fn unused(folder: &Path) -> Result<Unused, AuditError> {
    // Before the lines are: a server keeps a file, and then writes the record that names it.
    let kept = kept(folder)?;
    let mut rest: HashSet<Digest> = kept.iter().map(|(_, digest)| *digest).collect();
    let log = Log::open(&[folder.to_owned()])?;
    let mut lines = Lines::new(&log.files);
    while let Some(line) = lines.next()? {
        for digest in digests(line.bytes) {
            rest.remove(&digest);
        }
    }
    let mut unused = Unused::default();
    for (path, _) in kept.into_iter().filter(|(_, digest)| rest.contains(digest)) {
        unused.bytes += fs::metadata(&path).map_or(0, |file| file.len());
        unused.files.push(path);
    }
    unused.files.sort();
    Ok(unused)
}

/// Removes what [`unused()`] finds.
///
/// # Errors
/// A log that a server writes, that is not whole, or that cannot be read: nothing is removed. A file that cannot be.
pub fn remove_unused(folder: &Path) -> Result<Unused, AuditError> {
    let log = Log::open(&[folder.to_owned()])?;
    let _held = lock(folder)?;
    if !verify(&log, &[])?.whole {
        return Err(AuditError::Broken);
    }
    let unused = unused(folder)?;
    for path in &unused.files {
        fs::remove_file(path).map_err(|source| AuditError::Unremoved {
            path: path.clone(),
            source,
        })?;
    }
    Ok(Unused {
        removed: true,
        ..unused
    })
}

/// Files that have their names from their contents. Others are none of ours.
fn kept(folder: &Path) -> Result<Vec<(PathBuf, Digest)>, AuditError> {
    let mut kept = Vec::new();
    for (name, extension) in [(file::EVIDENCE, "json"), (file::COMPONENTS, "wasm")] {
        let path = folder.join(name);
        let unreadable = |source| AuditError::Unreadable {
            path: path.clone(),
            source,
        };
        let entries = match fs::read_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries.map_err(unreadable)?,
        };
        for entry in entries {
            let path = entry.map_err(unreadable)?.path();
            if let Some(digest) = keep::digest(&path, extension) {
                kept.push((path, digest));
            }
        }
    }
    Ok(kept)
}

/// All digests in a text.
fn digests(text: &[u8]) -> impl Iterator<Item = Digest> {
    text.windows(PREFIX.len() + DIGITS)
        .filter(|window| window.starts_with(PREFIX))
        .filter_map(|window| str::from_utf8(window).ok()?.parse().ok())
}
