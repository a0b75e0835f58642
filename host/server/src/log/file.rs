//! Files and folders that are this user's alone, and the names of the files of a log.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use chrono::DateTime;

/// Components that decided, by digest.
pub(crate) const COMPONENTS: &str = "components";
/// Evidence, entities and context, by digest.
pub(crate) const EVIDENCE: &str = "evidence";
/// Held by the server that writes.
pub(super) const LOCK: &str = "lock";

const PREFIX: &str = "decisions-";
const SUFFIX: &str = ".jsonl";

/// A folder of mode 0700, unless it is there already.
pub(super) fn folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn private() -> fs::OpenOptions {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// A new file of mode 0600.
pub(super) fn create(path: &Path) -> io::Result<File> {
    private().append(true).create_new(true).open(path)
}

/// A file of a log, to go on with.
pub(super) fn append(path: &Path) -> io::Result<File> {
    private().append(true).open(path)
}

/// A file that is there for its lock.
pub(super) fn lockable(path: &Path) -> io::Result<File> {
    private().append(true).create(true).open(path)
}

/// The name of the file whose first record this is. Names sort as the records do, because ids never go back in time.
pub(super) fn name(milliseconds: u64, seq: u64) -> String {
    let time = i64::try_from(milliseconds).ok();
    let time = time
        .and_then(DateTime::from_timestamp_millis)
        .unwrap_or_default();
    let time = time.format("%Y%m%dT%H%M%S%.3fZ");
    format!("{PREFIX}{time}-{seq:012}{SUFFIX}")
}

/// When the first record of the file of this name was written, in milliseconds since the Unix epoch.
pub(super) fn began(name: &str) -> Option<i64> {
    let (time, _) = name.strip_prefix(PREFIX)?.rsplit_once('-')?;
    let time = chrono::NaiveDateTime::parse_from_str(time, "%Y%m%dT%H%M%S%.3fZ").ok()?;
    Some(time.and_utc().timestamp_millis())
}

/// The files of the log in this folder, the oldest first.
pub(crate) fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if name.is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX)) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Makes what happened to the names in a folder outlive the machine's power.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// The last part of a path, for records and people.
pub(crate) fn named(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    //! Names of files.

    use super::*;

    #[test]
    fn names_sort_by_time_and_then_by_number() {
        let names = [
            name(0, 1),
            name(1_769_860_800_000, 2),
            name(1_769_860_800_000, 10),
            name(1_769_860_800_001, 11),
        ];
        assert!(names.is_sorted());
        assert_eq!(
            names.get(1).map(String::as_str),
            Some("decisions-20260131T120000.000Z-000000000002.jsonl")
        );
        assert_eq!(
            names.get(3).and_then(|name| began(name)),
            Some(1_769_860_800_001)
        );
        assert_eq!(began("decisions-x-1.jsonl"), None);
    }
}
