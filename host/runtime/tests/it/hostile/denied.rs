//! What opens well and then does not answer as it should.

use std::time::{Duration, Instant};

use miette::Diagnostic;
use sod_host::{Effect, RawValue, code};

use super::guests::{denied, good};
use crate::decide::{load, request, runtime};
use crate::guest::policy_digest;

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
