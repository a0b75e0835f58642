//! The way it should go.

use sod_host::{CacheLocation, Effect, Policy, RawValue, Runtime};

use crate::guest::{Guest, Reason, Verdict};
pub(crate) use crate::hostile::guests::request;

pub(crate) fn runtime() -> Runtime {
    Runtime::builder()
        .fuel_limit(20_000_000)
        .memory_limit(1 << 20)
        .input_limit(1 << 17)
        .output_limit(1 << 16)
        .cache(CacheLocation::Nowhere)
        .build()
        .unwrap()
}

pub(crate) fn load(guest: &Guest) -> Policy {
    runtime().load(&guest.component()).unwrap()
}

#[test]
fn a_verdict_comes_through_as_it_is() {
    let mut says = Verdict::deny(request().evidence_digest());
    says.missing = 1;
    says.reasons[0].annotations = vec![("remedy", "ask\n\"security\""), ("control", "SOX")];
    says.reasons.push(Reason::new("quorum-unmet", None));
    let verdict = load(&Guest::with_verdict(&says)).decide(&request());
    // Field by field in the order of `Verdict` in guest/core: the record is compared byte for byte.
    let expected = format!(
        concat!(
            r#"{{"effect":"deny","reasons":["#,
            r#"{{"code":"forbid","policy":"b-forbid","message":"because","#,
            r#""annotations":{{"control":"SOX","remedy":"ask\n\"security\""}}}},"#,
            r#"{{"code":"quorum-unmet","policy":null,"message":"because","annotations":{{}}}}],"#,
            r#""missing":[{{"quorum":"production","resource":{{"type":"Deployment","id":"d1"}},"role":"security","#,
            r#""count":1,"candidates":[],"more_candidates":false}}],"#,
            r#""approvals":[],"obligations":[],"warnings":[],"policy_digest":"{}","evidence_digest":"{}"}}"#
        ),
        says.policy_digest, says.evidence_digest
    );
    assert_eq!(serde_json::to_string(&verdict).unwrap(), expected);
    assert_eq!(
        serde_json::from_str::<sod_host::Verdict>(&expected).unwrap(),
        verdict
    );
}

#[test]
fn an_allow_is_an_allow() {
    let policy = load(&Guest::with_verdict(&Verdict::allow(
        request().evidence_digest(),
    )));
    assert_eq!(policy.decide(&request()).effect, Effect::Allow);
    assert_eq!(policy.describe().policies[0].id, "a-permit");
}

/// The guest gives back pointers into the request as the messages of its reasons.
#[test]
fn the_request_arrives_byte_for_byte() {
    let request =
        request().with_context(RawValue::from_string("{ \"a\":1e400}".to_owned()).unwrap());
    let mut says = Verdict::deny(request.evidence_digest());
    says.reasons = vec![Reason::new("forbid", None); 8];
    let mut guest = Guest::with_verdict(&says);
    // Where pointer and length of each string are in the canonical layout of the request.
    let strings = [0, 8, 16, 24, 32, 40, 68, 92];
    let answer = guest.decide.clone();
    guest.decide = String::new();
    for (index, offset) in strings.iter().enumerate() {
        // A reason has 36 bytes, its message is at 20; the list is at 8 of the answer.
        let at = format!(
            "(i32.add (i32.load offset=8 {answer}) (i32.const {}))",
            index * 36
        );
        guest.decide += &format!(
            "(i64.store offset=20 align=4 {at} (i64.load offset={offset} align=4 (local.get $request)))"
        );
    }
    // No time, evidence, entities or context but those that were sent.
    guest.decide += "(if (i32.ne (i32.load8_u offset=48 (local.get $request)) (i32.const 1)) (then unreachable))
        (if (i64.ne (i64.load offset=56 (local.get $request)) (i64.const 1769860800000)) (then unreachable))
        (if (i32.load8_u offset=76 (local.get $request)) (then unreachable))";
    guest.decide += &answer;

    let verdict = load(&guest).decide(&request);
    let messages: Vec<_> = verdict
        .reasons
        .iter()
        .map(|reason| reason.message.as_str())
        .collect();
    let expected = [
        "Person",
        "ana",
        "Action",
        "merge",
        "Change",
        "bank/payments#42",
        "{\"people\" : []}",
        "{ \"a\":1e400}",
    ];
    assert_eq!(messages, expected);
}

/// Crashes if anything is left of an earlier decision: in a global, in prepared
/// memory, in zeroed memory, in memory that was grown.
#[test]
fn nothing_passes_from_one_decision_to_the_next() {
    let mut guest = Guest::with_verdict(&Verdict::allow(request().evidence_digest()));
    guest.items =
        "(memory (export \"memory\") 4) (global $seen (mut i32) (i32.const 0))".to_owned();
    let trace = "(if (global.get $seen) (then unreachable))
        (global.set $seen (i32.const 1))
        (if (i32.load (i32.const 512)) (then unreachable))
        (i32.store (i32.const 512) (i32.const 1))
        (if (i32.ne (memory.size) (i32.const 4)) (then unreachable))
        (drop (memory.grow (i32.const 2)))
        (if (i32.load (i32.const 393212)) (then unreachable))
        (i32.store (i32.const 393212) (i32.const 1))";
    // The answer itself is changed too: to a deny, after it has been read.
    guest.after = format!("(i32.store offset=4 {} (i32.const 1))", guest.decide);
    guest.decide = format!("{trace} {}", guest.decide);

    let policy = load(&guest);
    let verdicts = policy.decide_many(&vec![request(); 50]);
    assert_eq!(verdicts.len(), 50);
    for verdict in verdicts {
        assert_eq!(verdict.effect, Effect::Allow, "{verdict:?}");
    }
}

#[test]
fn more_threads_than_places_wait_and_are_served() {
    let guest = Guest::with_verdict(&Verdict::allow(request().evidence_digest()));
    let runtime = Runtime::builder()
        .concurrency(1)
        .cache(CacheLocation::Nowhere)
        .build()
        .unwrap();
    let policy = runtime.load(&guest.component()).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..50 {
                    assert_eq!(policy.try_decide(&request()).unwrap().effect, Effect::Allow);
                }
            });
        }
    });
}

#[test]
fn one_bad_request_does_not_spoil_the_others() {
    let policy = load(&Guest::with_verdict(&Verdict::allow(
        request().evidence_digest(),
    )));
    let other = request().with_evidence(RawValue::from_string("[]".to_owned()).unwrap());
    let large = request()
        .with_evidence(RawValue::from_string(format!("\"{}\"", "x".repeat(1 << 19))).unwrap());
    let requests = [request(), other, large, request()];
    let verdicts = policy.decide_many(&requests);
    let codes: Vec<_> = verdicts
        .iter()
        .map(|verdict| verdict.reasons[0].code.as_str())
        .collect();
    assert_eq!(
        codes,
        ["permit", "invalid-answer", "input-too-large", "permit"]
    );
    for (request, verdict) in requests.iter().zip(&verdicts) {
        assert_eq!(*verdict, policy.decide(request));
        assert_eq!(verdict.evidence_digest, request.evidence_digest());
    }
}

#[test]
fn limits_that_contradict_each_other_are_refused() {
    let builders = [
        Runtime::builder()
            .memory_limit(1 << 20)
            .input_limit(2 << 20),
        Runtime::builder()
            .memory_limit(1 << 16)
            .input_limit(1)
            .output_limit(1 << 20),
        Runtime::builder().memory_limit(0),
        Runtime::builder().memory_limit(usize::MAX),
        Runtime::builder().fuel_limit(0),
        Runtime::builder().stack_limit(8 << 20),
        Runtime::builder().concurrency(0),
        Runtime::builder().concurrency(usize::MAX),
    ];
    for builder in builders {
        let error = builder.clone().cache(CacheLocation::Nowhere).build().err();
        assert!(
            matches!(error, Some(sod_host::BuildError::Limit { .. })),
            "{builder:?}"
        );
    }
}
