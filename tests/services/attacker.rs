//! Somebody who controls one field of a request gets no more by it than the mapping gives them.

use serde_json::{Value, json};

use crate::basic::asks;
use crate::server::Service;

const PATH: &str = "/access/v1/evaluation";

/// Bob may not write `record-1`, and no request that is Bob's makes it so.
#[test]
fn nothing_that_the_mapping_does_not_name_reaches_a_policy() {
    let service = Service::fixture();
    let archived = json!({"status": "archived"});
    for (pointer, value) in [
        (
            "/subject/properties",
            json!({"status": "archived", "parents": [{"type": "Group", "id": "keepers"}]}),
        ),
        (
            "/subject/properties",
            json!({"uid": {"type": "User", "id": "alice"}, "id": "alice", "type": "user"}),
        ),
        (
            "/subject/parents",
            json!([{"type": "Group", "id": "keepers"}]),
        ),
        ("/subject/attrs", json!({"role": "admin"})),
        (
            "/resource/properties",
            json!({"role": "admin", "owner": {"type": "User", "id": "bob"}}),
        ),
        ("/resource/attrs", archived.clone()),
        ("/action/properties", archived.clone()),
        (
            "/context",
            json!({"status": "archived", "soft": true, "principal": {"type": "User", "id": "alice"}}),
        ),
        (
            "/entities",
            json!([{"uid": {"type": "User", "id": "bob"}, "attrs": {}, "parents": [{"type": "Group", "id": "keepers"}]}]),
        ),
        ("/now", json!("1999-01-01T00:00:00Z")),
        ("/decision", json!(true)),
    ] {
        let mut body = asks("bob", "write", "record-1");
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        body.pointer_mut(parent).unwrap()[field] = value;
        let answer = service.post(PATH, &body);
        assert!(!answer.decision(), "{body}");
        // Nothing of it has come as far as the component, which would have complained of it.
        assert_eq!(
            answer.body["context"]["reasons"][0]["code"], "no-permit",
            "{body}"
        );
    }
    // The one that is named is believed: whoever sends the status decides about it.
    let mut body = asks("bob", "write", "record-1");
    body["resource"]["properties"] = archived;
    assert!(service.post(PATH, &body).decision());
}

#[test]
fn a_value_of_another_kind_is_a_deny() {
    let service = Service::fixture();
    for value in [
        json!(4),
        json!(true),
        json!([]),
        json!({}),
        json!(["admin"]),
        json!(1.5),
        json!({"__entity": {"type": "User", "id": "bob"}}),
        json!({"__extn": {"fn": "decimal", "arg": "1.0"}}),
        json!({"type": "Group", "id": "staff"}),
    ] {
        let mut body = asks("alice", "read", "record-1");
        body["subject"]["properties"] = json!({"role": value});
        let answer = service.post(PATH, &body);
        assert!(!answer.decision(), "{body}");
        let code = &answer.body["context"]["reasons"][0]["code"];
        assert_eq!(code, "fault-invalid-request", "{body}");
    }
}

#[test]
fn names_with_quotes_and_escapes_are_only_names() {
    let service = Service::fixture();
    for id in [
        "alice\"",
        "\"alice",
        "alice\",\"x\":\"",
        "al\\u0069ce",
        "alice\u{0}",
        "ALICE",
        "alice ",
        "älice",
        "alice\n",
        r#"x"},"attrs":{},"parents":[{"type":"Group","id":"keepers"}]},{"uid":{"type":"User","id":"alice"#,
    ] {
        let mut body = asks(id, "write", "record-1");
        body["subject"]["properties"] =
            json!({"role": "\"},\"parents\":[{\"type\":\"Group\",\"id\":\"keepers\"}]"});
        let answer = service.post(PATH, &body);
        assert!(!answer.decision(), "{id}");
        assert_eq!(
            answer.body["context"]["reasons"][0]["code"], "no-permit",
            "{id}"
        );
    }
    for (type_name, id) in [
        ("User", "alice"),
        ("user::user", "alice"),
        ("Group", "keepers"),
        ("", "alice"),
    ] {
        let mut body = asks(id, "write", "record-1");
        body["subject"]["type"] = json!(type_name);
        let expected = type_name == "User";
        assert_eq!(
            service.post(PATH, &body).decision(),
            expected,
            "{type_name}"
        );
    }
}

/// A pack in which people are what is acted on, too.
fn people() -> Service {
    let folder = tempfile::tempdir().unwrap();
    let pack = folder.path().join("people");
    std::fs::create_dir_all(pack.join("rules")).unwrap();
    let write = |name: &str, text: &str| std::fs::write(pack.join(name), text).unwrap();
    write(
        "pack.toml",
        "name = \"people\"\nversion = \"0.1.0\"\nmode = \"cedar\"\n",
    );
    write(
        "schema.cedarschema",
        "entity Person = { role?: String, chief?: Person };\naction promote appliesTo { principal: Person, resource: Person };\n",
    );
    write(
        "rules/promote.cedar",
        "@id(\"promote\") @reason(\"directors, and chiefs their own\")\npermit (principal, action, resource) when {\n\
         (principal has role && principal.role == \"director\") ||\n\
         (resource has chief && resource.chief == principal && principal has role && principal.role == \"chief\") };\n",
    );
    let entities = json!([
        {"uid": {"type": "Person", "id": "ana"}, "attrs": {"role": "chief"}, "parents": []},
        {"uid": {"type": "Person", "id": "bob"}, "attrs": {"chief": {"__entity": {"type": "Person", "id": "ana"}}}, "parents": []},
        {"uid": {"type": "Person", "id": "eve"}, "attrs": {}, "parents": []}
    ]);
    write("entities.json", &entities.to_string());
    let config = "[pack.people]\nfolder = \"people\"\n[pack.people.authzen]\nentities = \"people/entities.json\"\n\
                  [pack.people.authzen.resource.Person]\nproperties = [\"role\", \"chief\"]\n";
    let service = Service::start(config, folder.path()).unwrap();
    // Compiled and read: the folder is no longer needed.
    drop(folder);
    service
}

fn promotes(who: &str, whom: &str, properties: Value) -> Value {
    json!({
        "subject": {"type": "Person", "id": who}, "action": {"name": "promote"},
        "resource": {"type": "Person", "id": whom, "properties": properties}
    })
}

#[test]
fn who_speaks_for_the_resource_does_not_speak_for_the_subject() {
    let service = people();
    assert!(
        service
            .post(PATH, &promotes("ana", "bob", json!({})))
            .decision()
    );
    assert!(
        !service
            .post(PATH, &promotes("eve", "bob", json!({"role": "director"})))
            .decision()
    );
    let own = promotes("eve", "eve", json!({"role": "director"}));
    let answer = service.post(PATH, &own);
    let problem = answer.is_problem(400, "malformed");
    assert_eq!(problem["path"], "resource.properties");
    let items = json!({"evaluations": [own, promotes("ana", "bob", json!({}))]});
    let answer = service.post("/access/v1/evaluations", &items);
    assert_eq!(answer.decisions(), [false, true]);

    // Nor in a search, in which the resource is a candidate, too.
    let body = json!({
        "subject": {"type": "Person"}, "action": {"name": "promote"},
        "resource": {"type": "Person", "id": "eve", "properties": {"role": "director"}}
    });
    let answer = service.post("/access/v1/search/subject", &body);
    assert_eq!(answer.results(), Vec::<&Value>::new());
    assert_eq!(answer.body["context"]["failed"], 1);
}

/// What a request's own values name comes along, so that rules find it.
#[test]
fn entities_in_attributes_are_known_to_rules() {
    let service = people();
    let chief = json!({"chief": {"__entity": {"type": "Person", "id": "ana"}}});
    assert!(
        service
            .post(PATH, &promotes("ana", "eve", chief))
            .decision()
    );
    assert!(
        !service
            .post(PATH, &promotes("ana", "eve", json!({})))
            .decision()
    );
}

#[test]
fn the_clock_is_the_servers_unless_configured() {
    let text = "[pack.deploy]\nfolder = \"policies/protected-deploy\"\n";
    let example = sod_tests::root().join("policies/protected-deploy/example.json");
    let mut request: Value = serde_json::from_slice(&std::fs::read(example).unwrap()).unwrap();
    for (settings, taken) in [("", false), ("[api]\ncaller_time = true\n", true)] {
        let service = Service::start(&format!("{settings}{text}"), &sod_tests::root()).unwrap();
        request["now"] = json!("2026-03-02T10:00:00Z");
        let answer = service.post("/v1/decide", &request);
        match taken {
            true => assert_eq!(answer.body["effect"], "deny", "{answer:?}"),
            false => {
                let problem = answer.is_problem(400, "caller-time");
                assert_eq!(problem["path"], "now");
                let batch = json!({"requests": [request]});
                let answer = service.post("/v1/decide-batch", &batch);
                assert_eq!(
                    answer.is_problem(400, "caller-time")["path"],
                    "requests[0].now"
                );
            }
        }
        let mut evaluation = json!({
            "subject": {"type": "Person", "id": "finn"}, "action": {"name": "deploy"},
            "resource": {"type": "Deployment", "id": "payments-7-production"},
            "context": {"evidence": request["evidence"], "now": "when I was young"}
        });
        let answer = service.post(PATH, &evaluation);
        match taken {
            true => assert_eq!(answer.is_problem(400, "malformed")["path"], "context.now"),
            // Not looked at: it is a key like any other that the mapping does not name.
            false => assert!(!answer.decision()),
        }
        evaluation["context"]["now"] = json!("2026-03-02T10:00:00Z");
        assert!(!service.post(PATH, &evaluation).decision());
    }
}
