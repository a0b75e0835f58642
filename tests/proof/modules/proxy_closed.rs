//! A plugin lets nothing through that its pack does not allow, whatever it meets.

use serde_json::{Value, json};
use wasmtime::OptLevel;

use super::host::{Outcome, Plugin, Response, Sent};
use super::proxy::post;
use super::proxy_life::{by, configuration, deployment, module, start, with};

const DEPLOY: &str = "/api/deploys/payments-7-production";

fn answered(outcome: Outcome) -> (Response, Value) {
    let Outcome::Answered(response) = outcome else {
        panic!("{outcome:?}")
    };
    let body: Value = serde_json::from_str(&response.body).unwrap();
    assert_eq!(body["effect"], "deny");
    let has = |name: &str, value: &str| {
        let header = (name.to_owned(), value.to_owned());
        assert!(response.headers.contains(&header), "{response:?}");
    };
    has("content-type", "application/json");
    has("sod-effect", "deny");
    (response, body)
}

/// Status, and code of the first reason.
fn refused(outcome: Outcome) -> (u32, String) {
    let (response, body) = answered(outcome);
    let code = body["reasons"][0]["code"].as_str().unwrap();
    (response.status, code.to_owned())
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Vec<&'a str> {
    let found = headers.iter().filter(|(other, _)| other == name);
    found.map(|(_, value)| value.as_str()).collect()
}

#[test]
fn what_is_wrong_with_a_request_is_denied_with_its_reason() {
    let (wasm, module) = module(OptLevel::None);
    let mut plugin = start(&wasm, &module, &configuration());
    let signed = deployment(true);
    let finn = |sent| by("finn-berg", sent);
    let mut trailing = finn(post(DEPLOY, &signed));
    trailing.trailers = true;
    assert!(matches!(plugin.send(&trailing), Outcome::Upstream(_)));

    let large = [&signed[..], &vec![b' '; 2 << 20]].concat();
    let mut people = signed.clone();
    people.splice(1..1, *b"\"people\": [], ");
    let get = |path: &str| {
        let mut sent = post(path, b"");
        sent.headers[0].1 = "GET".to_owned();
        sent
    };
    let mut nameless = finn(post(DEPLOY, &signed));
    nameless.headers.remove(0);
    let cases: [(&str, Sent, (u32, &str)); 14] = [
        (
            "no body",
            finn(post(DEPLOY, b"")),
            (403, "evidence-missing"),
        ),
        ("blank", finn(post(DEPLOY, b" ")), (403, "evidence-missing")),
        (
            "half",
            finn(post(DEPLOY, &signed[..900])),
            (403, "evidence-refused"),
        ),
        (
            "not text",
            finn(post(DEPLOY, b"\xff")),
            (403, "evidence-refused"),
        ),
        (
            "another kind",
            finn(post(DEPLOY, b"[]")),
            (403, "evidence-refused"),
        ),
        (
            "its own people",
            finn(post(DEPLOY, &people)),
            (403, "evidence-refused"),
        ),
        (
            "too large",
            finn(post(DEPLOY, &large)),
            (413, "body-too-large"),
        ),
        (
            "another path",
            finn(post("/api/other", &signed)),
            (403, "no-route"),
        ),
        ("another method", finn(get(DEPLOY)), (403, "no-route")),
        (
            "climbing",
            finn(post("/healthz/../api", &signed)),
            (403, "request-refused"),
        ),
        (
            "overridden",
            with(
                &[("x-http-method-override", "GET")],
                finn(post(DEPLOY, &signed)),
            ),
            (403, "request-refused"),
        ),
        (
            "two logins",
            by("bob-okafor", finn(post(DEPLOY, &signed))),
            (403, "value-refused"),
        ),
        ("no method", nameless, (403, "unavailable")),
        (
            "nobody",
            by("mallory", post(DEPLOY, &signed)),
            (403, "unknown-principal"),
        ),
    ];
    for (name, sent, expected) in cases {
        let (status, code) = refused(plugin.send(&sent));
        // Who asks twice or not at all is worded by the routes, which have tests of their own.
        if name != "two logins" {
            assert_eq!((status, code.as_str()), expected, "{name}");
        }
    }
    plugin.store.data_mut().now_nanoseconds = 0;
    let (status, code) = refused(plugin.send(&finn(post(DEPLOY, &signed))));
    assert_eq!((status, code.as_str()), (403, "unavailable"));
}

#[test]
fn a_request_that_goes_on_carries_what_the_route_says_and_nothing_forged() {
    let (wasm, module) = module(OptLevel::None);
    let mut plugin = start(&wasm, &module, &configuration());
    let id = b"d8c1a1c2".to_vec();
    let key = ["request", "id"].map(str::to_owned).to_vec();
    plugin.store.data_mut().properties.insert(key, id);
    let forged = [
        ("x-deployer", "hugo-meyer"),
        ("sod-effect", "deny"),
        ("sod-decision-id", "1"),
        ("sod_effect", "allow"),
    ];
    let sent = with(&forged, by("finn-berg", post(DEPLOY, &deployment(true))));
    let Outcome::Upstream(headers) = plugin.send(&sent) else {
        panic!("denied")
    };
    assert_eq!(header(&headers, "x-deployer"), ["finn-berg"]);
    assert_eq!(header(&headers, "sod-effect"), ["allow"]);
    assert_eq!(header(&headers, "sod-decision-id"), ["d8c1a1c2"]);
    assert_eq!(header(&headers, "sod_effect"), [""; 0]);

    // A route that asks nobody takes them out as well.
    let mut probe = with(&forged, post("/healthz", b""));
    probe.headers[0].1 = "GET".to_owned();
    let Outcome::Upstream(headers) = plugin.send(&probe) else {
        panic!("denied")
    };
    for (name, _) in forged {
        assert_eq!(header(&headers, name), [""; 0], "{name}");
    }
}

#[test]
fn what_a_pack_decides_is_told_to_client_and_log() {
    let (wasm, module) = module(OptLevel::None);
    let mut plugin = start(&wasm, &module, &configuration());
    let (response, body) =
        answered(plugin.send(&by("bob-okafor", post(DEPLOY, &deployment(true)))));
    assert_eq!(response.status, 403);
    assert_eq!(body["route"], "deploy");
    assert_eq!(body["pack"]["name"], "protected-deploy");
    assert_eq!(
        body["principal"],
        json!({"type": "Account", "id": "github:bob-okafor"})
    );
    assert_eq!(body["reasons"][0]["policy"], "contributors-never-deploy");
    let recorded = &plugin.store.data().properties[&vec!["sod".to_owned()]];
    let recorded: Value = serde_json::from_slice(recorded).unwrap();
    assert_eq!(recorded["effect"], "deny");
    assert_eq!(
        recorded["reasons"][0]["policy"],
        "contributors-never-deploy"
    );
    assert_eq!(recorded["resource"]["id"], "payments-7-production");
}

#[test]
fn a_configuration_that_is_wrong_does_not_start_and_lets_nothing_through() {
    let (wasm, module) = module(OptLevel::None);
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut configuration = configuration();
        change(&mut configuration);
        configuration.to_string()
    };
    let route = |key: &'static str, value: Value| {
        changed(&move |c: &mut Value| c["routes"][0][key] = value.clone())
    };
    let cases = [
        (String::new(), "there is none"),
        ("{".to_owned(), "EOF"),
        ("[]".to_owned(), "expected struct"),
        ("{}".to_owned(), "routes"),
        (json!({"routes": []}).to_string(), "`routes`: there is none"),
        (changed(&|c| c["fail_open"] = json!(true)), "fail_open"),
        (changed(&|c| c["evidence"] = json!([])), "`evidence`"),
        (route("methods", json!([])), "methods"),
        (
            route("evidence", json!({"url": "http://evidence/"})),
            "fetches nothing",
        ),
        (
            route("evidence", json!({"directory": {"path": "e", "file": "f"}})),
            "reads no files",
        ),
        (route("evidence", json!({"body": {}})), "believe_the_client"),
        (
            route("headers_set_by_a_trusted_proxy", json!([])),
            "principal.id",
        ),
        (route("pack", json!("another")), "`another`"),
        (
            route(
                "principal",
                json!({"type": "Account", "id": "{jwt./login}"}),
            ),
            "jwt_payload_in_metadata",
        ),
        (
            route(
                "principal",
                json!({"type": "Account", "id": "{mtls.spiffe}"}),
            ),
            "believe_client_certificates",
        ),
        (
            route(
                "principal",
                json!({"type": "Account", "id": "{mtls.common-name}"}),
            ),
            "{mtls.common-name}",
        ),
    ];
    let sent = by("finn-berg", post(DEPLOY, &deployment(true)));
    for (configuration, problem) in cases {
        let mut plugin = Plugin::start(&wasm, &module);
        assert!(
            !plugin.configure(configuration.as_bytes()),
            "{configuration}"
        );
        let logged = plugin.store.data().logged.join("\n");
        assert!(logged.contains(problem), "{problem}: {logged}");
        // A proxy that goes on all the same gets nothing allowed.
        let (status, code) = refused(plugin.send(&sent));
        assert_eq!((status, code.as_str()), (403, "unavailable"));
    }
    // Nor one that never configures it, or that takes a right one back.
    let mut plugin = Plugin::start(&wasm, &module);
    assert_eq!(refused(plugin.send(&sent)).1, "unavailable");
    let mut plugin = start(&wasm, &module, &super::proxy_life::configuration());
    assert!(!plugin.configure(b"{}"));
    assert_eq!(refused(plugin.send(&sent)).1, "unavailable");
}

#[test]
fn an_identity_is_what_the_proxy_has_verified() {
    let (wasm, module) = module(OptLevel::None);
    let mut configuration = configuration();
    configuration["routes"][0]["principal"]["id"] = json!("github:{jwt./login}");
    configuration["routes"][0]["add_headers"] = json!({});
    configuration["jwt_payload_in_metadata"] = json!("payload");
    let mut plugin = start(&wasm, &module, &configuration);
    let sent = by("finn-berg", post(DEPLOY, &deployment(true)));
    let claim = [
        "metadata",
        "filter_metadata",
        "envoy.filters.http.jwt_authn",
        "payload",
        "login",
    ];
    let claim = claim.map(str::to_owned).to_vec();
    let mut claiming = |value: Option<&[u8]>| {
        let properties = &mut plugin.store.data_mut().properties;
        properties.remove(&claim);
        if let Some(value) = value {
            properties.insert(claim.clone(), value.to_vec());
        }
        plugin.send(&sent)
    };
    assert_eq!(
        refused(claiming(None)),
        (401, "identity-missing".to_owned())
    );
    assert_eq!(refused(claiming(Some(b""))).0, 401);
    // A number, as a proxy hands it out.
    assert_eq!(refused(claiming(Some(&7f64.to_le_bytes()))).0, 401);
    assert_eq!(
        refused(claiming(Some(b"bob-okafor"))),
        (403, "forbid".to_owned())
    );
    let outcome = claiming(Some(b"finn-berg"));
    assert!(matches!(outcome, Outcome::Upstream(_)), "{outcome:?}");

    configuration["routes"][0]["principal"]["id"] = json!("{mtls.spiffe}");
    configuration["believe_client_certificates"] = json!(true);
    let account = json!({"account": "spiffe://bank.example/finn", "person": "finn"});
    let accounts = configuration["evidence"]["accounts"].as_array_mut();
    accounts.unwrap().push(account);
    let mut plugin = start(&wasm, &module, &configuration);
    let mut set = |key: [&str; 2], value: &[u8]| {
        let key = key.map(str::to_owned).to_vec();
        plugin
            .store
            .data_mut()
            .properties
            .insert(key, value.to_vec());
        plugin.send(&sent)
    };
    let name = b"spiffe://bank.example/finn";
    // The name alone says nothing about who has the key.
    assert_eq!(
        refused(set(["connection", "uri_san_peer_certificate"], name)).0,
        401
    );
    assert_eq!(refused(set(["connection", "mtls"], &[0])).0, 401);
    let outcome = set(["connection", "mtls"], &[1]);
    assert!(matches!(outcome, Outcome::Upstream(_)), "{outcome:?}");
}
