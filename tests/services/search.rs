//! The certification scenario, section "Search Certification", and pages.

use serde_json::{Value, json};

use crate::basic::asks;
use crate::server::{Answer, Service, fixture};

const SUBJECT: &str = "/access/v1/search/subject";
const RESOURCE: &str = "/access/v1/search/resource";
const ACTION: &str = "/access/v1/search/action";

fn users(ids: &[&str]) -> Vec<Value> {
    ids.iter()
        .map(|id| json!({"type": "user", "id": id}))
        .collect()
}

fn records(ids: &[&str]) -> Vec<Value> {
    ids.iter()
        .map(|id| json!({"type": "record", "id": id}))
        .collect()
}

fn actions(names: &[&str]) -> Vec<Value> {
    names.iter().map(|name| json!({"name": name})).collect()
}

#[track_caller]
fn finds(answer: &Answer, expected: &[Value]) {
    assert_eq!(answer.results(), expected.iter().collect::<Vec<_>>());
    assert_eq!(answer.body["context"]["failed"], 0);
}

fn subject_search() -> Value {
    json!({
        "subject": {"type": "user"}, "action": {"name": "read"},
        "resource": {"type": "record", "id": "record-1"}
    })
}

fn resource_search() -> Value {
    json!({
        "subject": {"type": "user", "id": "alice"}, "action": {"name": "read"},
        "resource": {"type": "record"}
    })
}

fn action_search() -> Value {
    json!({
        "subject": {"type": "user", "id": "alice"},
        "resource": {"type": "record", "id": "record-1"}
    })
}

#[test]
fn what_the_scenario_finds_whatever_the_context_and_the_id_of_what_is_sought() {
    let service = Service::fixture();
    let context = json!({"time": "2025-06-27T18:03-07:00", "ip": "192.168.1.1"});
    for (path, mut body, expected, sought) in [
        (
            SUBJECT,
            subject_search(),
            users(&["alice", "bob"]),
            Some("subject"),
        ),
        (
            RESOURCE,
            resource_search(),
            records(&["record-1", "record-2"]),
            Some("resource"),
        ),
        (ACTION, action_search(), actions(&["read", "write"]), None),
    ] {
        finds(&service.post(path, &body), &expected);
        assert_eq!(service.post(path, &body).body.get("page"), None);
        body["context"] = context.clone();
        finds(&service.post(path, &body), &expected);
        if let Some(sought) = sought {
            for id in [json!("alice"), json!("nobody"), json!(4)] {
                body[sought]["id"] = id;
                finds(&service.post(path, &body), &expected);
            }
        }
    }
}

#[test]
fn properties_count_where_the_mapping_names_them() {
    let service = Service::fixture();
    let archived =
        json!({"type": "record", "id": "record-2", "properties": {"status": "archived"}});
    let admin = json!({"type": "user", "id": "bob", "properties": {"role": "admin"}});
    let body =
        json!({"subject": {"type": "user"}, "action": {"name": "write"}, "resource": archived});
    finds(&service.post(SUBJECT, &body), &users(&["bob"]));
    let body =
        json!({"subject": admin, "action": {"name": "write"}, "resource": {"type": "record"}});
    finds(&service.post(RESOURCE, &body), &records(&["record-2"]));
    let body = json!({"subject": admin, "resource": archived});
    finds(&service.post(ACTION, &body), &actions(&["read", "write"]));
    // An action with a context of its own is a candidate like the others; without `soft` it is denied.
    let body = json!({"subject": {"type": "user", "id": "alice"}, "resource": {"type": "record", "id": "record-1"},
                      "context": {"source": "lost door", "soft": true}});
    finds(&service.post(ACTION, &body), &[]);
}

#[test]
fn what_is_found_is_what_an_evaluation_allows() {
    let service = Service::fixture();
    for (path, body) in [
        (SUBJECT, subject_search()),
        (RESOURCE, resource_search()),
        (ACTION, action_search()),
    ] {
        let answer = service.post(path, &body);
        for found in answer.results() {
            let mut asked = asks("alice", "read", "record-1");
            let place = match path {
                SUBJECT => "subject",
                RESOURCE => "resource",
                _ => "action",
            };
            asked[place] = found.clone();
            assert!(
                service.post("/access/v1/evaluation", &asked).decision(),
                "{asked}"
            );
        }
    }
}

#[test]
fn what_nobody_knows_finds_nothing() {
    let service = Service::fixture();
    let with = |mut body: Value, place: &str, value: Value| {
        body[place] = value;
        body
    };
    let nobody = json!({"type": "user", "id": "nonexistent-user"});
    let spaceship = json!({"type": "spaceship", "id": "enterprise"});
    for (path, body) in [
        (ACTION, with(action_search(), "subject", nobody.clone())),
        (ACTION, with(action_search(), "subject", spaceship.clone())),
        (ACTION, with(action_search(), "resource", spaceship.clone())),
        (RESOURCE, with(resource_search(), "subject", nobody)),
        (
            RESOURCE,
            with(resource_search(), "subject", spaceship.clone()),
        ),
        (
            RESOURCE,
            with(resource_search(), "resource", json!({"type": "spaceship"})),
        ),
        (
            SUBJECT,
            with(subject_search(), "subject", json!({"type": "spaceship"})),
        ),
        (SUBJECT, with(subject_search(), "resource", spaceship)),
        (
            SUBJECT,
            with(subject_search(), "action", json!({"name": "fly"})),
        ),
    ] {
        finds(&service.post(path, &body), &[]);
    }
    // Nobody is written into an unknown record either, but whoever reads any record reads it.
    let unknown = with(
        subject_search(),
        "resource",
        json!({"type": "record", "id": "record-9"}),
    );
    finds(&service.post(SUBJECT, &unknown), &users(&["alice", "bob"]));
}

#[test]
fn what_is_required_and_missing() {
    let service = Service::fixture();
    for (path, body, fields) in [
        (
            SUBJECT,
            subject_search(),
            &[
                "/subject",
                "/action",
                "/resource",
                "/subject/type",
                "/action/name",
                "/resource/type",
                "/resource/id",
            ][..],
        ),
        (
            RESOURCE,
            resource_search(),
            &[
                "/subject",
                "/action",
                "/resource",
                "/subject/type",
                "/subject/id",
                "/action/name",
                "/resource/type",
            ][..],
        ),
        (
            ACTION,
            action_search(),
            &[
                "/subject",
                "/resource",
                "/subject/type",
                "/subject/id",
                "/resource/type",
                "/resource/id",
            ][..],
        ),
    ] {
        for field in fields {
            let mut body = body.clone();
            let (parent, name) = field.rsplit_once('/').unwrap();
            body.pointer_mut(parent)
                .unwrap()
                .as_object_mut()
                .unwrap()
                .remove(name);
            service.post(path, &body).is_problem(400, "malformed");
        }
        for page in [
            json!({"limit": -1}),
            json!({"limit": "2"}),
            json!({"limit": 1.5}),
            json!({"token": 4}),
            json!([]),
            json!({"token": "made up"}),
        ] {
            let mut body = body.clone();
            body["page"] = page;
            let answer = service.post(path, &body);
            let problem = answer.is_problem(400, "malformed");
            assert!(
                problem["path"].as_str().unwrap().starts_with("page"),
                "{problem}"
            );
        }
    }
}

#[test]
fn pages_are_all_of_it_and_each_once() {
    let service = Service::fixture();
    for (path, body, expected) in [
        (SUBJECT, subject_search(), users(&["alice", "bob"])),
        (
            RESOURCE,
            resource_search(),
            records(&["record-1", "record-2"]),
        ),
        (ACTION, action_search(), actions(&["read", "write"])),
    ] {
        let mut asked = body.clone();
        asked["page"] = json!({"limit": 1});
        let first = service.post(path, &asked);
        finds(&first, &expected[..1]);
        assert_eq!(first.body["page"]["count"], 1);
        let token = first.body["page"]["next_token"].as_str().unwrap();
        assert_ne!(token, "");

        // As the scenario sends it, and as the specification would have it.
        for page in [json!({"token": token}), json!({"token": token, "limit": 1})] {
            asked["page"] = page;
            let second = service.post(path, &asked);
            finds(&second, &expected[1..]);
            assert_eq!(second.body["page"], json!({"next_token": "", "count": 1}));
        }
        asked["page"] = json!({"token": token, "limit": 2});
        service.post(path, &asked).is_problem(400, "malformed");
        asked["page"] = json!({"token": token});
        asked["context"] = json!({"source": "elsewhere"});
        let answer = service.post(path, &asked);
        let problem = answer.is_problem(400, "malformed");
        assert_eq!(problem["path"], "page.token");

        asked = body.clone();
        asked["page"] = json!({"limit": 100});
        let all = service.post(path, &asked);
        finds(&all, &expected);
        assert_eq!(all.body["page"], json!({"next_token": "", "count": 2}));
        asked["page"] = json!({"limit": 0});
        let none = service.post(path, &asked);
        finds(&none, &[]);
        assert_ne!(none.body["page"]["next_token"], "");
    }
}

/// The fixture with many more users, of whom every third is staff.
fn crowd(users: usize, more: &str) -> Service {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(fixture().join("entities.json")).unwrap();
    let mut entities: Vec<Value> = serde_json::from_str(&text).unwrap();
    for ix in 0..users {
        let parents = match ix % 3 {
            0 => json!([{"type": "Group", "id": "staff"}]),
            _ => json!([]),
        };
        entities.push(json!({"uid": {"type": "User", "id": format!("user-{ix:04}")}, "attrs": {}, "parents": parents}));
    }
    let file = folder.path().join("entities.json");
    std::fs::write(&file, json!(entities).to_string()).unwrap();
    let config = std::fs::read_to_string(fixture().join("sod.toml")).unwrap();
    let config = config.replace("\"entities.json\"", &format!("{file:?}"));
    Service::start(&format!("{more}\n{config}"), &fixture()).unwrap()
}

#[test]
fn a_search_through_many_has_all_of_them_in_one_answer_and_in_pages() {
    let service = crowd(300, "");
    let all = service.post(SUBJECT, &subject_search());
    let ids: Vec<_> = all
        .results()
        .iter()
        .map(|found| found["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), 102);
    assert!(ids.is_sorted());
    assert_eq!(all.body["context"]["failed"], 0);
    for id in all.body["context"]["ids"].as_array().unwrap() {
        assert!(service.log().contains(id.as_str().unwrap()));
    }

    let mut body = subject_search();
    body["page"] = json!({"limit": 40});
    let mut paged = Vec::new();
    let mut pages = 0;
    loop {
        let answer = service.post(SUBJECT, &body);
        let found = answer.results();
        paged.extend(
            found
                .iter()
                .map(|found| found["id"].as_str().unwrap().to_owned()),
        );
        pages += 1;
        let token = answer.body["page"]["next_token"].as_str().unwrap();
        if token.is_empty() {
            break;
        }
        body["page"] = json!({"token": token});
    }
    assert_eq!((paged, pages), (ids, 3));
}

#[test]
fn a_search_through_too_many_is_refused_and_not_cut() {
    let service = crowd(20, "[api]\nsearch_candidates = 21\n");
    let answer = service.post(SUBJECT, &subject_search());
    let problem = answer.is_problem(400, "search-too-large");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("22") && detail.contains("21"), "{detail}");
    finds(
        &service.post(RESOURCE, &resource_search()),
        &records(&["record-1", "record-2"]),
    );
}
