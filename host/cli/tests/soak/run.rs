//! Everybody asks as fast as they can, and every second another component takes over.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::serving::{ALLOWED, Serving, build, logged, replace, run};

const CONNECTIONS: usize = 8;

pub(crate) fn soak(time: Duration) {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let components = ["first", "second"].map(|name| {
        let file = build(folder, name);
        // Compiled code is kept, so that a reload under full load is no compilation.
        let flags = ["serve", "--check", "--component", file.to_str().unwrap()];
        assert!(run(&flags, folder).status.success());
        fs::read(file).unwrap()
    });
    let served = folder.join("views.wasm");
    replace(&served, &components[0]);
    let config = "[server]\nhttp = \"127.0.0.1:0\"\n[pack.views]\ncomponent = \"views.wasm\"\n[log]\ndirectory = \"log\"\n";
    fs::write(folder.join("sod.toml"), config).unwrap();
    let mut serving = Serving::start(folder);

    let done = Arc::new(AtomicBool::new(false));
    let asking: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (done, mut client) = (Arc::clone(&done), serving.client());
            std::thread::spawn(move || {
                let mut ids = Vec::new();
                let mut slowest = Duration::ZERO;
                while !done.load(Ordering::Relaxed) {
                    let began = Instant::now();
                    let answer = client.ask(ALLOWED).expect("an answer");
                    slowest = slowest.max(began.elapsed());
                    assert_eq!(answer.status, 200, "{answer:?}");
                    assert!(answer.body.contains("\"effect\":\"allow\""), "{answer:?}");
                    ids.push(answer.header("sod-decision-id").unwrap().to_owned());
                }
                (ids, slowest)
            })
        })
        .collect();

    let began = Instant::now();
    let mut swaps = 0;
    let mut memory = Vec::new();
    while began.elapsed() < time {
        std::thread::sleep(Duration::from_secs(1));
        swaps += 1;
        replace(&served, &components[swaps % 2]);
        memory.push(serving.resident());
    }
    let took = began.elapsed();
    done.store(true, Ordering::Relaxed);
    let mut ids = Vec::new();
    let mut slowest = Duration::ZERO;
    for asking in asking {
        let (own, longest) = asking.join().unwrap();
        ids.extend(own);
        slowest = slowest.max(longest);
    }
    let reloads = serving.metric("sod_reloads_total{what=\"views\",outcome=\"ok\"}");
    let refused = serving.metric("sod_reloads_total{what=\"views\",outcome=\"refused\"}");
    serving.signal("TERM");
    assert!(serving.ended().success(), "{}", serving.stderr());

    // The beginning fills caches and the allocator's stock; from a tenth on it must stay as it is. At each change two
    // components are there for a moment, so that one look says little.
    let tenth = memory.len().div_ceil(10);
    let warm = median(memory.iter().skip(memory.len() / 10).take(tenth));
    let last = median(memory.iter().rev().take(tenth));
    let rate = ids.len() as f64 / took.as_secs_f64();
    println!(
        "{} s, {} decisions ({rate:.0} a second), slowest {} ms, {swaps} swaps, {reloads} reloads, {refused} refused, \
         {warm} kB in the second tenth, {last} kB in the last",
        took.as_secs(),
        ids.len(),
        slowest.as_millis(),
    );
    assert_eq!(refused, 0.0);
    assert!(
        reloads >= swaps as f64 * 0.5,
        "{reloads} reloads of {swaps}"
    );
    assert!(
        last < warm + warm / 5 + (16 << 10),
        "memory grows: {memory:?}"
    );

    let mut logged = logged(&folder.join("log"));
    ids.sort_unstable();
    logged.sort_unstable();
    assert_eq!(ids.len(), logged.len(), "answers and records");
    assert!(
        ids == logged,
        "an answer without its record, or a record twice"
    );
    assert!(
        logged.windows(2).all(|pair| pair[0] != pair[1]),
        "an id twice"
    );
    let verified = run(&["audit", "verify", "log"], folder);
    let text = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.status.success(), "{text}");
    println!("{}", text.trim_end());
}

fn median<'a>(samples: impl Iterator<Item = &'a usize>) -> usize {
    let mut samples: Vec<usize> = samples.copied().collect();
    samples.sort_unstable();
    samples[samples.len() / 2]
}
