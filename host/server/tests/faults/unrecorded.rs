//! A log that takes no more records, as those see it who ask.

use crate::grpc::{Outcome, call, check};
use crate::serving::{ALLOWED, Serving, post, serve};

pub(crate) const SETTINGS: &str = r#"
grpc = "127.0.0.1:0"
[[route]]
methods = ["POST"]
path = "/deploy"
principal = { type = "Person", id = "ana" }
action = "merge"
resource = { type = "Change", id = "1" }
evidence = "none"
"#;

const EVALUATION: &str = r#"{"subject": {"type": "Person", "id": "ana"}, "action": {"name": "merge"}, "resource": {"type": "Change", "id": "1"}}"#;

/// Every door, with what says yes in its answer.
fn doors() -> [(String, &'static str); 4] {
    let batch = format!(r#"{{"evaluations": [{EVALUATION}]}}"#);
    [
        (post("/v1/decide", ALLOWED), "\"effect\":\"allow\""),
        (
            post("/access/v1/evaluation", EVALUATION),
            "\"decision\":true",
        ),
        (post("/access/v1/evaluations", &batch), "\"decision\":true"),
        (post("/gate/envoy/deploy", ""), ""),
    ]
}

async fn all_allowed(serving: &Serving) {
    for (request, yes) in doors() {
        let answer = serving.ask(&request).await;
        assert!(answer.is(200) && answer.body.contains(yes), "{answer:?}");
    }
    let called = call(serving, &check("/deploy")).await;
    assert_eq!(called, Outcome::Allowed);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_record_no_door_lets_anything_through() {
    let serving = serve(SETTINGS).await;
    all_allowed(&serving).await;
    std::fs::remove_dir_all(serving.file("log")).unwrap();
    for (request, yes) in doors() {
        let answer = serving.ask(&request).await;
        let is_batch = request.contains("/evaluations ");
        if is_batch {
            // Each evaluation of a batch has an answer of its own.
            assert!(!answer.body.contains(yes), "{answer:?}");
            assert!(answer.body.contains("unrecorded"), "{answer:?}");
        } else {
            answer.is_unavailable("unrecorded");
        }
    }
    // UNAVAILABLE, and a body for the client with the same code.
    let called = call(&serving, &check("/deploy")).await;
    assert_eq!(called, Outcome::Denied(14));
    let ready = serving.get("/readyz").await;
    assert!(ready.is(503), "{ready:?}");
    let refused = serving.metric("sod_refusals_total{reason=\"unrecorded\"}");
    assert!(refused.await >= Some(5.0));
    std::fs::create_dir(serving.file("log")).unwrap();
    all_allowed(&serving).await;
    assert!(serving.get("/readyz").await.is(200));
}
