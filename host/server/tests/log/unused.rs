//! What retention leaves beside the log goes, and nothing that a record still names.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use sod_host::RawValue;
use sod_server::Service;
use sod_server::audit::{
    AuditError, Filter, Log, Replay, Replayed, Unused, remove_unused, replay, unused,
};

use crate::world::{World, decide, denying, request, runtime};

const LINES: &str = "evidence = \"file\"\nrotate_bytes = 12000\nkeep_files = 2";

/// So many decisions, each on evidence of its own, and one again and again.
fn decide_on(service: &Service, numbers: std::ops::Range<u32>) {
    for n in numbers {
        for json in [format!("{{\"n\": {n}}}"), "{\"always\": 1}".to_owned()] {
            let evidence = RawValue::from_string(json).unwrap();
            decide(service, request().with_evidence(evidence)).unwrap();
        }
    }
}

fn replayed(world: &World) -> Replayed {
    let how = Replay {
        runtime: runtime(),
        components: Vec::new(),
        filter: Filter::default(),
    };
    replay(&Log::open(&[world.log()]).unwrap(), &how).unwrap()
}

fn names(folder: &Path) -> BTreeSet<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn nothing_that_a_record_names_ever_goes() {
    let world = World::new();
    let service = world.start(LINES);
    decide_on(&service, 0..30);
    let (evidence, components) = (world.log().join("evidence"), world.log().join("components"));
    // A component that no record names any more, and files that are none of ours.
    let digest = sod_host::Digest::of(&denying());
    let old = components.join(format!("{}.wasm", digest.to_string().replace(':', "-")));
    fs::write(&old, denying()).unwrap();
    for stranger in ["notes.txt", "sha256-00.json", "sha256-.wasm"] {
        fs::write(evidence.join(stranger), "mine").unwrap();
    }
    let before = (names(&evidence), names(&components));
    let told = unused(&world.log()).unwrap();
    assert!(told.files.contains(&old) && !told.removed, "{told:?}");
    // While a server writes nothing goes: its next record could name any of it.
    let refused = remove_unused(&world.log()).unwrap_err();
    assert!(matches!(refused, AuditError::Log(_)), "{refused}");
    assert!(
        refused.to_string().contains("another server writes"),
        "{refused}"
    );
    assert_eq!((names(&evidence), names(&components)), before);
    service.log().stop().unwrap();
    drop(service);

    let same = replayed(&world);
    assert!(
        same.same > 5 && same.not_replayable.total() == 0,
        "{same:?}"
    );
    let Unused {
        files,
        bytes,
        removed,
        ..
    } = remove_unused(&world.log()).unwrap();
    assert_eq!((&files, bytes, removed), (&told.files, told.bytes, true));
    // What is named is what the records say, read in another way.
    let named: BTreeSet<PathBuf> = world
        .kind("decision")
        .iter()
        .map(|record| {
            record["evidence"]["file"]
                .as_str()
                .unwrap()
                .replace(':', "-")
        })
        .map(|name| evidence.join(format!("{name}.json")))
        .collect();
    let mut left = names(&evidence);
    assert!(left.remove(&evidence.join("notes.txt")));
    assert!(left.remove(&evidence.join("sha256-00.json")));
    assert!(left.remove(&evidence.join("sha256-.wasm")));
    assert_eq!(left, named);
    assert_eq!(names(&components).len(), 1);
    assert_eq!(replayed(&world).same, same.same);
    world.whole();
    // There is nothing more, and a server goes on, also with what is gone.
    assert_eq!(remove_unused(&world.log()).unwrap().files.len(), 0);
    let service = world.start(LINES);
    decide_on(&service, 0..3);
    drop(service);
    let again = replayed(&world);
    assert_eq!(again.not_replayable.total(), 0, "{again:?}");
}

/// What a line that is lost has named must not go.
#[test]
fn of_a_log_that_is_not_whole_nothing_goes() {
    let world = World::new();
    let service = world.start(LINES);
    decide_on(&service, 0..30);
    drop(service);
    let evidence = world.log().join("evidence");
    let before = names(&evidence);
    let file = &world.files()[0];
    let text = fs::read_to_string(file).unwrap();
    let without_first = text.split_once('\n').unwrap().1;
    fs::write(file, without_first).unwrap();
    let refused = remove_unused(&world.log()).unwrap_err();
    assert!(matches!(refused, AuditError::Broken), "{refused}");
    // Nor of one that is gone.
    for file in world.files() {
        fs::remove_file(file).unwrap();
    }
    let refused = remove_unused(&world.log()).unwrap_err();
    assert!(matches!(refused, AuditError::Empty { .. }), "{refused}");
    assert_eq!(names(&evidence), before);
}
