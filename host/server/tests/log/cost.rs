//! What a record costs. A measurement, not a test: run it by name, built as a release is.

use std::fs::{self, File};
use std::io::Write as _;
use std::time::{Duration, Instant};

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
    let began = Instant::now();
    threads.block_on(async {
        for asked in questions {
            service.decide(asked).await.unwrap();
        }
    });
    let whole = began.elapsed();
    let deciding: u64 = world
        .kind("decision")
        .iter()
        .map(|record| record["latency_us"].as_u64().unwrap())
        .sum();
    // `latency_us` is cut off, by half a microsecond on average.
    let deciding = Duration::from_micros(deciding) + TIMES * Duration::from_nanos(500);
    let text = fs::read(&world.files()[0]).unwrap();
    let writing = writing(&world, &text);
    let each = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(TIMES);
    println!(
        "{name}, {lines:?}: {} bytes; beyond deciding {:.1} us, of which the bare write is {:.1} us",
        text.len() as u64 / u64::from(TIMES),
        each(whole.saturating_sub(deciding)),
        each(writing)
    );
}

fn writing(world: &World, text: &[u8]) -> Duration {
    let mut file = File::create_new(world.folder.path().join("bare")).unwrap();
    let began = Instant::now();
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        file.write_all(line).unwrap();
    }
    began.elapsed()
}
