//! A plugin lives for as long as its proxy: one request after the other, and nothing passes between them.

use serde_json::{Value, json};
use sod_pack::Target;
use wasmtime::{Engine as Wasm, Module, OptLevel};

use super::host::{Outcome, Plugin, Sent};
use super::proxy::post;
use crate::engines::open;

pub(super) fn module(level: OptLevel) -> (Wasm, Module) {
    let pack = open(&sod_tests::root().join("policies/protected-deploy"));
    let wasm = super::engine(level);
    let module = Module::new(&wasm, super::compile(&pack, Target::ProxyWasm)).unwrap();
    (wasm, module)
}

/// The example of the pack: who is who, and the rest.
pub(super) fn evidence() -> (Value, Value) {
    let example = sod_tests::root().join("policies/protected-deploy/example.json");
    let example: Value = serde_json::from_slice(&std::fs::read(example).unwrap()).unwrap();
    let mut brought = example["evidence"].clone();
    let mut own = json!({});
    for key in ["people", "machines", "accounts"] {
        own[key] = brought.as_object_mut().unwrap().remove(key).unwrap();
    }
    (own, brought)
}

/// As an operator would have it: who deploys is told by the proxy in front.
pub(super) fn configuration() -> Value {
    json!({
        "routes": [
            {
                "name": "deploy",
                "methods": ["POST"],
                "path": "/api/deploys/{deployment}",
                "principal": {"type": "Account", "id": "github:{header.x-login}"},
                "action": "deploy",
                "resource": {"type": "Deployment", "id": "{deployment}"},
                "evidence": {"body": {"believe_the_client": true}},
                "headers_set_by_a_trusted_proxy": ["x-login"],
                "add_headers": {"x-deployer": "{header.x-login}"},
            },
            {"name": "probe", "methods": ["GET"], "path": "/healthz", "decision": "pass"},
        ],
        "evidence": evidence().0,
    })
}

pub(super) fn by(login: &str, sent: Sent) -> Sent {
    with(&[("x-login", login)], sent)
}

pub(super) fn with(headers: &[(&str, &str)], mut sent: Sent) -> Sent {
    let headers = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    sent.headers.extend(headers);
    sent
}

pub(super) fn start(wasm: &Wasm, module: &Module, configuration: &Value) -> Plugin {
    let mut plugin = Plugin::start(wasm, module);
    let configured = plugin.configure(configuration.to_string().as_bytes());
    assert!(configured, "{:?}", plugin.store.data().logged);
    plugin.store.data_mut().now_nanoseconds = 1_772_445_600_000_000_000;
    plugin
}

/// The example, signed by operations and security, or by nobody.
pub(super) fn deployment(signed: bool) -> Vec<u8> {
    let (_, mut brought) = evidence();
    let deployments = brought["deployments"].as_array_mut().unwrap();
    deployments.retain(|deployment| deployment["id"] == "payments-7-production");
    let items = if signed {
        let sign = |account: &str| {
            json!({
                "account": account, "state": "approved", "environment": "production",
                "artifact": deployments[0]["artifact"].clone(),
            })
        };
        json!([sign("github:gita-rao"), sign("github:hugo-meyer")])
    } else {
        json!([])
    };
    deployments[0]["approvals"] = json!({"complete": true, "items": items});
    serde_json::to_vec(&brought).unwrap()
}

const DEPLOY: &str = "/api/deploys/payments-7-production";

#[test]
fn memory_is_flat_over_20_000_requests_and_answers_stay_the_same() {
    let (wasm, module) = module(OptLevel::Speed);
    let mut plugin = start(&wasm, &module, &configuration());
    let (signed, unsigned) = (deployment(true), deployment(false));
    let sent = [
        by("finn-berg", post(DEPLOY, &signed)),
        by("bob-okafor", post(DEPLOY, &signed)),
        by("finn-berg", post(DEPLOY, &unsigned)),
        by("finn-berg", post(DEPLOY, b"{")),
        post(DEPLOY, &signed),
    ];
    let first: Vec<Outcome> = sent.iter().map(|sent| plugin.send(sent)).collect();
    assert!(matches!(first[0], Outcome::Upstream(_)), "{:?}", first[0]);
    for (outcome, code) in first[1..].iter().zip([
        "forbid",
        "quorum-unmet",
        "evidence-refused",
        "value-missing",
    ]) {
        let Outcome::Answered(response) = outcome else {
            panic!("{code}: {outcome:?}")
        };
        let body: Value = serde_json::from_str(&response.body).unwrap();
        assert_eq!(body["reasons"][0]["code"], code, "{body}");
    }
    let mut size = 0;
    for n in 0..4_000 {
        for (sent, first) in sent.iter().zip(&first) {
            assert_eq!(&plugin.send(sent), first, "round {n}");
        }
        if n == 100 {
            size = plugin.memory.data_size(&plugin.store);
        }
    }
    assert_eq!(plugin.memory.data_size(&plugin.store), size);
}
