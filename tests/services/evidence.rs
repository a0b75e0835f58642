//! A shipped pack of mode `evidence` through AuthZEN: evidence in the context, people from the operator.

use serde_json::{Value, json};
use sod_tests::root;

use crate::server::Service;

const PATH: &str = "/access/v1/evaluation";

fn evidence() -> Value {
    let file = root().join("policies/protected-deploy/example.json");
    let request: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    request["evidence"].clone()
}

fn asks(who: &str, evidence: &Value) -> Value {
    json!({
        "subject": {"type": "Person", "id": who}, "action": {"name": "deploy"},
        "resource": {"type": "Deployment", "id": "payments-7-production"},
        "context": {"evidence": evidence}
    })
}

/// The example with the signature that it lacks.
fn signed() -> Value {
    let mut evidence = evidence();
    let deployment = &mut evidence["deployments"][0];
    let approvals = deployment["approvals"]["items"].as_array_mut().unwrap();
    let mut by_security = approvals[0].clone();
    by_security["account"] = json!("github:hugo-meyer");
    approvals.push(by_security);
    evidence
}

fn serve(more: &str) -> Service {
    let text = format!("[pack.deploy]\nfolder = \"policies/protected-deploy\"\n{more}");
    Service::start(&text, &root()).unwrap_or_else(|error| panic!("{error:?}"))
}

/// A server whose directory is that file.
fn with_directory(directory: &Value) -> Result<Service, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("directory.json");
    std::fs::write(&file, directory.to_string()).unwrap();
    let text = format!(
        "[pack.deploy]\nfolder = \"policies/protected-deploy\"\n[pack.deploy.authzen]\ndirectory = {file:?}\n"
    );
    Service::start(&text, &root()).map_err(|error| error.to_string())
}

fn directory_of(evidence: &Value) -> Value {
    let lists = ["people", "machines", "accounts"];
    lists
        .into_iter()
        .map(|list| (list.to_owned(), evidence[list].clone()))
        .collect()
}

#[test]
fn a_deny_says_who_is_missing_and_who_could_give_it() {
    let service = serve("");
    let answer = service.post(PATH, &asks("finn", &evidence()));
    assert!(!answer.decision());
    let context = &answer.body["context"];
    assert_eq!(
        context["reason_admin"]["403"],
        "quorum-unmet (production-needs-both-sign-offs)"
    );
    let missing = &context["missing"][0];
    assert_eq!(missing["role"], "security");
    assert_eq!(missing["candidates"], json!(["hugo", "jon", "pia"]));

    let answer = service.post(PATH, &asks("finn", &signed()));
    assert!(answer.decision(), "{answer:?}");
    assert_eq!(answer.body["context"].get("missing"), None);
}

#[test]
fn an_account_is_the_person_behind_it() {
    let service = serve("");
    let mut body = asks("github:finn-berg", &signed());
    body["subject"]["type"] = json!("Account");
    assert!(service.post(PATH, &body).decision());
    body["subject"]["id"] = json!("github:nobody");
    let answer = service.post(PATH, &body);
    assert!(!answer.decision());
    assert_eq!(
        answer.body["context"]["reasons"][0]["code"],
        "unknown-principal"
    );
}

#[test]
fn without_evidence_or_with_what_is_none_there_is_no_allow() {
    let service = serve("");
    let mut body = asks("finn", &evidence());
    for (context, code) in [
        (Value::Null, "fault-invalid-request"),
        (json!({}), "fault-invalid-request"),
        (json!({"evidence": null}), "fault-invalid-request"),
        (json!({"evidence": {}}), ""),
        (json!({"evidence": []}), ""),
        (json!({"evidence": "yes"}), ""),
        (json!({"Evidence": signed()}), "fault-invalid-request"),
    ] {
        body["context"] = context;
        let answer = service.post(PATH, &body);
        assert!(!answer.decision(), "{body}");
        if !code.is_empty() {
            assert_eq!(answer.body["context"]["reasons"][0]["code"], code);
        }
    }
    // Evidence is in the context, and nowhere else.
    body["evidence"] = signed();
    assert!(!service.post(PATH, &body).decision());
}

#[test]
fn a_directory_takes_the_place_of_what_the_evidence_says_of_people() {
    let service = with_directory(&directory_of(&evidence())).unwrap();
    assert!(service.post(PATH, &asks("finn", &signed())).decision());

    // Eve makes herself a person with every role, and takes over an account that signed.
    let mut forged = signed();
    let people = forged["people"].as_array_mut().unwrap();
    people.push(json!({"id": "eve", "active": true, "roles": ["operations", "security"]}));
    assert!(serve("").post(PATH, &asks("eve", &forged)).decision());
    let answer = service.post(PATH, &asks("eve", &forged));
    assert!(!answer.decision());
    assert_eq!(
        answer.body["context"]["reasons"][0]["code"],
        "unknown-principal"
    );
    // The same with an escape in the name of the list: it is the same name.
    let escaped = asks("eve", &forged)
        .to_string()
        .replace("\"people\"", "\"peopl\\u0065\"");
    let headers = "Content-Type: application/json\r\n";
    let answer = service.post_as(PATH, headers, &escaped);
    assert!(!answer.decision());
    assert_eq!(
        answer.body["context"]["reasons"][0]["code"],
        "unknown-principal"
    );

    // Evidence may leave them out.
    let mut without = signed();
    for list in ["people", "machines", "accounts"] {
        without.as_object_mut().unwrap().remove(list);
    }
    assert!(service.post(PATH, &asks("finn", &without)).decision());
    let answer = service.post(PATH, &asks("finn", &json!([])));
    assert_eq!(
        answer.is_problem(400, "malformed")["path"],
        "context.evidence"
    );
}

#[test]
fn a_directory_that_is_none_is_not_served() {
    for directory in [json!([]), json!({"people": {}}), json!({"persons": []})] {
        let said = with_directory(&directory).err().unwrap();
        assert!(said.contains("pack.deploy.authzen.directory"), "{said}");
    }
}

#[test]
fn a_search_finds_people_machines_and_deployments_of_the_evidence() {
    let service = serve("");
    let mut body = asks("", &signed());
    body["subject"] = json!({"type": "Person"});
    let answer = service.post("/access/v1/search/subject", &body);
    let found: Vec<_> = answer
        .results()
        .iter()
        .map(|found| found["id"].as_str().unwrap().to_owned())
        .collect();
    assert!(found.contains(&"finn".to_owned()), "{found:?}");
    // Whoever contributed does not deploy, and whoever has left does nothing.
    for nobody in ["ana", "kim", "dana"] {
        assert!(!found.contains(&nobody.to_owned()), "{found:?}");
    }
    for person in signed()["people"].as_array().unwrap() {
        let id = person["id"].as_str().unwrap();
        let alone = service.post(PATH, &asks(id, &signed())).decision();
        assert_eq!(alone, found.iter().any(|found| found == id), "{id}");
    }

    body["subject"] = json!({"type": "Machine"});
    let answer = service.post("/access/v1/search/subject", &body);
    assert_eq!(answer.results(), Vec::<&Value>::new());

    let mut body = asks("finn", &signed());
    body["resource"] = json!({"type": "Deployment"});
    let answer = service.post("/access/v1/search/resource", &body);
    assert!(
        answer
            .results()
            .contains(&&json!({"type": "Deployment", "id": "payments-7-production"}))
    );

    let mut body = asks("finn", &signed());
    body.as_object_mut().unwrap().remove("action");
    let answer = service.post("/access/v1/search/action", &body);
    assert!(
        answer.results().contains(&&json!({"name": "deploy"})),
        "{answer:?}"
    );
    // Finn is one of those who sign; what is found is what is allowed one by one.
    for found in ["review", "approve", "merge", "deploy", "rollback"] {
        let mut asked = asks("finn", &signed());
        asked["action"] = json!({"name": found});
        let alone = service.post(PATH, &asked).decision();
        let listed = answer.results().contains(&&json!({"name": found}));
        assert_eq!(alone, listed, "{found}");
    }

    let mut broken = asks("", &json!({"people": {}}));
    broken["subject"] = json!({"type": "Person"});
    let answer = service.post("/access/v1/search/subject", &broken);
    assert_eq!(
        answer.is_problem(400, "malformed")["path"],
        "context.evidence.people"
    );
}
