//! Envoy's messages as they are, made by hand.

use std::collections::HashMap;

use envoy_types::ext_authz::v3::pb::{CheckRequest, CheckResponse, HttpResponse};
use envoy_types::pb::envoy::config::core::v3::{HeaderMap, HeaderValue};
use envoy_types::pb::envoy::service::auth::v3::AttributeContext;
use envoy_types::pb::envoy::service::auth::v3::attribute_context::{HttpRequest, Peer, Request};
use envoy_types::pb::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use envoy_types::pb::google::protobuf::value::Kind;
use tonic::Code;

use super::world::*;

fn routes() -> String {
    format!(
        r#"
        [[route]]
        name = "deploy"
        pack = "allows"
        evidence.body = {{ pointer = "/evidence", believe_the_client = true }}
        add_headers = {{ x-deployer = "{{header.x-forwarded-user}}" }}
        remove_headers = ["x-team"]
        {ROUTE}
        [[route]]
        name = "denied"
        pack = "denies"
        evidence.directory = {{ path = "evidence", file = "good.json" }}
        {}
        [[route]]
        name = "machine"
        pack = "bare"
        methods = ["POST"]
        path = "/machine"
        principal = {{ type = "Machine", id = "{{mtls.spiffe}}" }}
        action = "deploy"
        resource = {{ type = "Deployment", id = "x" }}
        evidence = "none"
        "#,
        ROUTE.replace("/api/deploys", "/denied"),
    )
}

fn http(path: &str) -> HttpRequest {
    let headers = [("x-forwarded-user", "finn-berg"), (":path", "/elsewhere")];
    HttpRequest {
        method: "POST".to_owned(),
        path: path.to_owned(),
        host: "deploy.bank.example".to_owned(),
        headers: headers
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        body: format!(r#"{{"evidence": {EVIDENCE}}}"#),
        ..HttpRequest::default()
    }
}

fn check(http: HttpRequest) -> CheckRequest {
    CheckRequest {
        attributes: Some(AttributeContext {
            request: Some(Request {
                http: Some(http),
                ..Request::default()
            }),
            ..AttributeContext::default()
        }),
    }
}

async fn ask(world: &World, request: CheckRequest) -> CheckResponse {
    let mut client = AuthorizationClient::new(world.gate.ext_authz());
    client.check(request).await.unwrap().into_inner()
}

fn code(response: &CheckResponse) -> Code {
    Code::from_i32(response.status.as_ref().unwrap().code)
}

fn text(response: &CheckResponse, name: &str) -> String {
    let metadata = response.dynamic_metadata.as_ref().unwrap();
    match metadata.fields[name].kind.as_ref().unwrap() {
        Kind::StringValue(text) => text.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_allow_sets_and_removes_headers_and_leaves_metadata() {
    let world = world(&routes()).await;
    let mut request = http("/api/deploys/x?dry=1");
    request
        .headers
        .insert("x_team".to_owned(), "root".to_owned());
    let response = ask(&world, check(request)).await;
    assert_eq!(code(&response), Code::Ok);
    let Some(HttpResponse::OkResponse(ok)) = &response.http_response else {
        panic!("{response:?}")
    };
    let set: HashMap<_, _> = ok
        .headers
        .iter()
        .map(|option| option.header.as_ref().unwrap())
        .map(|header| (header.key.as_str(), header.value.as_str()))
        .collect();
    assert_eq!(set["x-deployer"], "finn-berg");
    assert_eq!(set["sod-effect"], "allow");
    assert_eq!(set["sod-decision-id"], text(&response, "decision_id"));
    // Envoy removes after it has set: nothing may be in both.
    assert!(
        ok.headers_to_remove
            .iter()
            .all(|name| !set.contains_key(name.as_str()))
    );
    for name in ["x-team", "x_team", "sod-shadow"] {
        assert!(ok.headers_to_remove.contains(&name.to_owned()), "{name}");
    }
    assert_eq!(text(&response, "route"), "deploy");
    assert_eq!(text(&response, "effect"), "allow");
    assert!(text(&response, "pack_digest").starts_with("sha256:"));
    assert!(world.log().contains(&text(&response, "decision_id")));
}

#[tokio::test]
async fn a_denial_has_a_body_headers_and_metadata() {
    let world = world(&routes()).await;
    let response = ask(&world, check(http("/denied/x"))).await;
    assert_eq!(code(&response), Code::PermissionDenied);
    let Some(HttpResponse::DeniedResponse(denied)) = &response.http_response else {
        panic!("{response:?}")
    };
    assert_eq!(denied.status.as_ref().unwrap().code, 403);
    let body: serde_json::Value = serde_json::from_str(&denied.body).unwrap();
    assert_eq!(body["reasons"][0]["policy"], "b-forbid");
    assert_eq!(body["decision_id"], text(&response, "decision_id"));
    assert_eq!(text(&response, "effect"), "deny");
}

#[tokio::test]
async fn a_message_that_lacks_something_is_denied() {
    let world = world(&routes()).await;
    let good = http("/api/deploys/x");
    let no_http = CheckRequest {
        attributes: Some(AttributeContext {
            request: Some(Request::default()),
            ..AttributeContext::default()
        }),
    };
    let no_request = CheckRequest {
        attributes: Some(AttributeContext::default()),
    };
    for request in [
        CheckRequest::default(),
        no_request,
        no_http,
        check(HttpRequest {
            method: String::new(),
            ..good.clone()
        }),
        check(HttpRequest {
            path: String::new(),
            ..good.clone()
        }),
        check(HttpRequest {
            path: "api/deploys/x".to_owned(),
            ..good.clone()
        }),
        check(HttpRequest {
            path: "/api/deploys/%2e%2e".to_owned(),
            ..good.clone()
        }),
    ] {
        let response = ask(&world, request.clone()).await;
        assert_eq!(code(&response), Code::InvalidArgument, "{request:?}");
        assert!(matches!(
            response.http_response,
            Some(HttpResponse::DeniedResponse(_))
        ));
    }
}

#[tokio::test]
async fn a_body_that_is_cut_or_no_evidence_is_denied() {
    let world = world(&routes()).await;
    let good = http("/api/deploys/x");
    let mut partial = good.clone();
    partial
        .headers
        .insert("x-envoy-auth-partial-body".to_owned(), "true".to_owned());
    let body = |body: &str| HttpRequest {
        body: body.to_owned(),
        ..good.clone()
    };
    let twice = format!(r#"{{"evidence": {EVIDENCE}, "evidence": {EVIDENCE}}}"#);
    for (request, reason) in [
        (partial, "evidence-refused"),
        (body(""), "evidence-missing"),
        (body("{}"), "evidence-missing"),
        (body("{\"evidence\": "), "evidence-refused"),
        (body(&twice), "evidence-refused"),
    ] {
        let response = ask(&world, check(request)).await;
        assert_eq!(code(&response), Code::PermissionDenied);
        assert_eq!(response.status.unwrap().message, reason);
    }
    // Other evidence than the pack's stub knows: its answer is not credible, and so no permission.
    let response = ask(&world, check(body(r#"{"evidence": {}}"#))).await;
    assert_eq!(code(&response), Code::PermissionDenied);
    // As bytes it is the same.
    let raw = HttpRequest {
        raw_body: good.body.clone().into_bytes(),
        body: String::new(),
        ..good
    };
    assert_eq!(code(&ask(&world, check(raw)).await), Code::Ok);
}

#[tokio::test]
async fn raw_headers_count_as_others_do() {
    let world = world(&routes()).await;
    let header = |key: &str, value: &str| HeaderValue {
        key: key.to_owned(),
        raw_value: value.as_bytes().to_vec(),
        ..HeaderValue::default()
    };
    let request = |headers: Vec<HeaderValue>| {
        check(HttpRequest {
            headers: HashMap::new(),
            header_map: Some(HeaderMap { headers }),
            ..http("/api/deploys/x")
        })
    };
    let finn = header("x-forwarded-user", "finn-berg");
    assert_eq!(
        code(&ask(&world, request(vec![finn.clone()])).await),
        Code::Ok
    );
    let twice = request(vec![finn, header("x-forwarded-user", "ines-costa")]);
    assert_eq!(code(&ask(&world, twice).await), Code::InvalidArgument);
    assert_eq!(
        code(&ask(&world, request(Vec::new())).await),
        Code::PermissionDenied
    );
}

#[tokio::test]
async fn a_certificate_is_what_envoy_says_and_no_header() {
    let world = world(&routes()).await;
    let peer = |principal: &str| {
        let mut request = check(http("/machine"));
        request.attributes.as_mut().unwrap().source = Some(Peer {
            principal: principal.to_owned(),
            ..Peer::default()
        });
        request
    };
    assert_eq!(
        code(&ask(&world, peer("spiffe://bank.example/ci")).await),
        Code::Ok
    );
    for other in [
        "",
        "ci.bank.example",
        "CN=ci,O=bank",
        "https://bank.example",
    ] {
        assert_eq!(
            code(&ask(&world, peer(other)).await),
            Code::Unauthenticated,
            "{other}"
        );
    }
    let mut forged = http("/machine");
    let header = "x-forwarded-client-cert".to_owned();
    forged
        .headers
        .insert(header, "URI=spiffe://bank.example/ci".to_owned());
    assert_eq!(
        code(&ask(&world, check(forged)).await),
        Code::Unauthenticated
    );
}

#[tokio::test]
async fn a_forwarded_certificate_counts_only_if_the_operator_says_so() {
    let believed = "[identity]\nx_forwarded_client_cert_is_set_by_a_trusted_proxy = true\n";
    let world = world(&format!("{believed}{}", routes())).await;
    let ask = async |value: &str| {
        let mut request = http("/machine");
        request
            .headers
            .insert("x-forwarded-client-cert".to_owned(), value.to_owned());
        code(&ask(&world, check(request)).await)
    };
    let good = "By=spiffe://bank.example/envoy;Hash=ab;Subject=\"CN=ci,O=a;b\";URI=spiffe://bank.example/ci;DNS=ci";
    assert_eq!(ask(good).await, Code::Ok);
    for wrong in [
        "",
        "URI=",
        "By=spiffe://bank.example/ci",
        "Subject=\"URI=spiffe://bank.example/ci\"",
        "Subject=\";URI=spiffe://bank.example/ci",
        "URI=spiffe://bank.example/ci,URI=spiffe://bank.example/root",
        "URI=spiffe://bank.example/ci;URI=spiffe://bank.example/root",
        "URI",
    ] {
        assert_eq!(ask(wrong).await, Code::Unauthenticated, "{wrong}");
    }
}
