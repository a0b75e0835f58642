//! A folder of files that have their names from their contents: written once, never changed.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sod_host::Digest;
use uuid::Uuid;

use super::file;

/// How many names are remembered, so that the file system is not asked each time.
const REMEMBERED: usize = 10_000;

/// Files by digest.
#[derive(Debug)]
pub(super) struct Keep {
    folder: PathBuf,
    extension: &'static str,
    /// Whether a file is to outlive the machine's power.
    disk: bool,
    known: Mutex<HashSet<Digest>>,
}

impl Keep {
    pub(super) fn open(folder: PathBuf, extension: &'static str, disk: bool) -> io::Result<Self> {
        file::folder(&folder)?;
        Ok(Keep {
            folder,
            extension,
            disk,
            known: Mutex::default(),
        })
    }

    /// Keeps the bytes. The file is there whole or not at all.
    pub(super) fn put(&self, digest: &Digest, bytes: &[u8]) -> io::Result<()> {
        if self.known().contains(digest) {
            return Ok(());
        }
        let path = path(&self.folder, digest, self.extension);
        // A name that is taken by something else would make every replay fail.
        if fs::read(&path).ok().as_deref() != Some(bytes) {
            self.write(&path, bytes)?;
        }
        let mut known = self.known();
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(*digest);
        Ok(())
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashSet<Digest>> {
        // A set of names is whole at every moment.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let unfinished = self.folder.join(format!(".{}", Uuid::now_v7()));
        let written = file::create(&unfinished)
            .and_then(|mut file| {
                file.write_all(bytes)?;
                if self.disk { file.sync_data() } else { Ok(()) }
            })
            .and_then(|()| fs::rename(&unfinished, path));
        if written.is_err() {
            // Half a file is of no use, and its name says that it is none.
            let _ = fs::remove_file(&unfinished);
        }
        written
    }
}

/// The digest of the bytes that are there, by the name of the file.
pub(crate) fn digest(path: &Path, extension: &str) -> Option<Digest> {
    let name = path.file_name()?.to_str()?;
    let digits = name.strip_prefix("sha256-")?;
    let digits = digits.strip_suffix(extension)?.strip_suffix('.')?;
    format!("sha256:{digits}").parse().ok()
}

/// Where the bytes with this digest are.
pub(crate) fn path(folder: &Path, digest: &Digest, extension: &str) -> PathBuf {
    let name = digest.to_string().replace(':', "-");
    folder.join(format!("{name}.{extension}"))
}
