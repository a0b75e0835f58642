//! Who waits longer than allowed.

use sod_server::Clock;

use crate::guest::{Guest, Verdict};
use crate::serving::{Answer, Serving, post, serve_in};

/// A server that makes one decision at a time, and takes seconds for it.
async fn slow(limits: &str) -> Serving {
    let folder = tempfile::tempdir().unwrap();
    let digest = sod_host::Digest::of(b"whatever");
    let guest = Guest {
        // Until its fuel is used up, which is a denial.
        decide: "(loop (br 0)) unreachable".to_owned(),
        ..Guest::with_verdict(&Verdict::allow(digest))
    };
    std::fs::write(folder.path().join("pack.wasm"), guest.component()).unwrap();
    let settings = format!("[server.limits]\ndecisions = 1\n{limits}");
    serve_in(folder, &settings, Clock::system()).await
}

/// Three at once. On so much evidence each decision has a thread of its own.
async fn three(serving: &Serving) -> [Answer; 3] {
    let evidence = "x".repeat(100_000);
    let body = format!(
        r#"{{"principal": "Person::\"ana\"", "action": "merge", "resource": "Change::\"1\"", "evidence": "{evidence}"}}"#
    );
    let request = post("/v1/decide", &body);
    let ask = || serving.ask(&request);
    tokio::join!(ask(), ask(), ask()).into()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_turn_in_time_is_sent_away() {
    let serving = slow("wait_ms = 20\n").await;
    let answers = three(&serving).await;
    let (decided, sent_away): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.is(200));
    assert!(!decided.is_empty() && !sent_away.is_empty(), "{answers:?}");
    for answer in &sent_away {
        answer.is_unavailable("urn:sod:problem:busy");
    }
    for answer in decided {
        assert!(answer.body.contains("\"effect\":\"deny\""), "{answer:?}");
    }
    let counted = serving.metric("sod_refusals_total{reason=\"busy\"}").await;
    assert_eq!(counted, Some(sent_away.len() as f64));
    assert_eq!(serving.decisions().len(), 3 - sent_away.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_answer_in_time_is_told_so() {
    let serving = slow("wait_ms = 600000\nrequest_timeout_ms = 200\n").await;
    for answer in three(&serving).await {
        answer.is_unavailable("urn:sod:problem:late");
        assert!(answer.body.contains("no answer after 200 ms"), "{answer:?}");
    }
    // What was under way is recorded, as a denial; what still waited was never decided.
    serving
        .until("sod_decision_seconds_count{api=\"native\"}", 1.0)
        .await;
    let decisions = serving.decisions();
    assert_eq!(decisions.len(), 1, "{decisions:?}");
    assert!(
        decisions[0].contains("\"enforced\":\"deny\""),
        "{decisions:?}"
    );
}
