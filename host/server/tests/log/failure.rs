//! When a record cannot be written no decision leaves, or the loss is told.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sod_host::RawValue;
use sod_server::log::{Counts, DecisionLog, LogError};
use sod_server::{Clock, Config, Refusal, Service};

use crate::world::{World, decide, decide_times, request};

/// Runs the test of this name, which is ignored otherwise, in a process whose files end at 64 KiB, as on a disk that
/// is full: the write that goes beyond is cut short, the next one fails.
#[track_caller]
pub(crate) fn on_a_small_disk(test: &str) {
    let script = "trap '' XFSZ; ulimit -S -f 64; exec \"$0\" \"$@\"";
    let run = Command::new("bash")
        .args(["-c", script])
        .arg(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", test])
        .output()
        .unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&run.stdout),
        String::from_utf8_lossy(&run.stderr)
    );
    assert!(run.status.success() && said.contains("1 passed"), "{said}");
    assert!(
        said.contains("\"event\":\"decision-log-failing\""),
        "{said}"
    );
    assert!(
        said.contains("\"event\":\"decision-log-recovered\""),
        "{said}"
    );
}

pub(crate) fn make_room() {
    let limit = getrlimit(Resource::Fsize);
    setrlimit(
        Resource::Fsize,
        Rlimit {
            current: limit.maximum,
            ..limit
        },
    )
    .unwrap();
}

/// Decides until the disk is full, and says how often that went well.
pub(crate) fn fill(service: &Service) -> u64 {
    let before = service.log().counts();
    for _ in 0..1000 {
        let decided = decide(service, request());
        let now = service.log().counts();
        if now.failing {
            if now.lost == before.lost {
                let refusal = decided.unwrap_err();
                assert!(matches!(refusal, Refusal::Unrecorded { .. }), "{refusal}");
            } else {
                decided.unwrap();
            }
            return now.written;
        }
        decided.unwrap();
    }
    panic!("the disk is not full");
}

#[test]
fn on_a_full_disk_no_decision_leaves_and_the_chain_goes_on_afterwards() {
    on_a_small_disk("failure::full_disk_deny");
}

#[test]
#[ignore = "fills a disk; the test above runs it in a process of its own"]
fn full_disk_deny() {
    let world = World::new();
    let service = world.start("");
    let written = fill(&service);
    for _ in 0..5 {
        decide(&service, request()).unwrap_err();
    }
    // Nothing half is left behind, not even now.
    assert_eq!(world.whole().decisions, written);
    make_room();
    // Whoever asks whether the server is ready finds out that it is.
    assert!(service.log().counts().failing);
    service.log().check().unwrap();
    assert!(!service.log().counts().failing);
    assert_eq!(world.kind("resumed")[0]["refused"], 6);
    decide_times(&service, 3);
    let verified = world.whole();
    assert_eq!((verified.decisions, verified.lost), (written + 3, 0));
    let Counts {
        refused, failing, ..
    } = service.log().counts();
    assert_eq!((refused, failing), (6, false));
}

#[test]
fn on_a_full_disk_the_log_degrades_if_it_is_told_to_and_says_so() {
    on_a_small_disk("failure::full_disk_degrade");
}

#[test]
#[ignore = "fills a disk; the test above runs it in a process of its own"]
fn full_disk_degrade() {
    let world = World::new();
    let service = world.start("on_failure = \"degrade\"");
    let written = fill(&service);
    decide_times(&service, 5);
    assert_eq!(world.whole().decisions, written);
    make_room();
    decide_times(&service, 3);
    let verified = world.whole();
    assert_eq!((verified.decisions, verified.lost), (written + 3, 6));
    let gap = &world.kind("gap")[0];
    assert_eq!(gap["lost"], 6);
    assert!(gap["from"].as_str().unwrap() <= gap["to"].as_str().unwrap());
    assert_eq!(service.log().counts().lost, 6);
}

/// By a name that is no folder, which stops root as well as anybody.
#[test]
fn a_log_that_cannot_be_written_is_an_error_at_the_start() {
    let world = World::new();
    fs::write(world.log(), b"").unwrap();
    for lines in ["", "on_failure = \"degrade\""] {
        let error = world.try_start(lines, &Clock::system()).unwrap_err();
        assert!(error.to_string().contains("cannot create"), "{error}");
    }
}

/// Somebody checks a configuration while a server runs on it.
#[test]
fn a_log_that_is_not_opened_touches_nothing_and_lets_nothing_out() {
    let world = World::new();
    let config = world.config("");
    let log = DecisionLog::closed(&config, &Clock::system()).unwrap();
    assert!(!world.log().exists());
    let service = world.service(log, &Clock::system());
    let refusal = decide(&service, request()).unwrap_err();
    assert!(matches!(refusal, Refusal::Unrecorded { .. }));
    decide_times(&world.start(""), 1);
    DecisionLog::closed(&config, &Clock::system()).unwrap();
}

/// By names that are no folders, and by a place where nobody may write: root is stopped as well.
#[test]
fn a_check_finds_a_folder_that_cannot_be_written_and_leaves_nothing_behind() {
    let world = World::new();
    decide_times(&world.start("evidence = \"file\""), 1);
    let names = |folder: &Path| -> BTreeSet<PathBuf> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    let before = (names(&world.log()), names(world.folder.path()));
    let check = |directory: &str| {
        let text = format!("[log]\ndirectory = \"{directory}\"");
        let folder = world.folder.path().to_owned();
        let config = Config::parse(&text, "test.toml", folder).unwrap();
        match DecisionLog::closed(&config, &Clock::system()) {
            Err(LogError::Settings(error)) => Some(error.to_string()),
            Err(error) => panic!("{error}"),
            Ok(_) => None,
        }
    };
    for good in ["log", "new", "new/below", "./log/"] {
        assert_eq!(check(good), None, "{good}");
    }
    std::os::unix::fs::symlink("nowhere", world.folder.path().join("link")).unwrap();
    fs::write(world.folder.path().join("file"), "in the way").unwrap();
    for bad in [
        "file",
        "file/log",
        "link",
        "/proc/sod",
        "/proc/sod/log",
        "/dev/null",
    ] {
        let problem = check(bad).unwrap_or_else(|| panic!("{bad} was taken"));
        assert!(
            problem.starts_with("`log.directory`: cannot write to `"),
            "{problem}"
        );
    }
    fs::remove_file(world.folder.path().join("link")).unwrap();
    fs::remove_file(world.folder.path().join("file")).unwrap();
    assert_eq!((names(&world.log()), names(world.folder.path())), before);
    // A part of it that is in the way is as bad.
    fs::remove_dir_all(world.log().join("evidence")).unwrap();
    fs::write(world.log().join("evidence"), "in the way").unwrap();
    assert!(check("log").unwrap().contains("evidence"));
}

fn move_away(world: &World) -> PathBuf {
    let away = world.folder.path().join("away");
    fs::rename(world.log(), &away).unwrap();
    away
}

/// Without its folder a log has no next file; the present one is still there, and takes what it is given.
#[test]
fn a_rotation_that_fails_loses_nothing() {
    let world = World::new();
    let service = world.start("rotate_bytes = 4096");
    decide_times(&service, 1);
    let away = move_away(&world);
    decide_times(&service, 10);
    fs::rename(away, world.log()).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1100));
    decide_times(&service, 1);
    assert_eq!(world.whole().decisions, 12);
    assert_eq!(world.files().len(), 2);
}

/// A file that is gone takes no records, whatever the system says.
#[test]
fn a_file_that_is_removed_is_noticed_before_the_next_answer() {
    let world = World::new();
    let service = world.start("");
    decide_times(&service, 1);
    fs::remove_dir_all(world.log()).unwrap();
    let refusal = decide(&service, request()).unwrap_err();
    assert!(matches!(refusal, Refusal::Unrecorded { .. }));
    fs::create_dir(world.log()).unwrap();
    decide_times(&service, 2);
    let verified = world.verify(&[]);
    assert_eq!((verified.whole, verified.decisions), (false, 2));
    assert!(
        verified.breaks[0]
            .problem
            .contains("the log begins with record")
    );
}

#[test]
fn a_file_that_somebody_else_wrote_into_is_left_as_it_is() {
    let world = World::new();
    let service = world.start("");
    decide_times(&service, 1);
    let path = world.files()[0].clone();
    append(&path, b"{\"half");
    decide_times(&service, 1);
    assert_eq!(world.files().len(), 2);
    let verified = world.verify(&[]);
    assert_eq!(
        (verified.whole, verified.broken, verified.decisions),
        (false, 1, 2)
    );
    assert!(
        verified.breaks[0]
            .problem
            .contains("in the middle of a line")
    );
}

fn append(path: &Path, bytes: &[u8]) {
    let mut file = fs::File::options().append(true).open(path).unwrap();
    std::io::Write::write_all(&mut file, bytes).unwrap();
}

/// Evidence that is kept beside the log is as much part of the record as the line.
#[test]
fn evidence_that_cannot_be_kept_is_a_record_that_cannot_be_written() {
    let world = World::new();
    let service = world.start("evidence = \"file\"");
    decide_times(&service, 1);
    fs::remove_dir_all(world.log().join("evidence")).unwrap();
    let other = RawValue::from_string("{}".to_owned()).unwrap();
    decide(&service, request().with_evidence(other)).unwrap_err();
    assert_eq!(world.whole().decisions, 1);
}

/// What no record can say is not decided: this year has five digits.
#[test]
fn a_time_that_cannot_be_written_down_is_refused() {
    let world = World::new();
    let service = world.start("");
    decide(&service, request().with_now(i64::MAX)).unwrap_err();
    assert_eq!(world.whole().decisions, 0);
}
