//! Routes and requests of tests.

use serde_json::{Value, json};
use sod_route::{
    Certificate, Denial, HttpRequest, Identity, Meaning, NoClaims, Question, Route, Routes,
};

/// A route that asks about a deployment, with these keys on top; a key that is `null` is left out.
pub(crate) fn route(keys: Value) -> Route {
    let mut route = json!({
        "methods": ["POST"],
        "path": "/api/deploys/{deployment}",
        "principal": {"type": "Account", "id": "github:{jwt./login}"},
        "action": "deploy",
        "resource": {"type": "Deployment", "id": "{deployment}"},
        "evidence": {"directory": {"path": "evidence", "file": "{deployment}.json"}},
    });
    for (key, value) in keys.as_object().unwrap() {
        if value.is_null() {
            route.as_object_mut().unwrap().remove(key);
        } else {
            route[key] = value.clone();
        }
    }
    serde_json::from_value(route).unwrap()
}

/// A route that lets pass.
pub(crate) fn pass(name: &str, path: &str) -> Route {
    let route = json!({"name": name, "methods": ["GET", "POST"], "path": path, "decision": "pass"});
    serde_json::from_value(route).unwrap()
}

pub(crate) fn routes(keys: Value) -> Routes {
    Routes::new(vec![route(keys)]).unwrap()
}

pub(crate) fn post(target: &str) -> HttpRequest {
    HttpRequest {
        method: "POST".to_owned(),
        target: target.to_owned(),
        host: Some("deploy.bank.example".to_owned()),
        headers: Vec::new(),
    }
}

/// With these headers on top.
pub(crate) fn with(request: HttpRequest, headers: &[(&str, &str)]) -> HttpRequest {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    HttpRequest {
        headers: headers.iter().map(own).collect(),
        ..request
    }
}

pub(crate) fn finn() -> Identity {
    claims(json!({"login": "finn-berg"}))
}

pub(crate) fn claims(claims: Value) -> Identity {
    Identity {
        claims: Ok(claims),
        certificate: Certificate::default(),
    }
}

pub(crate) fn certificate(certificate: Certificate) -> Identity {
    Identity {
        claims: Err(NoClaims::Absent),
        certificate,
    }
}

/// What is asked; fails if the request is denied or passes.
#[track_caller]
pub(crate) fn asked(routes: &Routes, request: &HttpRequest, identity: &Identity) -> Question {
    match routes.ask(request, identity) {
        Ok(Meaning::Ask(question)) => *question,
        other => panic!("{request:?}: {other:?}"),
    }
}

/// Why it is denied; fails if it is not.
#[track_caller]
pub(crate) fn denied(routes: &Routes, request: &HttpRequest, identity: &Identity) -> Denial {
    match routes.ask(request, identity) {
        Err(denial) => denial,
        Ok(meaning) => panic!("{request:?}: {meaning:?}"),
    }
}
