//! The native API: what `sod decide` takes and prints, over HTTP.

use serde_json::{Value, json};
use sod_host::{Request, Runtime};
use sod_tests::root;

use crate::server::{NOW, Service, component};

fn serve(more: &str) -> Service {
    let text = format!("{more}\n[pack.deploy]\nfolder = \"policies/protected-deploy\"\n");
    Service::start(&text, &root()).unwrap_or_else(|error| panic!("{error:?}"))
}

fn example() -> Value {
    let file = root().join("policies/protected-deploy/example.json");
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

/// Without a time, as a server takes it.
fn timeless() -> Value {
    let mut request = example();
    request.as_object_mut().unwrap().remove("now");
    request
}

#[test]
fn the_verdict_is_that_of_the_component_to_the_byte() {
    let service = serve("");
    let component = component(&root().join("policies/protected-deploy"));
    let policy = Runtime::new().unwrap().load(&component).unwrap();
    let text = timeless().to_string();
    let request = Request::from_json(text.as_bytes()).unwrap().with_now(NOW);
    let expected = serde_json::to_value(policy.decide(&request)).unwrap();
    let answer = service.post("/v1/decide", &timeless());
    assert_eq!((answer.status, &answer.body), (200, &expected));
    assert_eq!(answer.body["effect"], "deny");
    let id = answer.header("sod-decision-id").unwrap();
    assert!(service.log().contains(id));

    let digest = policy.digest();
    for path in [
        "/v1/packs/deploy/decide".to_owned(),
        format!("/v1/packs/{digest}/decide"),
    ] {
        assert_eq!(service.post(&path, &timeless()).body, expected, "{path}");
    }
    let other = digest.to_string().replace(['0', '1', '2', '3'], "4");
    let answer = service.post(&format!("/v1/packs/{other}/decide"), &timeless());
    answer.is_problem(404, "no-such-pack");
}

#[test]
fn many_at_once_are_each_as_by_itself_and_each_has_its_record() {
    let service = serve("[api]\nbatch = 2\n");
    let mut other = timeless();
    other["principal"] = json!("Person::\"ana\"");
    let answer = service.post(
        "/v1/decide-batch",
        &json!({"requests": [timeless(), other]}),
    );
    let verdicts = answer.body["verdicts"].as_array().unwrap();
    for (request, recorded) in [timeless(), other.clone()].iter().zip(verdicts) {
        let alone = service.post("/v1/decide", request).body;
        assert_eq!(recorded["verdict"], alone);
        assert!(service.log().contains(recorded["id"].as_str().unwrap()));
    }
    assert_ne!(verdicts[0]["verdict"], verdicts[1]["verdict"]);
    assert_eq!(
        service
            .post("/v1/decide-batch", &json!({"requests": []}))
            .body,
        json!({"verdicts": []})
    );
    let three = json!({"requests": [timeless(), timeless(), timeless()]});
    service
        .post("/v1/decide-batch", &three)
        .is_problem(413, "too-many-questions");
}

#[test]
fn what_is_no_request_is_400_with_its_place() {
    let service = serve("");
    for (place, value, path) in [
        ("/principal", json!(4), "principal"),
        ("/principal", json!("finn"), "principal"),
        ("/now", json!("yesterday"), "now"),
        ("/colour", json!("red"), "colour"),
        ("/resource", json!({"type": "Change"}), "resource"),
    ] {
        let mut request = timeless();
        request[&place[1..]] = value;
        let answer = service.post("/v1/decide", &request);
        let problem = answer.is_problem(400, "malformed");
        assert_eq!(problem["path"], path, "{problem}");
        let answer = service.post(
            "/v1/decide-batch",
            &json!({"requests": [timeless(), request]}),
        );
        let problem = answer.is_problem(400, "malformed");
        assert_eq!(problem["path"], format!("requests[1].{path}"), "{problem}");
    }
    let headers = "Content-Type: application/json\r\n";
    let text = timeless()
        .to_string()
        .replacen('{', "{\n\"action\": 5,\n", 1);
    let answer = service.post_as("/v1/decide", headers, &text);
    assert_eq!(answer.is_problem(400, "malformed")["line"], 2);
    let twice = timeless()
        .to_string()
        .replacen('{', "{\"action\": \"deploy\",", 1);
    service
        .post_as("/v1/decide", headers, &twice)
        .is_problem(400, "malformed");
}

#[test]
fn what_is_served_says_what_it_is() {
    let service = serve("");
    let packs = service.get("/v1/packs").body;
    let [pack] = packs["packs"].as_array().unwrap().as_slice() else {
        panic!("{packs}");
    };
    assert_eq!(
        (&pack["name"], &pack["default"]),
        (&json!("deploy"), &json!(true))
    );
    let about = &pack["describe"];
    assert_eq!(
        (&about["name"], &about["mode"]),
        (&json!("protected-deploy"), &json!("evidence"))
    );
    let deploy = json!({
        "action": {"type": "Action", "id": "deploy"},
        "principals": ["Machine", "Person"], "resources": ["Deployment"]
    });
    assert!(about["actions"].as_array().unwrap().contains(&deploy));
    let quorums = about["quorums"].as_array().unwrap();
    assert!(quorums.iter().any(|quorum| quorum["name"] == "production"));
}
