//! What comes after an end, orderly or not.

use std::fs::{self, File};
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use sod_host::Digest;
use sod_server::Clock;
use sod_server::log::LogError;

use crate::world::{NOON, World, decide, decide_times, request};

#[test]
fn a_restart_goes_on_with_the_chain_in_the_same_file() {
    let world = World::new();
    for _ in 0..3 {
        decide_times(&world.start(""), 2);
    }
    let verified = world.whole();
    assert_eq!(world.files().len(), 1);
    assert_eq!((verified.starts, verified.decisions), (3, 6));
}

/// After each possible cut in the last record the log goes on, and what was left of the record is kept.
#[test]
fn a_torn_last_line_is_set_aside_and_told() {
    let world = World::new();
    decide_times(&world.start(""), 3);
    let path = world.files()[0].clone();
    let before = fs::read(&path).unwrap();
    let last = before[..before.len() - 1]
        .iter()
        .rposition(|&byte| byte == b'\n')
        .unwrap()
        + 1;
    for cut in [last + 1, last + 100, before.len() - 2, before.len() - 1] {
        fs::write(&path, &before[..cut]).unwrap();
        assert!(!world.verify(&[]).whole, "{cut}");
        decide_times(&world.start(""), 1);
        let verified = world.whole();
        assert_eq!((verified.recovered, verified.decisions), (1, 3), "{cut}");
        let told = &world.kind("recovered")[0];
        let torn = fs::read(world.log().join(told["set_aside"].as_str().unwrap())).unwrap();
        assert_eq!(torn, before[last..cut]);
        assert_eq!(told["digest"], Digest::of(&torn).to_string());
        assert_eq!(
            (told["offset"].as_u64(), told["bytes"].as_u64()),
            (Some(last as u64), Some(torn.len() as u64))
        );
    }
}

/// A file system that was cut off may leave zeros, and line feeds among them.
#[test]
fn what_is_no_record_behind_the_last_one_is_set_aside() {
    let world = World::new();
    decide_times(&world.start(""), 2);
    let path = world.files()[0].clone();
    let mut file = File::options().append(true).open(&path).unwrap();
    file.write_all(&[0; 5000]).unwrap();
    file.write_all(b"\n{\"half\": ").unwrap();
    drop(file);
    decide_times(&world.start(""), 1);
    assert_eq!((world.whole().recovered, world.whole().decisions), (1, 3));
}

#[test]
fn a_log_of_which_only_half_a_line_is_there_begins_anew() {
    let world = World::new();
    drop(world.start(""));
    let path = world.files()[0].clone();
    fs::write(&path, b"{\"kind\":\"start\"").unwrap();
    decide_times(&world.start(""), 1);
    let verified = world.whole();
    assert_eq!((verified.first_seq, verified.recovered), (Some(1), 1));
}

/// The file was begun, and then the power went.
#[test]
fn an_empty_last_file_goes_on_from_the_one_before() {
    let world = World::new();
    decide_times(&world.start("rotate_bytes = 4096"), 10);
    let files = world.files();
    fs::write(files.last().unwrap(), b"").unwrap();
    let kept = world.verify(&[]).last_seq.unwrap();
    decide_times(&world.start("rotate_bytes = 4096"), 1);
    assert_eq!(world.whole().last_seq, Some(kept + 3));
}

#[test]
fn two_servers_never_write_one_log() {
    let world = World::new();
    let first = world.start("");
    let error = world.try_start("", &Clock::system()).unwrap_err();
    assert!(matches!(error, LogError::Locked { .. }), "{error}");
    decide_times(&first, 1);
    drop(first);
    drop(world.start(""));
    world.whole();
}

#[test]
fn ids_and_names_of_files_never_go_back_though_the_clock_does() {
    let world = World::new();
    let now = Arc::new(AtomicI64::new(NOON));
    let told = Arc::clone(&now);
    let clock = Clock::from_fn(move || told.load(Ordering::Relaxed));
    let mut ids = Vec::new();
    for time in [NOON, NOON - 86_400_000, 0, NOON + 1, NOON - 1] {
        now.store(time, Ordering::Relaxed);
        // Each time by a process of its own.
        let service = world.try_start("rotate_bytes = 4096", &clock).unwrap();
        for _ in 0..10 {
            ids.push(decide(&service, request()).unwrap().id);
        }
    }
    assert!(ids.is_sorted_by(|a, b| a < b));
    assert_eq!(world.whole().decisions, 50);
    // What time it was is told as it was.
    assert_eq!(
        world.kind("decision")[25]["time"],
        "1970-01-01T00:00:00.000Z"
    );
}

#[cfg(unix)]
#[test]
fn the_log_is_this_user_s_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    decide_times(&world.start("evidence = \"file\""), 1);
    let mut folders = vec![world.log()];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        let mode =
            |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700, "{}", folder.display());
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                assert_eq!(mode(&path), 0o600, "{}", path.display());
                seen += 1;
            }
        }
    }
    // The log, its lock, one component, one piece of evidence.
    assert_eq!(seen, 4);
}
