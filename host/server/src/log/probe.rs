//! Whether a log could be written, found out without writing it: another server may be doing so.

use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::file;
use super::settings::contradiction;
use crate::config::ConfigError;

/// More than an inode has room for by itself: a disk without room is noticed.
const PAGE: [u8; 4096] = [0; 4096];

/// Refuses a folder that a server could not begin or go on with a log in. Nothing is left there.
pub(super) fn writable(directory: &Path) -> Result<(), ConfigError> {
    probe(directory).map_err(|(path, error)| {
        let help = "name a folder that this user may write to, on a disk with room, or give this one to the user that serves";
        contradiction(
            "log.directory",
            &format!("cannot write to `{}`: {error}", path.display()),
            help,
        )
    })
}

fn probe(directory: &Path) -> Result<(), (PathBuf, io::Error)> {
    if !exists(directory)? {
        return writes(above(directory));
    }
    writes(directory)?;
    for name in [file::COMPONENTS, file::EVIDENCE] {
        let folder = directory.join(name);
        if exists(&folder)? {
            writes(&folder)?;
        }
    }
    // Files of another user: somebody has tried the server as root.
    let mut files = file::list(directory).map_err(|error| (directory.to_owned(), error))?;
    let last = files.pop();
    let lock = Some(directory.join(file::LOCK));
    for path in last.into_iter().chain(lock.filter(|path| path.exists())) {
        file::append(&path).map_err(|error| (path, error))?;
    }
    Ok(())
}

/// A link counts, too, wherever it leads.
fn exists(path: &Path) -> Result<bool, (PathBuf, io::Error)> {
    match path.symlink_metadata() {
        Ok(_) => Ok(true),
        // Or something on the way to it is no folder.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(false)
        }
        Err(error) => Err((path.to_owned(), error)),
    }
}

/// The first that is there of all that it would be made in.
fn above(directory: &Path) -> &Path {
    let there = |path: &&Path| path.symlink_metadata().is_ok();
    let here = Path::new(".");
    let mut above = directory.ancestors().skip(1);
    above.find(there).unwrap_or(here)
}

fn writes(folder: &Path) -> Result<(), (PathBuf, io::Error)> {
    let path = folder.join(format!(".check-{}", Uuid::now_v7()));
    let written = file::create(&path).and_then(|mut file| {
        let written = file.write_all(&PAGE);
        // Whatever came of it, nothing stays.
        fs::remove_file(&path).and(written)
    });
    written.map_err(|error| (folder.to_owned(), error))
}
