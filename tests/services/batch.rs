//! The certification scenario, section "Batch Certification: Access Evaluations API".

use serde_json::{Value, json};

use crate::basic::{asks, required};
use crate::server::Service;

const PATH: &str = "/access/v1/evaluations";

fn record(id: &str) -> Value {
    json!({"type": "record", "id": id})
}

#[test]
fn every_required_decision_in_one_request_and_in_order() {
    let service = Service::fixture();
    let (evaluations, expected): (Vec<_>, Vec<_>) = required().into_iter().unzip();
    let answer = service.post(PATH, &json!({ "evaluations": evaluations }));
    assert_eq!(answer.decisions(), expected);
    let ids = answer.body["evaluations"].as_array().unwrap().iter();
    for id in ids.map(|one| one["context"]["id"].as_str().unwrap()) {
        assert!(service.log().contains(id), "{id}");
    }
}

#[test]
fn what_an_item_lacks_comes_from_above_whole_or_not_at_all() {
    let service = Service::fixture();
    let by_resource = json!({
        "subject": {"type": "user", "id": "alice"}, "action": {"name": "read"},
        "evaluations": [{"resource": record("record-1")}, {"resource": record("record-2")}]
    });
    assert_eq!(service.post(PATH, &by_resource).decisions(), [true, true]);

    let by_action = json!({
        "subject": {"type": "user", "id": "bob"}, "resource": record("record-1"),
        "evaluations": [{"action": {"name": "read"}}, {"action": {"name": "write"}}]
    });
    assert_eq!(service.post(PATH, &by_action).decisions(), [true, false]);

    let by_subject = json!({
        "action": {"name": "write"},
        "resource": {"type": "record", "id": "record-2", "properties": {"status": "archived"}},
        "evaluations": [
            {"subject": {"type": "user", "id": "alice"}},
            {"subject": {"type": "user", "id": "bob", "properties": {"role": "admin"}}}
        ]
    });
    assert_eq!(service.post(PATH, &by_subject).decisions(), [false, true]);

    let inherited = json!({
        "subject": {"type": "user", "id": "alice"}, "action": {"name": "write"},
        "resource": {"type": "record", "id": "record-1", "properties": {"status": "active"}},
        "evaluations": [
            {},
            {"resource": {"type": "record", "id": "record-2", "properties": {"status": "archived"}}}
        ]
    });
    assert_eq!(service.post(PATH, &inherited).decisions(), [true, false]);
    // Were properties merged, the status from above would make the second one active.
    let mut whole = inherited;
    whole["evaluations"][1] = json!({"resource": record("record-2")});
    assert_eq!(service.post(PATH, &whole).decisions(), [true, false]);
}

#[test]
fn a_context_comes_from_above_unless_the_item_has_one() {
    let service = Service::fixture();
    let body = json!({
        "subject": {"type": "user", "id": "alice"}, "action": {"name": "read"},
        "context": {"source": "lost door", "time": "2025-06-27T18:03-07:00"},
        "evaluations": [
            {"resource": record("record-1")},
            {"resource": record("record-1"), "context": {"time": "2025-06-27T19:00-07:00"}}
        ]
    });
    assert_eq!(service.post(PATH, &body).decisions(), [false, true]);
}

#[test]
fn an_item_that_is_no_question_is_denied_and_says_so() {
    let service = Service::fixture();
    let body = json!({
        "subject": {"type": "user", "id": "alice"}, "action": {"name": "read"},
        "options": {"evaluations_semantic": "execute_all", "another_option": "value"},
        "evaluations": [
            {"resource": record("record-1")}, {}, {"resource": "record-1"}, 5,
            {"resource": {"type": "record"}}, {"resource": record("record-2")}
        ]
    });
    let answer = service.post(PATH, &body);
    assert_eq!(answer.decisions(), [true, false, false, false, false, true]);
    for (ix, part) in [
        (1, "`evaluations[1]`"),
        (2, "`evaluations[2].resource`"),
        (3, "`evaluations[3]`"),
        (4, "`id`"),
    ] {
        let error = &answer.body["evaluations"][ix]["context"]["error"];
        assert_eq!(error["status"], 400);
        assert!(error["message"].as_str().unwrap().contains(part), "{error}");
    }
}

#[test]
fn without_evaluations_it_is_one_evaluation() {
    let service = Service::fixture();
    for (body, expected) in required() {
        assert_eq!(service.post(PATH, &body).decision(), expected);
        let mut empty = body;
        empty["evaluations"] = json!([]);
        let answer = service.post(PATH, &empty);
        assert_eq!(answer.decision(), expected);
        assert_eq!(answer.body.get("evaluations"), None);
    }
}

#[test]
fn the_three_semantics() {
    let service = Service::fixture();
    let asked = |semantic: &str, actions: &[&str]| {
        let items: Vec<_> = actions
            .iter()
            .map(|name| json!({"action": {"name": name}}))
            .collect();
        let mut body = asks("bob", "read", "record-1");
        body["options"] = json!({ "evaluations_semantic": semantic });
        body["evaluations"] = json!(items);
        service.post(PATH, &body).decisions()
    };
    let mixed = ["read", "write", "read"];
    assert_eq!(asked("execute_all", &mixed), [true, false, true]);
    assert_eq!(asked("deny_on_first_deny", &mixed), [true, false]);
    assert_eq!(asked("deny_on_first_deny", &["read", "read"]), [true, true]);
    assert_eq!(asked("permit_on_first_permit", &mixed), [true]);
    assert_eq!(
        asked("permit_on_first_permit", &["write", "read", "read"]),
        [false, true]
    );
    assert_eq!(
        asked("permit_on_first_permit", &["write", "write"]),
        [false, false]
    );

    // A failure stops as a denial does, and never counts as a permit.
    let failing = |semantic: &str| {
        let mut body = asks("bob", "read", "record-1");
        body["options"] = json!({ "evaluations_semantic": semantic });
        body["evaluations"] = json!([{"action": {}}, {}]);
        service.post(PATH, &body).decisions()
    };
    assert_eq!(failing("deny_on_first_deny"), [false]);
    assert_eq!(failing("permit_on_first_permit"), [false, true]);
}

#[test]
fn what_is_wrong_with_the_whole_is_400() {
    let service = Service::fixture();
    for (key, value) in [
        ("options", json!({"evaluations_semantic": "permit_all"})),
        ("options", json!({"evaluations_semantic": 4})),
        ("options", json!([])),
        ("evaluations", json!({})),
        ("evaluations", json!("all")),
        ("subject", json!({"type": "user"})),
    ] {
        let mut body = asks("alice", "read", "record-1");
        body["evaluations"] = json!([asks("alice", "read", "record-1")]);
        body[key] = value;
        let answer = service.post(PATH, &body);
        let problem = answer.is_problem(400, "malformed");
        assert!(
            problem["path"].as_str().unwrap().starts_with(key),
            "{problem}"
        );
    }
}

#[test]
fn more_questions_than_are_taken_at_once() {
    let service = Service::fixture_with("[api]\nbatch = 3\n");
    let asked = |count: usize| {
        let mut body = asks("alice", "read", "record-1");
        body["evaluations"] = json!(vec![json!({}); count]);
        service.post(PATH, &body)
    };
    assert_eq!(asked(3).decisions(), [true; 3]);
    asked(4).is_problem(413, "too-many-questions");
}
