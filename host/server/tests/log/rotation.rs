//! Files follow each other without a gap, and go when their time has come.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;

use sod_server::Clock;
use sod_server::audit::{AuditError, Filter, Log, Replay, replay, verify};

use crate::world::{NOON, World, asked, decide_times, request, runtime};

/// Sixteen at once, with a new file every few records: every answer's id is in the log, and exactly once.
fn under_load(lines: &str) {
    const TASKS: usize = 16;
    const EACH: usize = 50;
    let world = World::new();
    let service = world.start(lines);
    let threads = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .build()
        .unwrap();
    let ids: Vec<String> = threads.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..TASKS {
            let service = service.clone();
            tasks.spawn(async move {
                let mut ids = Vec::new();
                for _ in 0..EACH {
                    let decided = service.decide(asked(&service, request())).await;
                    ids.push(decided.unwrap().id.to_string());
                }
                ids
            });
        }
        tasks.join_all().await.concat()
    });
    let verified = world.whole();
    assert_eq!(verified.decisions as usize, TASKS * EACH);
    assert!(world.files().len() > 50, "{}", world.files().len());
    let answered: BTreeSet<String> = ids.iter().cloned().collect();
    let recorded = world
        .kind("decision")
        .into_iter()
        .map(|record| record["id"].as_str().unwrap().to_owned());
    let recorded: Vec<String> = recorded.collect();
    assert_eq!(recorded.len(), answered.len());
    assert_eq!(recorded.into_iter().collect::<BTreeSet<_>>(), answered);
}

#[test]
fn under_load_every_answer_is_in_the_log_once() {
    under_load("rotate_bytes = 4096");
}

#[test]
fn with_the_disk_waited_for_too() {
    under_load("rotate_bytes = 4096\ndurability = \"disk\"");
}

#[test]
fn no_file_grows_beyond_its_size() {
    let world = World::new();
    decide_times(&world.start("rotate_bytes = 5000"), 20);
    for path in world.files() {
        assert!(
            fs::metadata(&path).unwrap().len() <= 5000,
            "{}",
            path.display()
        );
    }
}

#[test]
fn a_record_larger_than_a_file_has_one_of_its_own() {
    let world = World::new();
    let service = world.start("rotate_bytes = 4096");
    let json = format!("{{\"people\": [\"{}\"]}}", "x".repeat(10_000));
    let json = sod_host::RawValue::from_string(json).unwrap();
    crate::world::decide(&service, request().with_evidence(json)).unwrap();
    decide_times(&service, 1);
    assert_eq!(world.whole().decisions, 2);
}

fn moving_clock() -> (Arc<AtomicI64>, Clock) {
    let now = Arc::new(AtomicI64::new(NOON));
    let told = Arc::clone(&now);
    (now, Clock::from_fn(move || told.load(Ordering::Relaxed)))
}

#[test]
fn a_file_that_is_old_enough_is_followed_by_another() {
    let world = World::new();
    let (now, clock) = moving_clock();
    let service = world.try_start("rotate_seconds = 3600", &clock).unwrap();
    for _ in 0..3 {
        decide_times(&service, 2);
        now.fetch_add(3_600_000, Ordering::Relaxed);
    }
    assert_eq!(world.files().len(), 3);
    world.whole();
}

#[test]
fn so_many_files_stay_and_the_log_says_what_went() {
    let world = World::new();
    let service = world.start("rotate_bytes = 4096\nkeep_files = 3");
    decide_times(&service, 40);
    assert_eq!(world.files().len(), 3);
    let verified = world.whole();
    assert!(verified.first_seq > Some(20), "{:?}", verified.first_seq);
    let removed = world.kind("removed");
    let last = removed.last().unwrap();
    assert_eq!(last["first_seq"].as_u64(), verified.first_seq);
    // One more, removed by hand, is found.
    fs::remove_file(&world.files()[0]).unwrap();
    assert!(!world.verify(&[]).whole);
}

#[test]
fn files_go_by_their_age() {
    let world = World::new();
    let (now, clock) = moving_clock();
    let lines = "rotate_seconds = 3600\nkeep_days = 1";
    let service = world.try_start(lines, &clock).unwrap();
    for _ in 0..30 {
        decide_times(&service, 1);
        now.fetch_add(3_600_000, Ordering::Relaxed);
    }
    // The one of the 29th hour, and those of the day before it.
    assert_eq!(world.files().len(), 25);
    world.whole();
    drop(service);
    now.fetch_add(10 * 86_400_000, Ordering::Relaxed);
    drop(world.try_start(lines, &clock).unwrap());
    // At a start, too.
    assert_eq!(world.files().len(), 1);
    world.whole();
}

/// Whoever reads while it is written sees a log that is whole up to where it goes.
#[test]
fn a_log_is_verified_while_it_is_written() {
    let world = World::new();
    let service = world.start("rotate_bytes = 65536");
    thread::scope(|scope| {
        let writing = scope.spawn(|| decide_times(&service, 300));
        while !writing.is_finished() {
            world.whole();
        }
    });
}

/// A log of which old files go while it is read is whole, or is to be read again: it is never called broken.
#[test]
fn files_that_go_while_they_are_read_are_no_false_alarm() {
    let world = World::new();
    let service = world.start("rotate_bytes = 4096\nkeep_files = 2");
    decide_times(&service, 20);
    let opened = Log::open(&[world.log()]).unwrap();
    let first = world.files()[0].clone();
    decide_times(&service, 20);
    let error = verify(&opened, &[]).unwrap_err();
    let removed =
        |error: &AuditError| matches!(error, AuditError::Removed { path } if *path == first);
    assert!(removed(&error), "{error}");
    assert!(
        error
            .to_string()
            .contains("was removed while the log was read")
    );
    let how = Replay {
        runtime: runtime(),
        components: Vec::new(),
        filter: Filter::default(),
    };
    let error = replay(&opened, &how).unwrap_err();
    assert!(removed(&error), "{error}");
    world.whole();
    // What was never there is another matter.
    let absent = Log::open(&[world.log().join("decisions-absent.jsonl")]).unwrap_err();
    assert!(matches!(absent, AuditError::Unreadable { .. }), "{absent}");
    thread::scope(|scope| {
        let writing = scope.spawn(|| decide_times(&service, 300));
        let mut read = 0;
        while !writing.is_finished() || read == 0 {
            match verify(&Log::open(&[world.log()]).unwrap(), &[]) {
                Ok(verified) => {
                    read += 1;
                    assert!(verified.whole, "{:?}", verified.breaks);
                }
                Err(AuditError::Removed { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
    });
}
