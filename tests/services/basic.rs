//! The certification scenario, section "Basic Certification: Access Evaluation API".

use serde_json::{Value, json};

use crate::server::Service;

const PATH: &str = "/access/v1/evaluation";

pub(crate) fn asks(subject: &str, action: &str, resource: &str) -> Value {
    json!({
        "subject": {"type": "user", "id": subject},
        "action": {"name": action},
        "resource": {"type": "record", "id": resource}
    })
}

/// The eight decisions of section "Required Policy Behaviour".
pub(crate) fn required() -> Vec<(Value, bool)> {
    let with = |mut body: Value, place: &str, properties: Value| {
        body[place]["properties"] = properties;
        body
    };
    let archived = json!({"status": "archived"});
    let by_bob = with(
        asks("bob", "write", "record-2"),
        "subject",
        json!({"role": "admin"}),
    );
    vec![
        (asks("alice", "read", "record-1"), true),
        (asks("alice", "write", "record-1"), true),
        (asks("bob", "read", "record-1"), true),
        (asks("bob", "write", "record-1"), false),
        (
            with(
                asks("alice", "write", "record-2"),
                "resource",
                archived.clone(),
            ),
            false,
        ),
        (with(by_bob, "resource", archived), true),
        (
            with(
                asks("alice", "delete", "record-1"),
                "action",
                json!({"soft": true}),
            ),
            true,
        ),
        (
            with(
                asks("alice", "delete", "record-1"),
                "action",
                json!({"soft": false}),
            ),
            false,
        ),
    ]
}

#[test]
fn the_eight_required_decisions_whatever_the_context_and_every_time() {
    let service = Service::fixture();
    let context = json!({"time": "2025-06-27T18:03-07:00", "ip": "192.168.1.1"});
    for (mut body, expected) in required() {
        for _ in 0..3 {
            assert_eq!(service.post(PATH, &body).decision(), expected, "{body}");
        }
        body["context"] = context.clone();
        assert_eq!(service.post(PATH, &body).decision(), expected, "{body}");
    }
}

#[test]
fn properties_that_the_mapping_does_not_name_and_unknown_fields_do_not_count() {
    let service = Service::fixture();
    let body = json!({
        "subject": {"type": "user", "id": "alice",
                    "properties": {"department": "Sales", "role": "manager"}},
        "action": {"name": "read", "properties": {"method": "GET"}},
        "resource": {"type": "record", "id": "record-1",
                     "properties": {"status": "active", "owner": "bob"}},
        "foo": "bar",
        "futureField": {"nested": true}
    });
    assert!(service.post(PATH, &body).decision());
}

#[test]
fn a_property_that_is_null_is_as_good_as_absent() {
    let service = Service::fixture();
    let mut body = asks("alice", "write", "record-1");
    body["resource"]["properties"] = json!({"status": null});
    body["subject"]["properties"] = Value::Null;
    body["context"] = Value::Null;
    assert!(service.post(PATH, &body).decision());
}

#[test]
fn a_decision_says_why_and_where_its_record_is() {
    let service = Service::fixture();
    let denied = service.post(PATH, &asks("bob", "write", "record-1"));
    let context = &denied.body["context"];
    assert_eq!(context["reasons"][0]["code"], "no-permit");
    assert_eq!(context["reason_admin"]["403"], "no-permit");
    let message = &context["reasons"][0]["message"];
    assert_eq!(&context["reason_user"]["403"], message);
    assert_eq!(context["pack"]["name"], "records");
    assert!(service.log().contains(context["id"].as_str().unwrap()));

    let (body, _) = required().remove(5);
    let allowed = service.post(PATH, &body);
    let context = &allowed.body["context"];
    let policy = "administrators-write-archived-records";
    assert_eq!(context["reasons"][0]["policy"], policy);
    assert_eq!(context.get("reason_user"), None);
    let obligation = json!([{"policy": policy, "obligation": "note it in the register"}]);
    assert_eq!(context["obligations"], obligation);
    assert!(service.log().contains(context["id"].as_str().unwrap()));
}

#[test]
fn a_request_id_comes_back_on_answers_and_on_errors() {
    let service = Service::fixture();
    let body = asks("alice", "read", "record-1").to_string();
    let id = "bfe9eb29-ab87-4ca3-be83-a1d5d8305716";
    let headers = format!("Content-Type: application/json\r\nX-Request-ID: {id}\r\n");
    let answer = service.post_as(PATH, &headers, &body);
    assert!(answer.decision());
    assert_eq!(answer.header("x-request-id"), Some(id));
    assert!(service.log().contains(id));
    for (path, body) in [(PATH, "{"), ("/nowhere", "{}")] {
        let answer = service.post_as(path, &headers, body);
        assert!(answer.status >= 400);
        assert_eq!(answer.header("x-request-id"), Some(id), "{path}");
    }
    let without = service.post(PATH, &asks("alice", "read", "record-1"));
    assert!(without.decision());
}

#[test]
fn the_trace_of_a_request_is_in_its_record() {
    let service = Service::fixture();
    let body = asks("alice", "read", "record-1").to_string();
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let headers = format!(
        "Content-Type: application/json\r\ntraceparent: 00-{trace}-b7ad6b7169203331-01\r\n"
    );
    assert!(service.post_as(PATH, &headers, &body).decision());
    assert!(service.log().contains(trace));
}
