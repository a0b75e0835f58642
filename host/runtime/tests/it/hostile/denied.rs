//! What opens well and then does not answer as it should.

use std::time::{Duration, Instant};

use miette::Diagnostic;
use sod_host::{Digest, Effect, RawValue, code};

use super::{allow, good, guest, instead_of_decide, says, words};
use crate::decide::{load, request, runtime};
use crate::guest::{DENY, Description, Guest, Reason, policy_digest};

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
            words(|w| (w[12], w[13]) = (0, 4 << 16)),
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
            words(|w| w[13] = u32::MAX),
            code::INVALID_ANSWER,
        ),
        (
            "string at the end of memory",
            words(|w| w[12] = u32::MAX),
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
            says(|v| v.policy_digest.truncate(70)),
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
