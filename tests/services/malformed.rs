//! What is malformed is 400 with its place, on every path that takes a body, and never a decision.

use serde_json::{Value, json};

use crate::basic::asks;
use crate::server::Service;

const JSON: &str = "Content-Type: application/json\r\n";

const PATHS: [&str; 8] = [
    "/access/v1/evaluation",
    "/access/v1/evaluations",
    "/access/v1/search/subject",
    "/access/v1/search/resource",
    "/access/v1/search/action",
    "/v1/decide",
    "/v1/decide-batch",
    "/packs/records/access/v1/evaluation",
];

#[test]
fn other_content_types() {
    let service = Service::fixture();
    let body = asks("alice", "read", "record-1").to_string();
    for path in PATHS {
        for headers in [
            "",
            "Content-Type: text/plain\r\n",
            "Content-Type: application/xml\r\n",
        ] {
            let answer = service.post_as(path, headers, &body);
            let problem = answer.is_problem(400, "malformed");
            assert!(
                problem["detail"].as_str().unwrap().contains("content type"),
                "{problem}"
            );
        }
    }
    for headers in [
        "Content-Type: application/json; charset=utf-8\r\n",
        "Content-Type: Application/JSON\r\n",
    ] {
        let answer = service.post_as("/access/v1/evaluation", headers, &body);
        assert!(answer.decision(), "{headers}");
    }
}

#[test]
fn no_json_nothing_at_all_and_what_is_no_object() {
    let service = Service::fixture();
    let deep = "[".repeat(100_000);
    for path in PATHS {
        for body in [
            "",
            " ",
            "{",
            "nonsense",
            "[]",
            "null",
            "\"alice\"",
            "4",
            "{} {}",
            "{\"subject\": \"\u{0}\"}",
            "{\"subject\": {\"type\": \"\\ud800\"}}",
            "{\"subject\": 1e999}",
            deep.as_str(),
        ] {
            let answer = service.post_as(path, JSON, body);
            answer.is_problem(400, "malformed");
        }
        let mut bytes = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 16\r\n{JSON}\r\n"
        )
        .into_bytes();
        bytes.extend(b"{\"subject\": \"\xff\"}");
        service.send(&bytes).is_problem(400, "malformed");
    }
}

#[test]
fn what_is_required_and_missing() {
    let service = Service::fixture();
    let full = asks("alice", "read", "record-1");
    for path in ["/access/v1/evaluation", "/access/v1/evaluations"] {
        for (place, field) in [
            ("", "subject"),
            ("", "action"),
            ("", "resource"),
            ("/subject", "type"),
            ("/subject", "id"),
            ("/action", "name"),
            ("/resource", "type"),
            ("/resource", "id"),
        ] {
            let mut body = full.clone();
            let object = body.pointer_mut(place).unwrap().as_object_mut().unwrap();
            object.remove(field);
            let answer = service.post(path, &body);
            let problem = answer.is_problem(400, "malformed");
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains(&format!("`{field}`")), "{problem}");
            let place = place.strip_prefix('/').map(Value::from);
            assert_eq!(problem.get("path").cloned(), place, "{problem}");

            let mut body = full.clone();
            let object = body.pointer_mut(
                place
                    .as_ref()
                    .map_or(String::new(), |p| format!("/{}", p.as_str().unwrap()))
                    .as_str(),
            );
            object.unwrap()[field] = Value::Null;
            service.post(path, &body).is_problem(400, "malformed");
        }
    }
}

#[test]
fn fields_of_other_types() {
    let service = Service::fixture();
    for (pointer, path) in [
        ("/subject", "subject"),
        ("/action", "action"),
        ("/resource", "resource"),
        ("/subject/type", "subject.type"),
        ("/subject/id", "subject.id"),
        ("/subject/properties", "subject.properties"),
        ("/action/name", "action.name"),
        ("/action/properties", "action.properties"),
        ("/resource/type", "resource.type"),
        ("/resource/id", "resource.id"),
        ("/resource/properties", "resource.properties"),
        ("/context", "context"),
    ] {
        // A list of the right strings is no object, although a derived reader would take it for one.
        for other in [json!(123), json!(true), json!(["user", "alice"]), json!([])] {
            let mut body = asks("alice", "read", "record-1");
            let (parent, field) = pointer.rsplit_once('/').unwrap();
            body.pointer_mut(parent).unwrap()[field] = other.clone();
            for at in ["/access/v1/evaluation", "/access/v1/evaluations"] {
                let answer = service.post(at, &body);
                let problem = answer.is_problem(400, "malformed");
                assert_eq!(problem["path"], path, "{other}");
                assert_eq!(problem["line"], 1, "{problem}");
            }
        }
    }
    let mut body = asks("alice", "read", "record-1");
    body["subject"] = json!("alice");
    service
        .post("/access/v1/evaluation", &body)
        .is_problem(400, "malformed");
}

#[test]
fn a_key_twice_wherever_it_is() {
    let service = Service::fixture();
    let user = r#"{"type": "user", "id": "alice"}"#;
    let rest = r#""action": {"name": "read"}, "resource": {"type": "record", "id": "record-1"}"#;
    for body in [
        format!(r#"{{"subject": {user}, "subject": {user}, {rest}}}"#),
        format!(r#"{{"subject": {user}, {rest}, "other": 1, "other": 2}}"#),
        format!(r#"{{"subject": {user}, {rest}, "context": {{"a": {{"b": 1, "b": 2}}}}}}"#),
        // The same name, once with an escape.
        format!(r#"{{"subject": {user}, "subj\u0065ct": {user}, {rest}}}"#),
        format!(r#"{{"subject": {{"type": "user", "id": "bob", "\u0069d": "alice"}}, {rest}}}"#),
    ] {
        let answer = service.post_as("/access/v1/evaluation", JSON, &body);
        let problem = answer.is_problem(400, "malformed");
        assert!(
            problem["detail"]
                .as_str()
                .unwrap()
                .contains("is given twice"),
            "{problem}"
        );
        assert_eq!(problem["line"], 1);
        assert!(problem["column"].as_u64().unwrap() > 1);
    }
}

#[test]
fn paths_and_methods_that_are_not_served() {
    let service = Service::fixture();
    let answer = service.get("/access/v1/evaluation");
    answer.is_problem(405, "method-not-allowed");
    assert_eq!(answer.header("allow"), Some("POST"));
    for path in [
        "/",
        "/access/v1",
        "/access/v2/evaluation",
        "/access/v1/evaluation/",
        "/v1/packs/records",
    ] {
        let answer = service.post(path, &json!({}));
        let problem = answer.is_problem(404, "not-found");
        assert_eq!(problem["instance"], path);
    }
    for path in ["/packs/none/access/v1/evaluation", "/v1/packs/none/decide"] {
        let answer = service.post(path, &asks("alice", "read", "record-1"));
        answer.is_problem(404, "no-such-pack");
    }
}
