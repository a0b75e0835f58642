//! Whether files are still what they were, without reading them.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Folders within folders; packs have three.
const DEPTH: usize = 16;

/// What the file system says of files and folders. It differs if one of them was written, replaced or removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp(u64);

impl Stamp {
    pub(super) fn of(paths: &[PathBuf]) -> Self {
        let mut hasher = DefaultHasher::new();
        for path in paths {
            add(path, DEPTH, &mut hasher);
        }
        Stamp(hasher.finish())
    }
}

fn add(path: &Path, depth: usize, hasher: &mut DefaultHasher) {
    path.hash(hasher);
    // Through links: what they lead to is what is read.
    let Ok(metadata) = std::fs::metadata(path) else {
        return;
    };
    if metadata.is_dir() {
        let Some(depth) = depth.checked_sub(1) else {
            return;
        };
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        let mut entries: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        entries.sort();
        entries.iter().for_each(|entry| add(entry, depth, hasher));
    } else {
        let identity = (metadata.dev(), metadata.ino(), metadata.len());
        let written = (metadata.mtime(), metadata.mtime_nsec());
        let changed = (metadata.ctime(), metadata.ctime_nsec());
        (identity, written, changed).hash(hasher);
    }
}

#[cfg(test)]
mod tests {
    //! What counts as a change.

    use std::fs;

    use super::*;

    #[test]
    fn writing_replacing_and_removing_change_it_and_reading_does_not() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let inner = folder.path().join("rules");
        fs::create_dir(&inner)?;
        let file = inner.join("one.cedar");
        fs::write(&file, "permit")?;
        let stamp = || Stamp::of(&[folder.path().to_owned()]);
        let mut seen = vec![stamp()];
        fs::read(&file)?;
        assert_eq!(seen.last(), Some(&stamp()));
        fs::write(&file, "forbid, and more")?;
        seen.push(stamp());
        fs::write(folder.path().join("new"), "permit")?;
        fs::rename(folder.path().join("new"), &file)?;
        seen.push(stamp());
        fs::remove_file(&file)?;
        seen.push(stamp());
        let mut before = Vec::new();
        for (index, one) in seen.iter().enumerate() {
            assert!(!before.contains(&one), "change {index} was not seen");
            before.push(one);
        }
        Ok(())
    }
}
