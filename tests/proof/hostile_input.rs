//! Requests that nobody means well with: a deny with a code or a fault with a
//! message, never a panic, never an allow.
//!
//! Every one starts from a request that is allowed, so that a deny comes from
//! what was done to it and from nothing else.

use serde_json::{Value, json};
use sod_core::Program;
use sod_pack::cases;

use crate::engines::{Component, Core, Engine, compile, open, root, runtime};

/// What must come of it.
enum Expected {
    /// A deny with this code.
    Deny(&'static str),
    /// A deny because the evidence is not as it has to be, and a message with this in it: where.
    Invalid(&'static str),
    /// As without it, and a warning that names it.
    Allow(&'static str),
    /// No verdict, and a message with this in it.
    Fault(&'static str),
}
use Expected::{Allow, Deny, Fault, Invalid};

/// An allowed deployment to production, as `sod decide` takes it.
fn allowed() -> Value {
    let pack = open(&root().join("policies/protected-deploy"));
    let cases = cases::read(&pack).unwrap();
    let allowed = cases.into_iter().find(|case| {
        case.effect == sod_core::Effect::Allow
            && case.request["action"] == "deploy"
            && case.request["evidence"]["environments"][0]["tier"] == "production"
    });
    allowed
        .expect("an allowed deployment among the cases")
        .request
}

fn with(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut request = allowed();
    change(&mut request);
    serde_json::to_vec(&request).unwrap()
}

/// The text of the request with something done to it that no JSON value can express.
fn text(change: impl FnOnce(String) -> String) -> Vec<u8> {
    change(allowed().to_string()).into_bytes()
}

fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

fn requests() -> Vec<(&'static str, Vec<u8>, Expected)> {
    let evidence = |pointer: &'static str, value: Value| {
        with(move |r| *r["evidence"].pointer_mut(pointer).unwrap() = value)
    };
    let long = "x".repeat(10_000_000);
    vec![
        ("empty file", Vec::new(), Fault("EOF")),
        ("no JSON", b"deploy please".to_vec(), Fault("expected")),
        (
            "cut off",
            text(|t| t[..t.len() / 2].to_owned()),
            Fault("EOF"),
        ),
        (
            "invalid UTF-8",
            {
                let mut bytes = text(|t| t);
                let at = bytes.iter().position(|b| *b == b'@').unwrap();
                bytes[at] = 0xff;
                bytes
            },
            Fault(""),
        ),
        ("null", b"null".to_vec(), Fault("object")),
        (
            "no principal",
            with(|r| drop(r.as_object_mut().unwrap().remove("principal"))),
            Fault("principal"),
        ),
        (
            "no evidence",
            with(|r| drop(r.as_object_mut().unwrap().remove("evidence"))),
            Fault("evidence"),
        ),
        (
            "no time",
            with(|r| drop(r.as_object_mut().unwrap().remove("now"))),
            Fault("now"),
        ),
        (
            "a time that is none",
            with(|r| r["now"] = json!("yesterday")),
            Fault("yesterday"),
        ),
        (
            "a time before Cedar's",
            with(|r| r["now"] = json!("-0001-01-01T00:00:00Z")),
            Fault(""),
        ),
        (
            "unknown key in the request",
            with(|r| r["allow"] = json!(true)),
            Fault("allow"),
        ),
        (
            "unknown key in the evidence",
            with(|r| r["evidence"]["changes"][0]["approvals"]["complet"] = json!(true)),
            Allow("changes.0.approvals.complet"),
        ),
        (
            "a key twice",
            text(|t| t.replacen("\"people\":", "\"people\":[],\"people\":", 1)),
            Invalid("duplicate field `people`"),
        ),
        (
            "evidence as text",
            with(|r| r["evidence"] = json!("{}")),
            Invalid("expected an object"),
        ),
        (
            "evidence of nothing",
            with(|r| r["evidence"] = json!({})),
            Deny("unknown-principal"),
        ),
        (
            "ten megabytes of id",
            with(|r| r["evidence"]["people"][0]["id"] = json!(long)),
            Deny("evidence-invalid"),
        ),
        (
            "100,000 deep",
            text(|t| {
                t.replacen(
                    "\"people\":[",
                    &format!("\"people\":[{},", nested(100_000)),
                    1,
                )
            }),
            Invalid("`people[0]`"),
        ),
        (
            "100,000 deep in a place for anything",
            with(|r| r["context"] = json!("DEEP")),
            Fault(""),
        ),
        (
            "a role of the base schema",
            with(|r| {
                r["entities"] = json!([
                    {"uid": {"type": "Role", "id": "operations"}, "attrs": {}, "parents": []}
                ])
            }),
            Fault("only evidence may fill"),
        ),
        (
            "a person of the base schema",
            with(|r| {
                r["entities"] = json!([
                    {"uid": {"type": "Person", "id": "mallory"}, "attrs": {"active": true}, "parents": [{"type": "Role", "id": "operations"}]}
                ])
            }),
            Fault("mallory"),
        ),
        (
            "quorums in the context",
            with(|r| r["context"] = json!({"quorum": {"production": true, "two_person": true}})),
            Fault("quorum"),
        ),
        (
            "unknown action",
            with(|r| r["action"] = json!("destroy")),
            Deny("unknown-action"),
        ),
        (
            "an action of something else",
            with(|r| r["action"] = json!("merge")),
            Deny("unknown-action"),
        ),
        (
            "an action of another type",
            with(|r| r["action"] = json!({"type": "Role", "id": "deploy"})),
            Deny("unknown-action"),
        ),
        (
            "unknown principal",
            with(|r| r["principal"] = json!("Person::\"mallory\"")),
            Deny("unknown-principal"),
        ),
        (
            "a role as principal",
            with(|r| r["principal"] = json!("Role::\"operations\"")),
            Deny("unknown-principal"),
        ),
        (
            "unknown resource",
            with(|r| r["resource"] = json!("Deployment::\"nowhere\"")),
            Deny("unknown-resource"),
        ),
        (
            "a resource of an unknown type",
            with(|r| r["resource"] = json!("Rocket::\"payments\"")),
            Deny("unknown-resource"),
        ),
        (
            "a quote in an id",
            with(|r| r["principal"] = json!({"type": "Person", "id": "finn\" || true || \""})),
            Deny("unknown-principal"),
        ),
        (
            "commits cut off",
            evidence("/commits/complete", json!(false)),
            Deny("evidence-incomplete"),
        ),
        (
            "changes cut off",
            evidence("/deployments/0/changes/complete", json!(false)),
            Deny("evidence-incomplete"),
        ),
        (
            "sign-offs cut off",
            evidence("/deployments/0/approvals/complete", json!(false)),
            Deny("evidence-incomplete"),
        ),
        (
            "approvals cut off",
            evidence("/changes/0/approvals/complete", json!(false)),
            Deny("evidence-incomplete"),
        ),
        (
            "files cut off",
            evidence("/changes/0/files/complete", json!(false)),
            Deny("evidence-incomplete"),
        ),
        (
            "pushes cut off",
            evidence("/changes/0/pushes/complete", json!(false)),
            Deny("evidence-incomplete"),
        ),
        (
            "no commits",
            evidence("/commits/items", json!([])),
            Deny("evidence-incomplete"),
        ),
        (
            "complete as a number",
            evidence("/commits/complete", json!(1)),
            Invalid("`commits.complete`: invalid type: integer"),
        ),
        (
            "no head",
            with(|r| {
                drop(
                    r["evidence"]["changes"][0]
                        .as_object_mut()
                        .unwrap()
                        .remove("head"),
                )
            }),
            Invalid("`changes[0]`: missing field `head`"),
        ),
        (
            "active as a word",
            evidence("/people/0/active", json!("yes")),
            Invalid("`people[0].active`: invalid type: string"),
        ),
        (
            "a state that is none",
            evidence("/deployments/0/approvals/items/0/state", json!("APPROVED")),
            Invalid("`deployments[0].approvals.items[0].state`: unknown variant `APPROVED`"),
        ),
        (
            "a state that is a number",
            evidence("/deployments/0/approvals/items/0/state", json!(1)),
            Invalid("`deployments[0].approvals.items[0].state`"),
        ),
        (
            "an expiry that is none",
            with(|r| {
                r["evidence"]["deployments"][0]["approvals"]["items"][0]["expires_at"] =
                    json!("later");
            }),
            Deny("evidence-invalid"),
        ),
    ]
}

fn check(engine: &dyn Engine) {
    let said = engine
        .decide(&serde_json::to_vec(&allowed()).unwrap())
        .unwrap();
    assert!(said.starts_with("{\"effect\":\"allow\""), "{said}");
    for (name, request, expected) in requests() {
        let said = engine.decide(&request);
        match (expected, said) {
            (Allow(field), Ok(verdict)) => {
                let verdict: Value = serde_json::from_str(&verdict).unwrap();
                assert_eq!(verdict["effect"], "allow", "{}: {name}", engine.name());
                assert_eq!(
                    verdict["warnings"],
                    json!([field]),
                    "{}: {name}",
                    engine.name()
                );
            }
            (Invalid(part), Ok(verdict)) => {
                let verdict: Value = serde_json::from_str(&verdict).unwrap();
                assert_eq!(verdict["effect"], "deny", "{}: {name}", engine.name());
                let reason = &verdict["reasons"][0];
                assert_eq!(
                    reason["code"],
                    "evidence-invalid",
                    "{}: {name}",
                    engine.name()
                );
                let message = reason["message"].as_str().unwrap();
                assert!(
                    message.contains(part),
                    "{}: {name}: {message}",
                    engine.name()
                );
            }
            (Deny(code), Ok(verdict)) => {
                let verdict: Value = serde_json::from_str(&verdict).unwrap();
                assert_eq!(verdict["effect"], "deny", "{}: {name}", engine.name());
                assert_eq!(
                    verdict["reasons"][0]["code"],
                    code,
                    "{}: {name}: {verdict}",
                    engine.name()
                );
            }
            (Fault(part), Err(message)) => {
                assert!(
                    message.contains(part),
                    "{}: {name}: {message}",
                    engine.name()
                );
            }
            (Allow(part) | Invalid(part), Err(message)) => {
                panic!("{}: {name}: {part}, not {message}", engine.name())
            }
            (Deny(code), Err(message)) => {
                panic!("{}: {name}: {code}, not {message}", engine.name())
            }
            (Fault(part), Ok(verdict)) => {
                panic!("{}: {name}: {part}, not {verdict}", engine.name())
            }
        }
    }
}

#[test]
fn in_the_core() {
    let pack = open(&root().join("policies/protected-deploy"));
    check(&Core(Program::load(pack.bundle()).unwrap()));
}

#[test]
fn in_the_component() {
    let pack = open(&root().join("policies/protected-deploy"));
    check(&Component(runtime().load(&compile(&pack)).unwrap()));
}

/// Where the objects in `value` are, as JSON pointers.
fn objects(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            found.push(at.to_owned());
            for (key, member) in members {
                objects(member, &format!("{at}/{key}"), found);
            }
        }
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                objects(item, &format!("{at}/{n}"), found);
            }
        }
        _ => {}
    }
}

/// By position, a collector that leaves one field out shifts all that follow.
#[test]
fn no_object_of_the_evidence_may_be_a_list() {
    let pack = open(&root().join("policies/protected-deploy"));
    let core = Core(Program::load(pack.bundle()).unwrap());
    let mut found = Vec::new();
    objects(&allowed()["evidence"], "/evidence", &mut found);
    assert!(found.len() > 20, "{found:?}");
    for at in found {
        let request = with(|r| {
            let object = r.pointer_mut(&at).unwrap();
            let members = object.as_object().unwrap().values().cloned().collect();
            *object = Value::Array(members);
        });
        let verdict: Value = serde_json::from_str(&core.decide(&request).unwrap()).unwrap();
        let reason = &verdict["reasons"][0];
        assert_eq!(reason["code"], "evidence-invalid", "{at}");
        let message = reason["message"].as_str().unwrap();
        assert!(message.contains("expected an object"), "{at}: {message}");
    }
}
