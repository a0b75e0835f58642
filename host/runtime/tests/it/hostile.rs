//! One table of components that are refused when opened, one of components
//! whose decisions are denied. Each row with the code that says why.

use std::time::{Duration, Instant};

use miette::Diagnostic;
use sod_host::{CacheLocation, Digest, Effect, OpenError, RawValue, Runtime, code};

use crate::decide::{load, request, runtime};
use crate::guest::{
    ALLOW, DENY, Description, Guest, Reason, Verdict, componentize, policy_digest, wit,
};

fn allow() -> Verdict {
    Verdict::allow(request().evidence_digest())
}

fn good() -> Guest {
    Guest::with_verdict(&allow())
}

/// A good guest, but for what `change` does to it.
fn guest(change: impl FnOnce(&mut Guest)) -> Guest {
    let mut guest = good();
    change(&mut guest);
    guest
}

/// A guest whose verdict allows, but for what `change` does to it.
fn says(change: impl FnOnce(&mut Verdict)) -> Guest {
    let mut verdict = allow();
    change(&mut verdict);
    Guest::with_verdict(&verdict)
}

/// A guest whose answer allows, but for what `change` does to its words: 0 is
/// which of `result`, 1 the effect, 2 and 3 pointer and length of the reasons,
/// 10 and 11 of the policy digest.
fn words(change: impl FnOnce(&mut Vec<u32>)) -> Guest {
    Guest::build(&Description::default(), |memory| {
        let mut words = allow().lower(memory);
        change(&mut words);
        words
    })
}

fn described(change: impl FnOnce(&mut Description)) -> Guest {
    let mut description = Description::default();
    change(&mut description);
    Guest::build(&description, |memory| allow().lower(memory))
}

fn instead_of_decide(body: &str) -> Guest {
    guest(|guest| guest.decide = body.to_owned())
}

/// Components that never get as far as a request.
fn refused() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let component = good().component();
    let text = |text: &str| wat::parse_str(text).unwrap();
    let items = |items: &str| guest(|guest| guest.items += items).component();
    let memory = |memory: &str| guest(|guest| guest.items = memory.to_owned()).component();
    let describe = |body: &str| guest(|guest| guest.describe = body.to_owned()).component();
    let mut truncated = component.clone();
    truncated.pop();
    let mut version = component.clone();
    version[4] = 0x0e;

    vec![
        ("empty file", Vec::new(), "not-a-component"),
        (
            "garbage",
            b"MZ\x90\0 this is something else".to_vec(),
            "not-a-component",
        ),
        ("half a magic number", b"\0as".to_vec(), "not-a-component"),
        (
            "text of a component",
            b"(component)".to_vec(),
            "not-a-component",
        ),
        ("core module", good().module(), "not-a-component"),
        ("version of a distant future", version, "not-a-component"),
        (
            "native code, as in a cache",
            std::fs::read(std::env::current_exe().unwrap()).unwrap(),
            "not-a-component",
        ),
        ("last byte missing", truncated, "component-invalid"),
        (
            "one byte too many",
            [component.clone(), vec![0]].concat(),
            "component-invalid",
        ),
        (
            "component without anything",
            text("(component)"),
            "not-a-policy",
        ),
        (
            "WASI clock",
            text(
                r#"(component (import "wasi:clocks/monotonic-clock@0.2.0"
                    (instance (export "now" (func (result u64))))))"#,
            ),
            "component-imports",
        ),
        (
            "import beside a good export",
            componentize(
                guest(|guest| {
                    guest.items = format!("(import \"$root\" \"leak\" (func)) {}", guest.items)
                })
                .module(),
                &wit().replace("world policy {", "world policy { import leak: func();"),
            ),
            "component-imports",
        ),
        (
            "later version of the interface",
            renamed(&good(), "@0.1.0", "@0.2.0"),
            "not-a-policy",
        ),
        (
            "another package",
            renamed(&good(), "sod:policy", "sad:policy"),
            "not-a-policy",
        ),
        (
            "decide gives something else",
            retyped("effect: effect,", "effect: u8,"),
            "not-a-policy",
        ),
        (
            "decide takes something else",
            retyped("now: option<timestamp>", "now: option<u64>"),
            "not-a-policy",
        ),
        (
            "decide is named otherwise",
            retyped("decide: func", "decided: func"),
            "not-a-policy",
        ),
        ("two memories", items("(memory 1)"), "component-invalid"),
        (
            "64-bit memory",
            text("(component (core module (memory i64 1)))"),
            "component-invalid",
        ),
        (
            "memory beyond the cap",
            memory("(memory (export \"memory\") 17)"),
            "component-invalid",
        ),
        (
            "table beyond the cap",
            items("(table 20001 funcref)"),
            "component-invalid",
        ),
        (
            "too many tables",
            items(&"(table 1 funcref)".repeat(5)),
            "component-invalid",
        ),
        (
            "relaxed SIMD, which differs between machines",
            items("(func (param v128) (result v128) (i32x4.relaxed_trunc_f32x4_s (local.get 0)))"),
            "component-invalid",
        ),
        (
            "start function that traps",
            items("(func $s unreachable) (start $s)"),
            "component-broken",
        ),
        (
            "start function without end",
            items("(func $s (loop (br 0))) (start $s)"),
            "component-broken",
        ),
        (
            "description that traps",
            describe("unreachable"),
            "component-broken",
        ),
        (
            "description without end",
            describe("(loop (br 0)) unreachable"),
            "component-broken",
        ),
        (
            "description out of bounds",
            describe("(i32.const -4)"),
            "component-broken",
        ),
        (
            "description with no digest",
            described(|d| d.policy_digest.clear()).component(),
            "component-broken",
        ),
        (
            "policies not in order",
            described(|d| d.policies.reverse()).component(),
            "component-broken",
        ),
        (
            "a policy that is permit and forbid",
            described(|d| d.policies = vec![("a", ALLOW), ("a", DENY)]).component(),
            "component-broken",
        ),
    ]
}

/// A component of the same world in a changed contract.
fn retyped(from: &str, to: &str) -> Vec<u8> {
    let wit = wit();
    assert!(wit.contains(from));
    let mut guest = good();
    if from == "decide: func" {
        guest.items += r#"(func (export "sod:policy/authorizer@0.1.0#decided") (param i32) (result i32) unreachable)"#;
    }
    componentize(guest.module(), &wit.replace(from, to))
}

/// A component whose interface goes by another name.
fn renamed(guest: &Guest, from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(&guest.module()).into_owned();
    assert!(text.contains(from));
    // Of the same length, so that the module stays valid.
    let mut module = guest.module();
    for at in 0..module.len() - from.len() {
        if module[at..].starts_with(from.as_bytes()) {
            module[at..at + from.len()].copy_from_slice(to.as_bytes());
        }
    }
    componentize(
        module,
        &wit().replace(
            "package sod:policy@0.1.0",
            &"package sod:policy@0.1.0".replace(from, to),
        ),
    )
}

#[test]
fn what_is_no_policy_component_is_refused() {
    let runtime = runtime();
    for (name, bytes, expected) in refused() {
        match runtime.load(&bytes) {
            Ok(_) => panic!("{name}: was opened"),
            Err(error) => {
                assert_eq!(
                    error.code().unwrap().to_string(),
                    expected,
                    "{name}: {error}"
                );
                assert!(error.help().is_some(), "{name}");
                assert!(!error.to_string().contains('\n'), "{name}: {error}");
            }
        }
    }
}

#[test]
fn an_import_is_named() {
    let component =
        wat::parse_str(r#"(component (import "wasi:clocks/wall-clock@0.2.0" (instance)))"#)
            .unwrap();
    let error = runtime().load(&component).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the component imports `wasi:clocks/wall-clock@0.2.0`, a policy component imports nothing"
    );
}

#[test]
fn a_component_beyond_the_size_limit_is_not_even_read() {
    let component = good().component();
    let runtime = |limit| {
        Runtime::builder()
            .component_limit(limit)
            .cache(CacheLocation::Nowhere)
            .build()
            .unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.wasm");
    std::fs::write(&path, &component).unwrap();
    assert!(runtime(component.len()).open(&path).is_ok());
    let less = runtime(component.len() - 1);
    assert!(matches!(less.open(&path), Err(OpenError::TooLarge { .. })));
    assert!(matches!(
        less.load(&component),
        Err(OpenError::TooLarge { .. })
    ));
    // A file without end, as `/dev/zero` is one, ends there as well.
    #[cfg(unix)]
    assert!(matches!(
        less.open("/dev/zero"),
        Err(OpenError::TooLarge { .. })
    ));
}

#[test]
fn only_the_expected_component_is_opened() {
    let component = good().component();
    let other = says(|verdict| verdict.effect = DENY).component();
    let policy = runtime()
        .load_pinned(&component, &Digest::of(&component))
        .unwrap();
    assert_eq!(*policy.digest(), Digest::of(&component));
    match runtime().load_pinned(&other, policy.digest()) {
        Err(OpenError::DigestMismatch { expected, actual }) => {
            assert_eq!(
                (expected, actual),
                (Digest::of(&component), Digest::of(&other))
            );
        }
        other => panic!("{other:?}"),
    }
    // It is not looked at any further: garbage is a mismatch, too.
    let garbage = runtime().load_pinned(b"garbage", policy.digest());
    assert!(matches!(garbage, Err(OpenError::DigestMismatch { .. })));
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = runtime().open("no/such/policy.wasm").unwrap_err();
    assert_eq!(error.to_string(), "cannot read `no/such/policy.wasm`");
}

/// Components that open well and then do not answer as they should.
fn denied() -> Vec<(&'static str, Guest, &'static str)> {
    const FOREVER: &str = "(loop (br 0))";
    const GROW: &str = "(loop (drop (memory.grow (i32.const 1))) (br 0)) unreachable";
    let reason = |reason: Reason| says(|verdict| verdict.reasons = vec![reason]);
    let annotated = |annotations| says(|verdict| verdict.reasons[0].annotations = annotations);
    let fault =
        |kind| words(move |words| (words[0], words[1], words[2], words[3]) = (1, kind, 4, 0));
    let table = |body: &str| {
        guest(|guest| {
            guest.items += "(table $t 1 funcref) (type $f (func))";
            guest.decide = body.to_owned();
        })
    };

    vec![
        // It crashes.
        (
            "traps at once",
            instead_of_decide("unreachable"),
            code::TRAP,
        ),
        (
            "divides by zero",
            instead_of_decide("(i32.div_u (i32.const 1) (i32.const 0))"),
            code::TRAP,
        ),
        (
            "reads out of bounds",
            instead_of_decide("(i32.load (i32.const -4))"),
            code::TRAP,
        ),
        (
            "calls nothing",
            table("(call_indirect (type $f) (i32.const 0)) unreachable"),
            code::TRAP,
        ),
        (
            "traps halfway",
            guest(|g| g.decide = format!("(i32.store (i32.const 0) {}) unreachable", g.decide)),
            code::TRAP,
        ),
        (
            "traps in its allocator",
            guest(|g| g.realloc = "unreachable".to_owned()),
            code::TRAP,
        ),
        (
            "traps after it has allowed",
            guest(|g| g.after = "unreachable".to_owned()),
            code::TRAP,
        ),
        // It takes more than it may.
        (
            "loops for ever",
            instead_of_decide(&format!("{FOREVER} unreachable")),
            code::DEADLINE,
        ),
        (
            "allocates for ever",
            guest(|g| g.realloc = format!("{FOREVER} unreachable")),
            code::DEADLINE,
        ),
        (
            "loops after it has allowed",
            guest(|g| g.after = FOREVER.to_owned()),
            code::DEADLINE,
        ),
        (
            "fills memory for ever",
            instead_of_decide(
                "(loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 262144)) (br 0)) unreachable",
            ),
            code::DEADLINE,
        ),
        ("grows without bound", instead_of_decide(GROW), code::MEMORY),
        (
            "grows beyond all memory",
            instead_of_decide("(memory.grow (i32.const 65535))"),
            code::MEMORY,
        ),
        (
            "grows a table",
            table("(table.grow $t (ref.null func) (i32.const 100000))"),
            code::MEMORY,
        ),
        (
            "recurses without end",
            guest(|g| {
                g.items += "(func $down (param i64) (result i64)
                    (i64.add (call $down (i64.add (local.get 0) (i64.const 1))) (local.get 0)))";
                g.decide = "(drop (call $down (i64.const 0))) unreachable".to_owned();
            }),
            code::STACK,
        ),
        // It says more than it may.
        (
            "gives the same 64 KiB many times over",
            overlapping(),
            code::OUTPUT_TOO_LARGE,
        ),
        (
            "gives a string of all its memory",
            words(|w| (w[10], w[11]) = (0, 4 << 16)),
            code::OUTPUT_TOO_LARGE,
        ),
        (
            "gives many empty reasons",
            words(|w| (w[2], w[3]) = (1024, 7000)),
            code::OUTPUT_TOO_LARGE,
        ),
        // What it says is not of the right form.
        (
            "answer out of bounds",
            instead_of_decide("(i32.const -4)"),
            code::INVALID_ANSWER,
        ),
        (
            "answer across the end of memory",
            instead_of_decide("(i32.const 262140)"),
            code::INVALID_ANSWER,
        ),
        (
            "answer not aligned",
            instead_of_decide("(i32.const 1025)"),
            code::INVALID_ANSWER,
        ),
        (
            "string of 4 GiB",
            words(|w| w[11] = u32::MAX),
            code::INVALID_ANSWER,
        ),
        (
            "string at the end of memory",
            words(|w| w[10] = u32::MAX),
            code::INVALID_ANSWER,
        ),
        (
            "list of 4 billion",
            words(|w| w[3] = u32::MAX),
            code::INVALID_ANSWER,
        ),
        (
            "list out of bounds",
            words(|w| w[2] = u32::MAX - 3),
            code::INVALID_ANSWER,
        ),
        (
            "list not aligned",
            words(|w| w[2] += 1),
            code::INVALID_ANSWER,
        ),
        (
            "neither verdict nor fault",
            words(|w| w[0] = 2),
            code::INVALID_ANSWER,
        ),
        (
            "neither allow nor deny",
            words(|w| w[1] = 2),
            code::INVALID_ANSWER,
        ),
        ("a fault of no kind", fault(3), code::INVALID_ANSWER),
        ("invalid UTF-8", not_utf8(), code::INVALID_ANSWER),
        (
            "allocates out of bounds",
            guest(|g| g.realloc = "(i32.const -8)".to_owned()),
            code::INVALID_ANSWER,
        ),
        (
            "allocates unaligned",
            guest(|g| g.realloc = "(i32.const 65537)".to_owned()),
            code::INVALID_ANSWER,
        ),
        // It makes no sense.
        (
            "allows without a reason",
            says(|v| v.reasons.clear()),
            code::INVALID_ANSWER,
        ),
        (
            "denies without a reason",
            says(|v| (v.effect, v.reasons) = (DENY, Vec::new())),
            code::INVALID_ANSWER,
        ),
        (
            "allows by no policy",
            reason(Reason::new("permit", None)),
            code::INVALID_ANSWER,
        ),
        (
            "allows by an unknown policy",
            reason(Reason::new("permit", Some("a-permi"))),
            code::INVALID_ANSWER,
        ),
        (
            "allows by a forbid",
            reason(Reason::new("permit", Some("b-forbid"))),
            code::INVALID_ANSWER,
        ),
        (
            "allows by a permit and a forbid",
            says(|v| v.reasons.push(Reason::new("forbid", Some("b-forbid")))),
            code::INVALID_ANSWER,
        ),
        (
            "allows with a quorum not met",
            says(|v| v.missing = 1),
            code::INVALID_ANSWER,
        ),
        (
            "reason without a code",
            reason(Reason::new("", Some("a-permit"))),
            code::INVALID_ANSWER,
        ),
        (
            "reason with words as code",
            reason(Reason::new("All good!", Some("a-permit"))),
            code::INVALID_ANSWER,
        ),
        (
            "annotation twice",
            annotated(vec![("a", "1"), ("a", "2")]),
            code::INVALID_ANSWER,
        ),
        (
            "no policy digest",
            says(|v| v.policy_digest.clear()),
            code::INVALID_ANSWER,
        ),
        (
            "policy digest cut short",
            says(|v| drop(v.policy_digest.pop())),
            code::INVALID_ANSWER,
        ),
        (
            "policy digest of other policies",
            says(|v| v.policy_digest = Digest::of(b"other").to_string()),
            code::INVALID_ANSWER,
        ),
        (
            "no evidence digest",
            says(|v| v.evidence_digest = "sha256:".to_owned()),
            code::INVALID_ANSWER,
        ),
        (
            "evidence digest of an earlier request",
            says(|v| v.evidence_digest = policy_digest()),
            code::INVALID_ANSWER,
        ),
        // It says that it cannot.
        (
            "fault: invalid request",
            fault(0),
            code::FAULT_INVALID_REQUEST,
        ),
        ("fault: limit", fault(1), code::FAULT_LIMIT),
        ("fault: internal", fault(2), code::FAULT_INTERNAL),
    ]
}

/// Reasons that all have the same message: little memory, much text.
fn overlapping() -> Guest {
    Guest::build(&Description::default(), |memory| {
        let [code, policy, message] = [
            memory.string("permit"),
            memory.string("a-permit"),
            memory.bytes(&[b'x'; 1 << 12]),
        ];
        let reason = [&code[..], &[1], &policy, &message, &[4, 0]].concat();
        let mut words = allow().lower(memory);
        [words[2], words[3]] = memory.list(&vec![reason; 100]);
        words
    })
}

fn not_utf8() -> Guest {
    Guest::build(&Description::default(), |memory| {
        let mut words = allow().lower(memory);
        let mut digest = policy_digest().into_bytes();
        digest[8] = 0xff;
        [words[10], words[11]] = memory.bytes(&digest);
        words
    })
}

#[test]
fn what_is_no_answer_is_a_deny() {
    for (name, guest, expected) in denied() {
        let policy = load(&guest);
        let start = Instant::now();
        let verdict = policy.decide(&request());
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "{name}: {:?}",
            start.elapsed()
        );
        assert_eq!(verdict.effect, Effect::Deny, "{name}");
        let codes: Vec<_> = verdict
            .reasons
            .iter()
            .map(|reason| reason.code.as_str())
            .collect();
        assert_eq!(codes, [expected], "{name}: {verdict:?}");
        assert_eq!(verdict.policy_digest.to_string(), policy_digest(), "{name}");
        assert_eq!(
            verdict.evidence_digest,
            request().evidence_digest(),
            "{name}"
        );
        // The same again: nothing is left of the first attempt, and a deadline is no matter of luck.
        let error = policy.try_decide(&request()).unwrap_err();
        assert_eq!(error.to_string(), verdict.reasons[0].message, "{name}");
        assert_eq!(error.reason_code(), expected, "{name}");
        assert!(error.help().is_some(), "{name}");
    }
}

#[test]
fn every_code_of_the_host_is_met_but_one() {
    let mut met: Vec<_> = denied().into_iter().map(|(_, _, code)| code).collect();
    // `input-too-large` depends on the request. `instance` would take a machine out of memory.
    met.extend([code::INPUT_TOO_LARGE, code::INSTANCE]);
    met.sort_unstable();
    met.dedup();
    let mut all = code::ALL.to_vec();
    all.sort_unstable();
    assert_eq!(met, all);
}

#[test]
fn the_input_limit_counts_every_string() {
    let policy = load(&good());
    let limit = 1 << 17;
    let mut request = request();
    let used: usize = [
        "Person",
        "Action",
        "merge",
        "Change",
        "bank/payments#42",
        "{\"people\" : []}",
    ]
    .iter()
    .map(|text| text.len())
    .sum();
    request.principal.id = "x".repeat(limit - used);
    assert_eq!(policy.decide(&request).effect, Effect::Allow);
    request.principal.id.push('x');
    assert_eq!(
        policy.decide(&request).reasons[0].code,
        code::INPUT_TOO_LARGE
    );
}

/// One component that fails does not take another one with it.
#[test]
fn a_crash_stays_where_it_is() {
    let runtime = runtime();
    let good = runtime.load(&good().component()).unwrap();
    let bad: Vec<_> = denied()
        .iter()
        .take(15)
        .map(|(_, guest, _)| runtime.load(&guest.component()).unwrap())
        .collect();
    std::thread::scope(|scope| {
        for bad in &bad {
            scope.spawn(|| assert_eq!(bad.decide(&request()).effect, Effect::Deny));
            scope.spawn(|| assert_eq!(good.decide(&request()).effect, Effect::Allow));
        }
    });
}

/// Evidence that nobody sent cannot have been decided on.
#[test]
fn a_verdict_is_about_this_evidence() {
    let policy = load(&good());
    let other = |json: &str| RawValue::from_string(json.to_owned()).unwrap();
    let mut moved = request();
    moved.evidence = None;
    for request in [
        request().with_evidence(other("{\"people\" : [ ]}")),
        request().with_entities(other("[]")),
        request().with_context(other("{}")),
        moved.clone(),
        moved.with_context(other("{\"people\" : []}")),
    ] {
        assert_eq!(
            policy.decide(&request).reasons[0].code,
            code::INVALID_ANSWER
        );
    }
}
