//! Whatever is done to a log behind its back is found, and where.

use std::fs;

use sod_host::Digest;
use sod_server::audit::Verified;

use crate::world::{World, decide_times};

/// A log in several files, that a server wrote and ended.
fn written() -> (World, Digest) {
    let world = World::new();
    let service = world.start("rotate_bytes = 4096");
    decide_times(&service, 20);
    service.log().stop().unwrap();
    drop(service);
    let verified = world.whole();
    assert!(world.files().len() > 3, "{:?}", world.files());
    (world, verified.head.unwrap())
}

/// What an audit says once the lines of one file are changed.
fn tampered(file: usize, change: impl FnOnce(&mut Vec<String>)) -> Verified {
    let (world, head) = written();
    let path = world.files()[file].clone();
    let text = fs::read_to_string(&path).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    change(&mut lines);
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    fs::write(path, text).unwrap();
    world.verify(&[head])
}

#[track_caller]
fn broken(verified: &Verified, problem: &str) {
    assert!(!verified.whole);
    let says = verified
        .breaks
        .iter()
        .any(|at| at.problem.contains(problem));
    assert!(says, "{:#?}", verified.breaks);
}

#[test]
fn a_log_says_what_is_in_it() {
    let (world, head) = written();
    let verified = world.verify(&[head]);
    assert!(verified.whole);
    assert_eq!(
        (verified.decisions, verified.allows, verified.denies),
        (20, 20, 0)
    );
    // start, pack, 20 decisions, stop
    assert_eq!(
        (verified.records, verified.first_seq, verified.last_seq),
        (23, Some(1), Some(23))
    );
    assert_eq!((verified.starts, verified.lost), (1, 0));
    let pack = verified.packs.values().next().unwrap();
    assert_eq!((pack.name.as_str(), pack.allows), ("pack", 20));
}

#[test]
fn a_changed_byte_in_any_line_is_found() {
    for file in [0, 1] {
        let verified = tampered(file, |lines| {
            let last = lines.len() - 1;
            lines[last] = lines[last].replace("\"allow\"", "\"deny\"").replacen(
                "latency_us\":",
                "latency_us\":1",
                1,
            );
        });
        broken(&verified, "not tied to the line before");
        assert_eq!(verified.broken, 1);
        // The line after the one that was changed is the first of the next file.
        assert_eq!(verified.breaks[0].line, 1);
    }
}

#[test]
fn a_changed_first_line_is_found() {
    let verified = tampered(0, |lines| lines[0] = lines[0].replace("0.1.0", "0.1.1"));
    broken(&verified, "not tied to the line before");
    assert_eq!(verified.breaks[0].line, 2);
}

#[test]
fn a_line_taken_out_is_found_wherever_it_was() {
    let verified = tampered(0, |lines| drop(lines.remove(0)));
    broken(&verified, "the log begins with record 2");
    let verified = tampered(1, |lines| drop(lines.remove(1)));
    broken(&verified, "not tied to the line before");
    broken(&verified, "expected was");
}

#[test]
fn the_end_taken_off_is_found_by_the_head() {
    let (world, head) = written();
    let path = world.files().pop().unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let cut = text.trim_end().rfind('\n').map_or(0, |at| at + 1);
    fs::write(&path, &text[..cut]).unwrap();
    world.whole();
    broken(
        &world.verify(&[head]),
        &format!("no line in it has the digest {head}"),
    );
}

#[test]
fn a_head_in_the_middle_pins_what_is_before_it() {
    let (world, _) = written();
    let text = fs::read_to_string(&world.files()[1]).unwrap();
    let head = Digest::of(text.lines().next().unwrap().as_bytes());
    assert!(world.verify(&[head]).whole);
    assert!(!world.verify(&[head, Digest::of(b"")]).whole);
}

#[test]
fn swapped_lines_are_found() {
    broken(
        &tampered(1, |lines| lines.swap(0, 1)),
        "not tied to the line before",
    );
}

#[test]
fn a_line_twice_is_found() {
    let verified = tampered(1, |lines| lines.insert(1, lines[0].clone()));
    broken(&verified, "not tied to the line before");
    broken(&verified, "is not greater than the one before it");
}

/// Somebody who knows the format ties a line of his own to the line before it.
#[test]
fn a_line_put_in_is_found_though_it_is_tied_itself() {
    let verified = tampered(1, |lines| {
        let digest = Digest::of(lines[0].as_bytes());
        let at = lines[0].rfind("\"prev\"").unwrap();
        let forged = format!("{}\"prev\":\"{digest}\"}}", &lines[0][..at]);
        lines.insert(1, forged);
    });
    assert_eq!(
        verified.breaks[0].problem.split(',').next(),
        Some("it is record 5"),
        "{:#?}",
        verified.breaks
    );
    broken(&verified, "not tied to the line before");
}

#[test]
fn a_line_that_is_no_record_is_found() {
    broken(
        &tampered(1, |lines| lines[0] = "{}".to_owned()),
        "this is no record",
    );
    broken(
        &tampered(1, |lines| lines.insert(0, String::new())),
        "this is no record",
    );
}

#[test]
fn a_missing_file_is_found_wherever_it_was() {
    let (world, head) = written();
    let files = world.files();
    for (index, problem) in [
        (0, "the log begins with record"),
        (1, "not tied to the line before"),
        (files.len() - 1, "no line in it has the digest"),
    ] {
        let kept = fs::read(&files[index]).unwrap();
        fs::remove_file(&files[index]).unwrap();
        broken(&world.verify(&[head]), problem);
        fs::write(&files[index], kept).unwrap();
    }
    assert!(world.verify(&[head]).whole);
}

#[test]
fn a_truncated_file_is_found() {
    let (world, head) = written();
    let path = &world.files()[1];
    let bytes = fs::read(path).unwrap();
    fs::write(path, &bytes[..bytes.len() - 10]).unwrap();
    let verified = world.verify(&[head]);
    broken(&verified, "in the middle of a line");
    fs::write(path, &bytes[..bytes.len() - 1]).unwrap();
    broken(&world.verify(&[head]), "has no line feed");
    fs::write(path, b"").unwrap();
    broken(&world.verify(&[head]), "not tied to the line before");
}

#[test]
fn a_component_that_was_replaced_is_found() {
    let (world, _) = written();
    let components = fs::read_dir(world.log().join("components")).unwrap();
    let component = components
        .map(|entry| entry.unwrap().path())
        .next()
        .unwrap();
    fs::write(component, crate::world::denying()).unwrap();
    broken(&world.verify(&[]), "its bytes do not have the digest");
}

#[test]
fn another_log_s_beginning_in_the_middle_is_found() {
    let (world, _) = written();
    let (other, _) = written();
    let path = &world.files()[2];
    fs::copy(&other.files()[0], path).unwrap();
    broken(
        &world.verify(&[]),
        "a log begins here, in the middle of another one",
    );
}
