//! Where the evidence is.

use serde_json::json;
use sod_route::{Code, EvidenceFrom, Identity, Pointer};

use crate::world::*;

fn pointer(text: &str) -> Pointer {
    let body = json!({"body": {"pointer": text, "believe_the_client": true}});
    let routes = routes(json!({"evidence": body}));
    match asked(&routes, &post("/api/deploys/x"), &finn()).evidence {
        EvidenceFrom::Body(pointer) => pointer,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_body_is_taken_byte_for_byte() {
    let body = br#" {"note": 1, "in": {"a/b": {"people" : [ 1.0 ]}}} "#;
    let select = |text: &str| pointer(text).select(body).unwrap().get().to_owned();
    assert_eq!(
        select(""),
        r#"{"note": 1, "in": {"a/b": {"people" : [ 1.0 ]}}}"#
    );
    assert_eq!(select("/in/a~1b"), r#"{"people" : [ 1.0 ]}"#);
    assert_eq!(select("/note"), "1");
}

#[test]
fn a_body_that_has_it_nowhere_or_twice_is_refused() {
    let select = |body: &[u8]| pointer("/evidence").select(body).unwrap_err().code;
    assert_eq!(select(b""), Code::EvidenceMissing);
    assert_eq!(select(b" \n"), Code::EvidenceMissing);
    assert_eq!(select(b"{}"), Code::EvidenceMissing);
    for body in [
        &br#"{"evidence": {}, "evidence": {}}"#[..],
        br#"{"evidence": {}, "evid\u0065nce": {}}"#,
        br#"{"evidence": {}} {}"#,
        br#"{"evidence": {}"#,
        br#"["evidence"]"#,
        b"null",
        b"evidence=1",
        b"{\"evidence\": \"\xff\"}",
    ] {
        assert_eq!(
            select(body),
            Code::EvidenceRefused,
            "{}",
            body.escape_ascii()
        );
    }
}

#[test]
fn a_header_has_it_in_base64() {
    let header = json!({"header": {"name": "x-evidence", "believe_the_client": true}});
    let routes = routes(json!({"evidence": header}));
    let request = |value: &str| with(post("/api/deploys/x"), &[("x-evidence", value)]);
    // {"people":[]}
    let question = asked(&routes, &request("eyJwZW9wbGUiOltdfQ=="), &finn());
    assert!(
        matches!(question.evidence, EvidenceFrom::Here(json) if json.get() == r#"{"people":[]}"#)
    );
    for (value, code) in [
        ("", Code::EvidenceMissing),
        ("{}", Code::EvidenceRefused),
        ("eyJwZW9wbGUiOltd", Code::EvidenceRefused),
        ("eyJwZW9wbGUiOltdfQ==,e30=", Code::RequestRefused),
    ] {
        assert_eq!(
            denied(&routes, &request(value), &finn()).code,
            code,
            "{value}"
        );
    }
    assert_eq!(
        denied(&routes, &post("/api/deploys/x"), &finn()).code,
        Code::EvidenceMissing
    );
}

#[test]
fn no_value_leads_out_of_a_folder() {
    let directory = json!({"directory": {"path": "evidence", "file": "{query.name}"}});
    let routes = routes(json!({"evidence": directory}));
    let request = |name: &str| post(&format!("/api/deploys/x?name={name}"));
    let question = asked(&routes, &request("bank%20payments-7.json"), &finn());
    assert!(
        matches!(question.evidence, EvidenceFrom::File { name, .. } if name == "bank payments-7.json")
    );
    for name in [
        "..",
        ".",
        ".hidden",
        "../x",
        "%2e%2e%2fx",
        "a%2fb",
        "/etc/passwd",
        "a%5cb",
        "..%5cx",
        "c:x",
        "a%00",
    ] {
        let denial = denied(&routes, &request(name), &finn());
        assert_eq!(denial.code, Code::ValueRefused, "{name}: {denial}");
    }
    let long = "x".repeat(201);
    assert_eq!(
        denied(&routes, &request(&long), &finn()).code,
        Code::ValueRefused
    );
}

#[test]
fn no_value_leads_to_another_host_or_place() {
    let url = "http://evidence.internal:8000/deployments/{query.name}?team={jwt./team}";
    let routes = routes(
        json!({"evidence": {"url": url}, "principal": {"type": "Account", "id": "{jwt./login}"}}),
    );
    let identity = claims(json!({"login": "finn", "team": "a&b=c#d"}));
    let request = |name: &str| post(&format!("/api/deploys/x?name={name}"));
    let url = |name: &str| match asked(&routes, &request(name), &identity).evidence {
        EvidenceFrom::Url(url) => url,
        other => panic!("{other:?}"),
    };
    let base = "http://evidence.internal:8000/deployments";
    assert_eq!(
        url("payments-7"),
        format!("{base}/payments-7?team=a%26b%3Dc%23d")
    );
    assert_eq!(
        url("@evil.example"),
        format!("{base}/%40evil.example?team=a%26b%3Dc%23d")
    );
    assert_eq!(
        url("a%2Fb%3Fc%25d"),
        format!("{base}/a%2Fb%3Fc%25d?team=a%26b%3Dc%23d")
    );
    assert_eq!(url("%c3%bc"), format!("{base}/%C3%BC?team=a%26b%3Dc%23d"));
    for name in [".", "..", "..%2Fx", "a%2F..%2Fb", "a%5C..", "%0d%0ax"] {
        let denial = denied(&routes, &request(name), &identity);
        assert_eq!(denial.code, Code::ValueRefused, "{name}: {denial}");
    }
}

#[test]
fn a_route_may_say_that_there_is_none() {
    let keys =
        json!({"evidence": "none", "principal": {"type": "Machine", "id": "ci"}, "shadow": true});
    let question = asked(&routes(keys), &post("/api/deploys/x"), &Identity::none());
    assert!(matches!(question.evidence, EvidenceFrom::Nothing));
    assert!(question.shadow);
}
