//! A plugin as an engine: every request is a route of its own, and the answer the verdict.

use std::cell::RefCell;

use serde_json::{Map, Value, json};
use sod_host::{EntityUid, Request};
use wasmtime::{Engine as Wasm, Module};

use super::host::{Outcome, Plugin, Sent};
use crate::engines::Engine;

/// A plugin that is configured anew for each request, and used for all of them.
pub(crate) struct Proxy(RefCell<Plugin>);

impl Proxy {
    pub(crate) fn new(wasm: &Wasm, bytes: &[u8]) -> Self {
        let module = Module::new(wasm, bytes).unwrap();
        Proxy(RefCell::new(Plugin::start(wasm, &module)))
    }
}

/// A route that asks this request, with the evidence in the body.
pub(super) fn route(path: &str, request: &Request) -> Value {
    let entity = |uid: &EntityUid| {
        let id = uid.id.replace('{', "{{").replace('}', "}}");
        json!({"type": uid.type_name, "id": id})
    };
    let evidence = match request.evidence {
        Some(_) => json!({"body": {"believe_the_client": true}}),
        None => json!("none"),
    };
    json!({
        "methods": ["POST"],
        "path": path,
        "principal": entity(&request.principal),
        "action": entity(&request.action),
        "resource": entity(&request.resource),
        "evidence": evidence,
    })
}

/// A configuration under which `POST /decide` asks this request.
fn configuration(request: &Request) -> Value {
    let route = route("/decide", request);
    let mut configuration = Map::new();
    configuration.insert("routes".to_owned(), json!([route]));
    configuration.insert("respond_with_verdict".to_owned(), json!(true));
    configuration.insert("max_body_bytes".to_owned(), json!(64 << 20));
    for (key, json) in [
        ("entities", &request.entities),
        ("context", &request.context),
    ] {
        if let Some(json) = json {
            configuration.insert(key.to_owned(), serde_json::from_str(json.get()).unwrap());
        }
    }
    Value::Object(configuration)
}

/// `POST path`, with what every request of a proxy has.
pub(crate) fn post(path: &str, body: &[u8]) -> Sent {
    let headers = [
        (":method", "POST"),
        (":path", path),
        (":authority", "deploy.bank.example"),
        ("x-request-id", "d8c1a1c2-0000-4000-8000-000000000000"),
    ];
    Sent {
        headers: headers
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        // A body comes in pieces.
        body: body.chunks(16 << 10).map(<[u8]>::to_vec).collect(),
        trailers: false,
    }
}

impl Proxy {
    /// The verdict on what the operator has and what the request brings, or the message of a fault.
    pub(crate) fn ask(
        &self,
        request: &Request,
        own: Value,
        brought: &str,
    ) -> Result<String, String> {
        let mut plugin = self.0.borrow_mut();
        let mut configuration = configuration(request);
        if !own.is_null() {
            configuration["evidence"] = own;
        }
        let configuration = configuration.to_string();
        assert!(
            plugin.configure(configuration.as_bytes()),
            "{:?}",
            plugin.store.data().logged
        );
        // A proxy has a clock of its own. Requests without a time are of packs that never look at it.
        let now = request.now.unwrap_or(1_772_445_600_000);
        plugin.store.data_mut().now_nanoseconds = u64::try_from(now).unwrap() * 1_000_000;
        match plugin.send(&post("/decide", brought.as_bytes())) {
            Outcome::Answered(response) => verdict(response.status, response.body),
            other => panic!("{other:?}"),
        }
    }
}

impl Engine for Proxy {
    fn name(&self) -> &'static str {
        "proxy-wasm"
    }

    fn decide(&self, request: &[u8]) -> Result<String, String> {
        let request = Request::from_json(request).unwrap();
        let brought = request.evidence.as_ref().map_or("", |json| json.get());
        self.ask(&request, Value::Null, brought)
    }
}

fn verdict(status: u32, body: String) -> Result<String, String> {
    let value: Value = serde_json::from_str(&body).unwrap();
    if value.get("evidence_digest").is_none() {
        assert_eq!(status, 403, "{body}");
        let reason = &value["reasons"][0];
        return Err(reason["message"].as_str().unwrap().to_owned());
    }
    assert_eq!(status == 200, value["effect"] == "allow", "{body}");
    Ok(body)
}
