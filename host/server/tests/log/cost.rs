//! What a record costs. A measurement, not a test: run it by name, built as a release is.

use std::fs::{self, File};
use std::io::Write as _;

use serde_json::Value;
use sod_host::{RawValue, Request};

use crate::world::{World, asked, request};

const TIMES: u32 = 5000;

#[test]
#[ignore = "a measurement"]
fn of_a_record() {
    let example = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../policies/protected-deploy/example.json"
    );
    let example: Value = serde_json::from_slice(&fs::read(example).unwrap()).unwrap();
    let large = RawValue::from_string(example["evidence"].to_string()).unwrap();
    for (name, request) in [
        ("small", request()),
        ("usual", request().with_evidence(large)),
    ] {
        for lines in [
            "rotate_bytes = 1000000000",
            "rotate_bytes = 1000000000\nevidence = \"file\"",
        ] {
            measure(name, lines, &request);
        }
    }
}

fn measure(name: &str, lines: &str, request: &Request) {
    let world = World::new();
    let service = world.start(lines);
    let questions: Vec<_> = (0..TIMES)
        .map(|_| asked(&service, request.clone()))
        .collect();
    let threads = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let whole = took(|| {
        threads.block_on(async {
            for asked in questions {
                service.decide(asked).await.unwrap();
            }
        });
    });
    let pack = service.packs().get(None).unwrap();
    let deciding = took(|| {
        for _ in 0..TIMES {
            pack.policy.decide(request);
        }
    });
    let text = fs::read(&world.files()[0]).unwrap();
    let mut bare = File::create_new(world.folder.path().join("bare")).unwrap();
    let writing = took(|| {
        for line in text.split_inclusive(|&byte| byte == b'\n') {
            bare.write_all(line).unwrap();
        }
    });
    println!(
        "{name}, {lines:?}: {} bytes; {:.1} us beyond deciding, of which the bare write is {writing:.1} us",
        text.len() as u64 / u64::from(TIMES),
        whole - deciding,
    );
}

/// Microseconds of this thread on a processor, for each time.
fn took(work: impl FnOnce()) -> f64 {
    let on_processor = || -> u64 {
        let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        text.split(' ').next().unwrap().parse().unwrap()
    };
    let before = on_processor();
    work();
    (on_processor() - before) as f64 / 1e3 / f64::from(TIMES)
}
