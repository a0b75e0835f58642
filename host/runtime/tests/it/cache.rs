//! Compiled code on disk: used when it is in order, and not otherwise.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use miette::Diagnostic;
use sod_host::{BuildError, CacheLocation, Effect, Policy, Runtime};
use tempfile::TempDir;

use crate::decide::request;
use crate::guest::{Guest, Verdict};

fn runtime(directory: &Path) -> Result<Runtime, BuildError> {
    Runtime::builder()
        .cache(CacheLocation::Directory(directory.to_owned()))
        .build()
}

/// Opens the component that allows, in a runtime of its own, and lets it decide.
fn open(directory: &Path) -> Policy {
    let component = Guest::with_verdict(&Verdict::allow(request().evidence_digest())).component();
    let policy = runtime(directory).unwrap().load(&component).unwrap();
    assert_eq!(policy.try_decide(&request()).unwrap().effect, Effect::Allow);
    policy
}

/// A folder with a `cache` in it that has one entry.
fn filled() -> (TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("deep/down/cache");
    assert!(!open(&directory).is_from_cache());
    let entries: Vec<_> = fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(entries.len(), 1, "{entries:?}");
    let entry = entries.into_iter().next().unwrap();
    (folder, directory, entry)
}

#[test]
fn a_component_is_compiled_once() {
    let (_folder, directory, _) = filled();
    assert!(open(&directory).is_from_cache());
    let other = Guest::with_verdict(&Verdict::deny(request().evidence_digest())).component();
    let other = runtime(&directory).unwrap().load(&other).unwrap();
    assert!(!other.is_from_cache());
    assert_eq!(other.try_decide(&request()).unwrap().effect, Effect::Deny);
}

#[test]
fn without_a_cache_nothing_is_kept() {
    let runtime = Runtime::builder()
        .cache(CacheLocation::Nowhere)
        .build()
        .unwrap();
    assert_eq!(
        runtime.cache().unwrap_err().code().unwrap().to_string(),
        "cache-disabled"
    );
    let component = Guest::with_verdict(&Verdict::allow(request().evidence_digest())).component();
    assert!(!runtime.load(&component).unwrap().is_from_cache());
    assert!(!runtime.load(&component).unwrap().is_from_cache());
}

#[test]
fn a_damaged_entry_is_not_used_and_replaced() {
    let (_folder, directory, entry) = filled();
    let sound = fs::read(&entry).unwrap();
    let last = sound.len() - 1;
    let flip = |at: usize| {
        let mut damaged = sound.clone();
        damaged[at] ^= 0x10;
        damaged
    };
    let mut damages: Vec<Vec<u8>> = [0, 16, 64, 4096, last / 2, last - 4, last - 3, last]
        .map(flip)
        .into();
    damages.extend([0, 1, 3, 4, 5, 4096, last].map(|length| sound[..length].to_vec()));
    damages.push([&sound[..], b"\0"].concat());
    damages.push(vec![0; sound.len()]);
    for damaged in damages {
        fs::write(&entry, &damaged).unwrap();
        assert!(!open(&directory).is_from_cache());
        assert!(open(&directory).is_from_cache());
    }
}

#[test]
fn the_oldest_entries_make_room() {
    let (_folder, directory, entry) = filled();
    // Empty space counts, so that the test need not fill a disk.
    let other = |name: &str, days: u64| {
        let path = directory.join(name);
        let file = fs::File::create(&path).unwrap();
        file.set_len(100 << 20).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(days * 86_400))
            .unwrap();
        path
    };
    let [old, older, oldest] =
        [("b.cwasm", 1), ("c.cwasm", 2), ("a.cwasm", 3)].map(|(name, days)| other(name, days));
    let foreign = other("not-ours", 4);
    fs::remove_file(&entry).unwrap();
    assert!(!open(&directory).is_from_cache());
    let there: Vec<_> = [&entry, &old, &older, &oldest, &foreign]
        .map(|path| path.exists())
        .into();
    assert_eq!(there, [true, true, true, false, true]);
}

/// Whole and undamaged, but the code of another component.
#[test]
fn an_entry_under_another_name_is_not_used() {
    let (_folder, directory, allows) = filled();
    let deny = Guest::with_verdict(&Verdict::deny(request().evidence_digest())).component();
    let load = || runtime(&directory).unwrap().load(&deny).unwrap();
    assert!(!load().is_from_cache());
    let mut entries = fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let denies = entries.find(|entry| *entry != allows).unwrap();
    fs::copy(&allows, &denies).unwrap();
    let policy = load();
    assert!(!policy.is_from_cache());
    assert_eq!(policy.try_decide(&request()).unwrap().effect, Effect::Deny);
}

#[test]
fn a_directory_in_place_of_an_entry_is_no_harm() {
    let (_folder, directory, entry) = filled();
    fs::remove_file(&entry).unwrap();
    fs::create_dir(&entry).unwrap();
    assert!(!open(&directory).is_from_cache());
}

#[cfg(unix)]
mod unix {
    //! Whose directory it is.

    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};

    use super::*;

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn refusal(directory: &Path) -> String {
        let error = runtime(directory).err().unwrap();
        assert!(error.help().is_some());
        error.code().unwrap().to_string()
    }

    #[test]
    fn what_is_made_is_private() {
        let (_folder, directory, entry) = filled();
        assert_eq!(fs::metadata(&directory).unwrap().mode() & 0o777, 0o700);
        assert_eq!(fs::metadata(&entry).unwrap().mode() & 0o077, 0);
    }

    #[test]
    fn a_directory_that_others_can_write_to_is_refused() {
        let (_folder, directory, _) = filled();
        for mode in [0o777, 0o1777, 0o770, 0o720, 0o702] {
            set_mode(&directory, mode);
            assert_eq!(refusal(&directory), "cache-unsafe", "{mode:o}");
        }
        // That others can read it gives nothing away: components are no secret.
        set_mode(&directory, 0o755);
        assert!(open(&directory).is_from_cache());
    }

    #[test]
    fn a_directory_that_others_can_swap_is_refused() {
        let (_folder, directory, _) = filled();
        let above = directory.parent().unwrap();
        set_mode(above, 0o777);
        assert_eq!(refusal(&directory), "cache-unsafe");
        set_mode(above, 0o1777);
        assert!(open(&directory).is_from_cache());
    }

    #[test]
    fn a_directory_of_somebody_else_is_refused() {
        let (_folder, directory, _) = filled();
        // Root can give a directory away; everybody else finds one of root's at hand.
        let foreign = match chown(&directory, Some(12345), None) {
            Ok(()) => directory,
            Err(_) => PathBuf::from("/usr"),
        };
        assert_eq!(refusal(&foreign), "cache-unsafe");
    }

    #[test]
    fn a_link_is_judged_by_where_it_leads() {
        let (folder, directory, _) = filled();
        let link = folder.path().join("link");
        symlink(&directory, &link).unwrap();
        assert!(open(&link).is_from_cache());
        set_mode(&directory, 0o777);
        assert_eq!(refusal(&link), "cache-unsafe");
    }

    #[test]
    fn what_is_no_directory_is_refused() {
        let (folder, directory, entry) = filled();
        assert_eq!(refusal(&entry), "cache-unusable");
        assert_eq!(refusal(&entry.join("below")), "cache-unusable");
        let nowhere = folder.path().join("nowhere");
        symlink(directory.join("absent"), &nowhere).unwrap();
        assert_eq!(refusal(&nowhere), "cache-unusable");
    }
}
