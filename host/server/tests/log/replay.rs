//! What was decided is decided again.

use std::fs;

use sod_host::{Digest, Effect, EntityUid, RawValue};
use sod_server::audit::{Filter, Log, Replay, Replayed, replay};
use sod_server::{SearchAsked, Service, Sought};

use crate::world::{World, component, decide, decide_times, denying, origin, request, runtime};

fn again(world: &World, filter: Filter) -> Replayed {
    let replaying = Replay {
        runtime: runtime(),
        components: Vec::new(),
        filter,
    };
    replay(&Log::open(&[world.log()]).unwrap(), &replaying).unwrap()
}

fn search(service: &Service, candidates: &[&str]) -> Vec<EntityUid> {
    let asked = SearchAsked {
        pack: service.packs().get(None).unwrap(),
        request: request(),
        sought: Sought::Principal,
        candidates: candidates
            .iter()
            .map(|id| EntityUid::new("Person", *id))
            .collect(),
        origin: origin(),
    };
    let threads = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    threads.block_on(service.search(asked)).unwrap().results
}

/// One with line breaks, one without, a denial because nobody expected that evidence, one without evidence.
fn decide_all(service: &Service) {
    decide_times(service, 2);
    let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
    let lines = raw("{\n  \"people\" : []\r\n}");
    let decided = decide(
        service,
        request().with_evidence(lines).with_context(raw("{}")),
    )
    .unwrap();
    assert_eq!(decided.verdict.effect, Effect::Deny);
    let mut bare = request();
    bare.evidence = None;
    decide(
        service,
        bare.with_entities(raw("[\"\\u00e9 \\ud83d\\ude00\", 1e400]")),
    )
    .unwrap();
}

#[test]
fn everything_comes_out_the_same_wherever_evidence_is_kept() {
    for lines in ["", "evidence = \"file\""] {
        let world = World::new();
        let service = world.start(lines);
        decide_all(&service);
        assert_eq!(search(&service, &["ana", "bob"]).len(), 2);
        let replayed = again(&world, Filter::default());
        assert_eq!((replayed.same, replayed.differ), (5, 0), "{replayed:#?}");
        assert_eq!(replayed.not_replayable.total(), 0);
    }
}

#[test]
fn a_search_is_one_record_with_all_its_questions() {
    let world = World::new();
    let service = world.start("");
    search(&service, &["ana", "bob", "ana"]);
    let record = &world.kind("search")[0];
    assert_eq!(record["sought"], "principal");
    assert!(record.get("principal").is_none());
    assert_eq!(record["action"]["id"], "merge");
    let questions = record["questions"].as_array().unwrap();
    assert_eq!(questions.len(), 3);
    assert_eq!(questions[1]["candidate"]["id"], "bob");
    assert_eq!(questions[1]["effect"], "allow");
    assert_eq!(world.whole().searches, 1);
}

#[test]
fn what_is_not_in_the_log_is_not_replayed_and_not_ok() {
    let world = World::new();
    decide_times(&world.start("evidence = \"digest\""), 2);
    let replayed = again(&world, Filter::default());
    assert_eq!((replayed.same, replayed.not_replayable.not_kept), (0, 2));

    let mask = |path| format!("[[log.mask]]\npath = \"{path}\"\nwith = \"digest\"");
    for (path, masked) in [
        ("/evidence/people/*/email", 1),
        ("/principal/id", 1),
        ("/verdict/reasons", 1),
        // Neither has a part in the decision.
        ("/client", 0),
        ("/request_id", 0),
        // Nothing there was masked.
        ("/evidence/nothing", 0),
    ] {
        let world = World::new();
        decide_times(&world.start(&mask(path)), 1);
        let replayed = again(&world, Filter::default());
        assert_eq!(
            (replayed.same, replayed.not_replayable.masked),
            (1 - masked, masked),
            "{path}"
        );
    }
}

#[test]
fn what_was_changed_beside_the_log_is_told() {
    let world = World::new();
    decide_times(&world.start("evidence = \"file\""), 1);
    let only = |folder: &str| {
        fs::read_dir(world.log().join(folder))
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path()
    };
    let evidence = only("evidence");
    fs::write(&evidence, b"{}").unwrap();
    assert_eq!(
        again(&world, Filter::default())
            .not_replayable
            .evidence_changed,
        1
    );
    fs::remove_file(&evidence).unwrap();
    assert_eq!(
        again(&world, Filter::default())
            .not_replayable
            .evidence_missing,
        1
    );
    let component = only("components");
    fs::write(&component, denying()).unwrap();
    assert_eq!(
        again(&world, Filter::default())
            .not_replayable
            .component_changed,
        1
    );
    fs::remove_file(&component).unwrap();
    assert_eq!(
        again(&world, Filter::default())
            .not_replayable
            .component_missing,
        1
    );
}

/// Somebody who can write to the log makes it say that another component decided, and keeps that one.
#[test]
fn a_decision_that_another_component_would_not_make_differs() {
    let world = World::new();
    let service = world.start("");
    decide_times(&service, 2);
    let id = decide(&service, request()).unwrap().id;
    search(&service, &["ana"]);
    let (real, other) = (
        Digest::of(&component()).to_string(),
        Digest::of(&denying()).to_string(),
    );
    let path = &world.files()[0];
    let text = fs::read_to_string(path).unwrap();
    fs::write(path, text.replace(&real, &other)).unwrap();
    let kept = world
        .log()
        .join("components")
        .join(format!("{}.wasm", other.replace(':', "-")));
    fs::write(kept, denying()).unwrap();
    let replayed = again(&world, Filter::default());
    assert_eq!((replayed.same, replayed.differ), (0, 4), "{replayed:#?}");
    let difference = &replayed.differences[2];
    assert_eq!(difference.id, id);
    assert_eq!(difference.what, ["effect: allow became deny", "reasons"]);
    assert_eq!(
        replayed.differences[3].what,
        ["Person::\"ana\": allow became deny"]
    );
}

#[test]
fn only_what_is_asked_about_is_replayed() {
    let world = World::new();
    let service = world.start("");
    decide_times(&service, 2);
    let id = decide(&service, request()).unwrap().id;
    let filters = [
        (
            Filter {
                id: Some(id),
                ..Filter::default()
            },
            1,
        ),
        (
            Filter {
                pack: Some("small".to_owned()),
                ..Filter::default()
            },
            3,
        ),
        (
            Filter {
                pack: Some("pack".to_owned()),
                ..Filter::default()
            },
            3,
        ),
        (
            Filter {
                pack: Some("other".to_owned()),
                ..Filter::default()
            },
            0,
        ),
        (
            Filter {
                from: Some(0),
                ..Filter::default()
            },
            3,
        ),
        (
            Filter {
                from: Some(i64::MAX),
                ..Filter::default()
            },
            0,
        ),
        (
            Filter {
                to: Some(0),
                ..Filter::default()
            },
            0,
        ),
    ];
    for (filter, same) in filters {
        let replayed = again(&world, filter.clone());
        assert_eq!(
            (replayed.same, replayed.left_out),
            (same, 3 - same),
            "{filter:?}"
        );
    }
}
