//! What the command costs as a whole process, with and without compiled code in its cache.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use sod_tests::root;

fn command(c: &mut Criterion) {
    let scratch = tempfile::tempdir().unwrap();
    let component = scratch.path().join("pack.wasm");
    let example = root().join("policies/protected-deploy/example.json");
    let sod = sod();
    let build = |output: &Path| {
        let status = Command::new(&sod)
            .arg("build")
            .arg(root().join("policies/protected-deploy"))
            .arg("-o")
            .arg(output)
            .stdout(Stdio::null())
            .status();
        assert!(status.unwrap().success());
    };
    build(&component);
    let run = |cache: &Path| {
        let status = Command::new(&sod)
            .arg("decide")
            .arg(&component)
            .arg("--request")
            .arg(&example)
            .env("XDG_CACHE_HOME", cache)
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(2), "a denial");
    };
    let mut group = c.benchmark_group("command");
    group.sample_size(10);
    let warm = scratch.path().join("warm");
    run(&warm);
    group.bench_function("sod decide, warm", |b| b.iter(|| run(&warm)));
    group.measurement_time(Duration::from_secs(30));
    group.bench_function("sod decide, nothing cached", |b| {
        b.iter_batched(
            || tempfile::tempdir().unwrap(),
            |cache| {
                run(cache.path());
                cache
            },
            criterion::BatchSize::PerIteration,
        );
    });
    let built = scratch.path().join("built.wasm");
    group.bench_function("sod build", |b| b.iter(|| build(&built)));
    group.finish();
}

/// The command, built as the benchmark is.
fn sod() -> PathBuf {
    let status = Command::new(env!("CARGO"))
        .args(["build", "--release", "--bin", "sod"])
        .current_dir(root())
        .status();
    assert!(status.unwrap().success());
    let bench = std::env::current_exe().unwrap();
    bench.ancestors().nth(2).unwrap().join("sod")
}

criterion_group!(benches, command);
criterion_main!(benches);
