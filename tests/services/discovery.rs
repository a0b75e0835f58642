//! The certification scenario, section "Discovery Certification", and packs by name.

use serde_json::{Value, json};

use crate::basic::asks;
use crate::server::{Service, fixture};

const WELL_KNOWN: &str = "/.well-known/authzen-configuration";

fn metadata(base: &str) -> Value {
    json!({
        "policy_decision_point": base,
        "access_evaluation_endpoint": format!("{base}/access/v1/evaluation"),
        "access_evaluations_endpoint": format!("{base}/access/v1/evaluations"),
        "search_subject_endpoint": format!("{base}/access/v1/search/subject"),
        "search_resource_endpoint": format!("{base}/access/v1/search/resource"),
        "search_action_endpoint": format!("{base}/access/v1/search/action"),
    })
}

#[test]
fn metadata_is_of_the_url_that_is_configured() {
    let url = "https://pdp.bank.example";
    let service = Service::fixture_with(&format!("[api]\nurl = \"{url}\"\n"));
    let answer = service.get(WELL_KNOWN);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.body, metadata(url));
}

#[test]
fn without_one_it_is_of_the_host_that_was_asked() {
    let service = Service::fixture();
    let base = format!("http://{}", service.host());
    assert_eq!(service.get(WELL_KNOWN).body, metadata(&base));
    for host in [
        "",
        "Host: \r\n",
        "Host: user@bank.example\r\n",
        "Host: a b\r\n",
    ] {
        let asked = format!("GET {WELL_KNOWN} HTTP/1.0\r\n{host}\r\n");
        let answer = service.send(asked.as_bytes());
        assert_eq!(answer.status, 400, "{host}: {answer:?}");
    }
}

#[test]
fn every_endpoint_that_is_named_answers() {
    let service = Service::fixture();
    let metadata = service.get(WELL_KNOWN).body;
    let base = metadata["policy_decision_point"].as_str().unwrap();
    let mut asked = 0;
    for (name, url) in metadata.as_object().unwrap() {
        if let Some(path) = url
            .as_str()
            .unwrap()
            .strip_prefix(base)
            .filter(|_| name.ends_with("_endpoint"))
        {
            let answer = service.post(path, &asks("alice", "read", "record-1"));
            assert_eq!(answer.status, 200, "{name}: {answer:?}");
            asked += 1;
        }
    }
    assert_eq!(asked, 5);
}

fn two_packs(more: &str) -> Service {
    let text = std::fs::read_to_string(fixture().join("sod.toml")).unwrap();
    let other = "[pack.other]\nfolder = \".\"\n";
    Service::start(&format!("{more}\n{text}\n{other}"), &fixture()).unwrap()
}

#[test]
fn several_packs_are_told_apart_by_name_and_each_has_its_metadata() {
    let service = two_packs("");
    let body = asks("alice", "read", "record-1");
    let answer = service.post("/packs/records/access/v1/evaluation", &body);
    assert!(answer.decision());
    // The other one is served without a mapping: it knows no `user`, and has no entities.
    assert!(
        !service
            .post("/packs/other/access/v1/evaluation", &body)
            .decision()
    );
    for path in ["/access/v1/evaluation", "/v1/decide"] {
        service.post(path, &body).is_problem(404, "no-such-pack");
    }
    service.get(WELL_KNOWN).is_problem(404, "no-such-pack");
    let base = format!("http://{}/packs/records", service.host());
    let found = service.get(&format!("{WELL_KNOWN}/packs/records"));
    assert_eq!(found.body, metadata(&base));
    service
        .get(&format!("{WELL_KNOWN}/packs/none"))
        .is_problem(404, "no-such-pack");

    // Both are the same component: a digest does not say which of them is meant.
    let packs = service.get("/v1/packs").body;
    let digest = packs["packs"][0]["digest"].as_str().unwrap();
    let path = format!("/packs/{digest}/access/v1/evaluation");
    service.post(&path, &body).is_problem(404, "no-such-pack");
}

#[test]
fn the_default_is_the_one_that_is_configured() {
    let service = two_packs("[api]\ndefault = \"records\"\n");
    let body = asks("alice", "read", "record-1");
    assert!(service.post("/access/v1/evaluation", &body).decision());
    let packs = service.get("/v1/packs").body;
    let defaults: Vec<_> = packs["packs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pack| &pack["default"])
        .collect();
    assert_eq!(defaults, [&json!(false), &json!(true)]);
}
