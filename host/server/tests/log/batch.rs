//! Records of decisions that are made at once are written at once: all of them, or none.

use std::fs;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use sod_server::{Decided, Refusal, Service};

use crate::failure::{fill, make_room, on_a_small_disk};
use crate::world::{World, asked, decide_times, request};

/// A decision that goes on when it is told to.
struct Deciding<'a>(Pin<Box<dyn Future<Output = Result<Decided, Refusal>> + 'a>>);

impl<'a> Deciding<'a> {
    /// Decided, and not written.
    #[track_caller]
    fn begin(service: &'a Service) -> Self {
        let mut deciding = Deciding(Box::pin(service.decide(asked(service, request()))));
        assert!(deciding.poll().is_pending());
        deciding
    }

    fn poll(&mut self) -> Poll<Result<Decided, Refusal>> {
        self.0
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
    }

    #[track_caller]
    fn end(mut self) -> Result<Decided, Refusal> {
        match self.poll() {
            Poll::Ready(decided) => decided,
            Poll::Pending => panic!("it waits for something else"),
        }
    }
}

fn begin(service: &Service, times: usize) -> Vec<Deciding<'_>> {
    (0..times).map(|_| Deciding::begin(service)).collect()
}

#[test]
fn the_first_who_wants_its_answer_writes_the_records_of_all() {
    let world = World::new();
    let service = world.start("");
    let mut deciding = begin(&service, 16);
    assert_eq!(world.whole().decisions, 0);
    let last = deciding.pop().unwrap().end().unwrap();
    assert_eq!(world.whole().decisions, 16);
    let mut ids: Vec<String> = deciding
        .into_iter()
        .map(|deciding| deciding.end().unwrap().id.to_string())
        .collect();
    ids.push(last.id.to_string());
    assert_eq!(world.whole().decisions, 16);
    let recorded = world.kind("decision");
    let recorded: Vec<_> = recorded.iter().map(|record| &record["id"]).collect();
    assert_eq!(recorded, ids.iter().collect::<Vec<_>>());
}

#[test]
fn whoever_goes_away_leaves_a_record() {
    let world = World::new();
    let service = world.start("");
    drop(begin(&service, 3));
    assert_eq!(world.whole().decisions, 3);
    assert_eq!(service.log().counts().written, 3);
}

#[test]
fn what_happens_meanwhile_comes_behind_what_was_decided() {
    let world = World::new();
    let service = world.start("");
    let deciding = begin(&service, 2);
    service.log().stop().unwrap();
    let kinds: Vec<_> = world
        .records()
        .into_iter()
        .map(|r| r["kind"].clone())
        .collect();
    assert_eq!(
        kinds.last_chunk(),
        Some(&["decision", "decision", "stop"].map(Into::into))
    );
    for deciding in deciding {
        deciding.end().unwrap();
    }
    assert_eq!(world.whole().decisions, 2);
}

#[test]
fn no_more_is_kept_back_than_a_write_is_worth() {
    let world = World::new();
    let service = world.start("");
    let deciding = begin(&service, 200);
    let written = world.whole().decisions;
    assert!((20..200).contains(&written), "{written} of 200");
    drop(deciding);
    assert_eq!(world.whole().decisions, 200);
}

#[test]
fn no_file_grows_beyond_its_size_at_once() {
    let world = World::new();
    let service = world.start("rotate_bytes = 4096");
    drop(begin(&service, 50));
    assert_eq!(world.whole().decisions, 50);
    let sizes: Vec<_> = world
        .files()
        .iter()
        .map(|file| fs::metadata(file).unwrap().len())
        .collect();
    assert!(
        sizes.len() > 10 && sizes.iter().all(|size| *size <= 4096),
        "{sizes:?}"
    );
    assert!(
        sizes.iter().filter(|size| **size > 2048).count() > 5,
        "{sizes:?}"
    );
}

#[test]
fn what_cannot_be_written_is_refused_to_all() {
    on_a_small_disk("batch::full_disk_deny");
}

#[test]
#[ignore = "fills a disk; the test above runs it in a process of its own"]
fn full_disk_deny() {
    let world = World::new();
    let service = world.start("");
    let written = fill(&service);
    for deciding in begin(&service, 5) {
        let refusal = deciding.end().unwrap_err();
        assert!(matches!(refusal, Refusal::Unrecorded { .. }), "{refusal}");
    }
    // Nobody is told the outcome of others who came later.
    let refused = Deciding::begin(&service);
    let late = Deciding::begin(&service);
    refused.end().unwrap_err();
    make_room();
    let again = Deciding::begin(&service);
    late.end().unwrap_err();
    again.end().unwrap();
    decide_times(&service, 3);
    let verified = world.whole();
    assert_eq!((verified.decisions, verified.lost), (written + 4, 0));
    assert_eq!(service.log().counts().refused, 8);
}

#[test]
fn every_lost_record_is_in_a_gap() {
    on_a_small_disk("batch::full_disk_degrade");
}

#[test]
#[ignore = "fills a disk; the test above runs it in a process of its own"]
fn full_disk_degrade() {
    let world = World::new();
    let service = world.start("on_failure = \"degrade\"");
    let written = fill(&service);
    // With each of these the gap so far is to be written, and is not.
    for deciding in begin(&service, 5) {
        deciding.end().unwrap();
    }
    let mut deciding = begin(&service, 3);
    let late = deciding.pop().unwrap();
    deciding.pop().unwrap().end().unwrap();
    // Behind a line that already tells of those who were lost by now.
    let again = Deciding::begin(&service);
    late.end().unwrap();
    make_room();
    again.end().unwrap();
    drop(deciding);
    decide_times(&service, 3);
    let verified = world.whole();
    assert_eq!((verified.decisions, verified.lost), (written + 4, 9));
    assert_eq!(service.log().counts().lost, 9);
    let gaps: Vec<_> = world
        .kind("gap")
        .iter()
        .map(|gap| gap["lost"].clone())
        .collect();
    assert_eq!(gaps, [7, 2]);
}
