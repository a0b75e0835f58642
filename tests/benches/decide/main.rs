//! What a decision costs: plain Cedar and sod on the same bytes, in one run.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark fails by panicking"
)]

mod ratio;
mod reused;

use std::hint::black_box;
use std::path::Path;

use criterion::{
    BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime,
};
use serde_json::value::RawValue;
use sod_core::{Bundle, Program, Request};
use sod_host::{Policy, Runtime};
use sod_pack::{CompileOptions, Pack};
use sod_tests::large::Question;
use sod_tests::native::Native;
use sod_tests::{core_request, large, root, workload};

/// The workload's policies as a pack folder, so that they go the way of every pack.
fn write_pack(folder: &Path, bundle: &Bundle) {
    let manifest = "name = \"workload\"\nversion = \"0.0.0\"\nmode = \"cedar\"\n";
    let rules: String = bundle
        .policies
        .iter()
        .map(|p| format!("{}\n", p.text))
        .collect();
    std::fs::create_dir(folder.join("rules")).unwrap();
    std::fs::write(folder.join("pack.toml"), manifest).unwrap();
    std::fs::write(folder.join("schema.cedarschema"), &bundle.schema).unwrap();
    std::fs::write(folder.join("rules/rules.cedar"), rules).unwrap();
}

fn compile(folder: &Path) -> Vec<u8> {
    let pack = Pack::open(folder).unwrap_or_else(|findings| panic!("{findings:?}"));
    sod_pack::compile(&pack, &CompileOptions::default()).unwrap()
}

fn host_request(request: &Request) -> sod_host::Request {
    let uid = |uid: &sod_core::EntityUid| sod_host::EntityUid::new(&uid.type_name, &uid.id);
    let raw = |json: &Option<String>| {
        let text = json.as_ref()?.clone();
        Some(RawValue::from_string(text).unwrap())
    };
    let mut lowered = sod_host::Request::new(
        uid(&request.principal),
        uid(&request.action),
        uid(&request.resource),
    );
    lowered.now = request.now;
    lowered.evidence = raw(&request.evidence);
    lowered.entities = raw(&request.entities);
    lowered.context = raw(&request.context);
    lowered
}

fn fresh(
    group: &mut BenchmarkGroup<'_, WallTime>,
    policy: &Policy,
    requests: &[sod_host::Request],
) {
    let mut next = requests.iter().cycle();
    group.bench_function("sod component, fresh instance", |b| {
        b.iter(|| black_box(policy.try_decide(next.next().unwrap()).unwrap()));
    });
}

fn core(group: &mut BenchmarkGroup<'_, WallTime>, program: &Program, requests: &[Request]) {
    let mut next = requests.iter().cycle();
    group.bench_function("sod-core, native", |b| {
        b.iter(|| black_box(program.decide(next.next().unwrap()).unwrap()));
    });
}

/// The workload over so many services, compiled and in both forms of a request.
struct Workload {
    bundle: Bundle,
    component: Vec<u8>,
    requests: Vec<Request>,
    host_requests: Vec<sod_host::Request>,
}

impl Workload {
    fn new(services: usize) -> Self {
        let bundle = workload::bundle(services);
        let requests = workload::requests(services, 64);
        let folder = tempfile::tempdir().unwrap();
        write_pack(folder.path(), &bundle);
        Workload {
            component: compile(folder.path()),
            host_requests: requests.iter().map(host_request).collect(),
            requests,
            bundle,
        }
    }
}

/// Plain Cedar requests over 10 and over 1,000 policies, of which 10 can match.
fn plain(c: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    for services in [1, 100] {
        let Workload {
            bundle,
            component,
            requests,
            host_requests,
        } = Workload::new(services);

        let mut group = c.benchmark_group(format!("{} policies", services * 10));
        let native = Native::new(&bundle);
        let mut next = requests.iter().cycle();
        group.bench_function("cedar-policy, native", |b| {
            b.iter(|| black_box(native.decide(next.next().unwrap())));
        });
        fresh(
            &mut group,
            &runtime.load(&component).unwrap(),
            &host_requests,
        );
        let mut reused = reused::Reused::new(&component);
        let mut next = requests.iter().cycle();
        group.bench_function("sod component, reused instance", |b| {
            b.iter(|| black_box(reused.decide(next.next().unwrap())));
        });
        core(&mut group, &Program::load(bundle).unwrap(), &requests);
        group.finish();
    }
}

/// The claims of docs/performance.md, each measured against its peer in turn.
fn ratios(_: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let mut policies = Vec::new();
    for services in [1, 100] {
        let Workload {
            bundle,
            component,
            requests,
            host_requests,
        } = Workload::new(services);
        let policy = runtime.load(&component).unwrap();
        let native = Native::new(&bundle);
        ratio::compare(
            &format!(
                "{} policies, fresh instance against native Cedar",
                services * 10
            ),
            64,
            || {
                requests
                    .iter()
                    .for_each(|r| drop(black_box(native.decide(r))))
            },
            || decide_all(&policy, &host_requests),
        );
        policies.push((policy, host_requests));
    }
    if let [(ten, ten_requests), (thousand, thousand_requests)] = policies.as_slice() {
        ratio::compare(
            "1,000 policies against 10",
            64,
            || decide_all(ten, ten_requests),
            || decide_all(thousand, thousand_requests),
        );
    }
}

fn decide_all(policy: &Policy, requests: &[sod_host::Request]) {
    for request in requests {
        drop(black_box(policy.try_decide(request).unwrap()));
    }
}

/// The shipped pack on real evidence: facts, approvals, quorums and rules.
fn evidence(c: &mut Criterion) {
    let folder = root().join("policies/protected-deploy");
    let request = std::fs::read(folder.join("example.json")).unwrap();
    let request = sod_host::Request::from_json(&request).unwrap();
    let pack = Pack::open(&folder).unwrap_or_else(|findings| panic!("{findings:?}"));
    let component = compile(&folder);
    let mut group = c.benchmark_group("protected-deploy");
    core(
        &mut group,
        &Program::load(pack.bundle()).unwrap(),
        &[core_request(&request)],
    );
    fresh(
        &mut group,
        &Runtime::new().unwrap().load(&component).unwrap(),
        &[request],
    );
    group.finish();
}

/// Large evidence, by its size: 5,000 commits, 3,000 files, 500 approvals and 10,000 people, and fractions of that.
fn large(c: &mut Criterion) {
    let component = compile(&root().join("policies/protected-deploy"));
    let policy = Runtime::new().unwrap().load(&component).unwrap();
    let mut group = c.benchmark_group("a large release");
    group.sample_size(10);
    for size in [1, 2, 4, 8] {
        let request = host_request(&large::request(Question::Deploy, size));
        let commits = size * 5_000 / 8;
        // As many of these per second as one divided by the slope for each commit, with what comes with it.
        group.throughput(Throughput::Elements(commits as u64));
        group.bench_function(format!("{commits} commits"), |b| {
            b.iter(|| black_box(policy.try_decide(&request).unwrap()));
        });
    }
    group.finish();
}

criterion_group!(benches, ratios, plain, evidence, large);
criterion_main!(benches);
