//! Routes that cannot be used: all of it is said at once, with number, name and key.

use serde_json::{Value, json};
use sod_route::{Route, Routes};

use crate::world::*;

fn errors(routes: Vec<Route>) -> Vec<String> {
    let errors = Routes::new(routes).unwrap_err();
    errors
        .iter()
        .for_each(|error| assert!(!error.help.is_empty(), "{error}"));
    errors.iter().map(ToString::to_string).collect()
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let first = json!({"methods": [], "path": "api", "principal": null, "evidence": null});
    let second =
        json!({"name": "rollback", "methods": ["post"], "resource": {"type": "A-B", "id": "{x}"}});
    assert_eq!(
        errors(vec![route(first), route(second)]),
        [
            "route 1, `methods`: there is none",
            "route 1, `path`: `api` does not begin with `/`",
            "route 1, `principal`: it is missing",
            "route 1, `evidence`: it is missing",
            "route 2 (`rollback`), `methods`: `post` is no method",
            "route 2 (`rollback`), `resource.type`: `A-B` is no type of entity",
            "route 2 (`rollback`), `resource.id`: the path has no parameter `x`",
        ]
    );
}

/// Each with the beginning of what is said of it.
#[test]
fn each_key_is_checked() {
    let id = |id: &str| json!({"type": "Account", "id": id});
    let file = |file: &str| json!({"directory": {"path": "evidence", "file": file}});
    let cases: Vec<(Value, &str)> = vec![
        (
            json!({"methods": ["PO ST"]}),
            "`methods`: `PO ST` is no method",
        ),
        (json!({"path": "/a//b"}), "`path`: `/a//b` has an empty"),
        (json!({"path": "/a/../b"}), "`path`: `/a/../b` has an empty"),
        (json!({"path": "/a%2fb"}), "`path`: `a%2fb` has a character"),
        (
            json!({"path": "/{a}-b"}),
            "`path`: `{a}-b` ends in no parameter",
        ),
        (
            json!({"path": "/{a}/{a}"}),
            "`path`: `{a}` ends in no parameter of its own",
        ),
        (
            json!({"path": "/{*deployment}/b"}),
            "`path`: `/{*deployment}/b`: Catch-all",
        ),
        (
            json!({"hosts": ["*.bank.example"]}),
            "`hosts`: `*.bank.example` is no host",
        ),
        (
            json!({"hosts": ["Bank.example"]}),
            "`hosts`: `Bank.example` is no host",
        ),
        (
            json!({"hosts": ["bank.example:80"]}),
            "`hosts`: `bank.example:80` is no host",
        ),
        (
            json!({"headers": {"X-Team": "a"}}),
            "`headers`: `X-Team` is no header",
        ),
        (
            json!({"remove_headers": ["x_team"]}),
            "`remove_headers`: `x_team` is no header",
        ),
        (
            json!({"add_headers": {":path": "/"}}),
            "`add_headers`: `:path` is no header",
        ),
        (
            json!({"add_headers": {"host": "x"}}),
            "`add_headers.host`: it would change",
        ),
        (
            json!({"add_headers": {"x-a": "{b}"}}),
            "`add_headers.x-a`: the path has no parameter `b`",
        ),
        (json!({"principal": id("")}), "`principal.id`: it is empty"),
        (
            json!({"principal": id("{jwt.login}")}),
            "`principal.id`: `login` is no JSON pointer",
        ),
        (
            json!({"principal": id("{jwt./login")}),
            "`principal.id`: a `{` is not closed",
        ),
        (
            json!({"principal": id("a}b")}),
            "`principal.id`: a `}` closes nothing",
        ),
        (
            json!({"principal": id("{mtls.name}")}),
            "`principal.id`: `{mtls.name}` is no part",
        ),
        (
            json!({"principal": id("{cookie.user}")}),
            "`principal.id`: `{cookie.user}` is no part",
        ),
        (
            json!({"principal": id("{jwt./a}{jwt./b}")}),
            "`principal.id`: two parts",
        ),
        (
            json!({"principal": id("{deployment}")}),
            "`principal.id`: the path's `deployment` is what the client says",
        ),
        (
            json!({"principal": id("{query.user}")}),
            "`principal.id`: the query parameter `user` is what the client",
        ),
        (
            json!({"principal": id("{header.x-user}")}),
            "`principal.id`: the header `x-user` is what the client says",
        ),
        (
            json!({"evidence": {"body": {}}}),
            "`evidence.body.believe_the_client`: who asks would bring",
        ),
        (
            json!({"evidence": {"header": {"name": "x-e"}}}),
            "`evidence.header.believe_the_client`: who asks",
        ),
        (
            json!({"evidence": file("../x.json")}),
            "`evidence.directory.file`: `../x.json` is no plain",
        ),
        (
            json!({"evidence": file("a/{deployment}")}),
            "`evidence.directory.file`: `a/{deployment}` is no plain",
        ),
        (
            json!({"evidence": file(".{deployment}")}),
            "`evidence.directory.file`: `.{deployment}` is no plain",
        ),
        (
            json!({"evidence": {"url": "file:///etc/{deployment}"}}),
            "`evidence.url`: `file:///etc",
        ),
        (
            json!({"evidence": {"url": "http://{deployment}/x"}}),
            "`evidence.url`: `http://{deployment}/x` has no",
        ),
        (
            json!({"evidence": {"url": "http://a@b/{deployment}"}}),
            "`evidence.url`: `http://a@b",
        ),
        (
            json!({"evidence": {"url": "http://a{deployment}/"}}),
            "`evidence.url`: `http://a{deployment}/`",
        ),
        (
            json!({"evidence": {"url": "http://a/x#{deployment}"}}),
            "`evidence.url`: `http://a/x#",
        ),
    ];
    for (keys, said) in cases {
        let errors = errors(vec![route(keys.clone())]);
        assert_eq!(errors.len(), 1, "{keys}: {errors:#?}");
        assert!(
            errors[0].starts_with(&format!("route 1, {said}")),
            "{keys}: {errors:#?}"
        );
    }
}

#[test]
fn a_route_that_lets_pass_says_nothing_for_a_pack() {
    assert_eq!(
        errors(vec![route(json!({"decision": "pass", "name": "open"}))]),
        ["principal", "action", "resource", "evidence"].map(|key| format!(
            "route 1 (`open`), `{key}`: no pack is asked where `decision` is `pass`"
        ))
    );
}

#[test]
fn routes_do_not_stand_in_each_others_way() {
    let name = json!({"name": "a"});
    let narrow = json!({"name": "a", "hosts": ["bank.example"], "headers": {"x-team": "a"}});
    assert_eq!(
        errors(vec![route(name.clone()), route(narrow)]),
        [
            "route 2 (`a`), `name`: `a` is there twice",
            "route 2 (`a`), `path`: no request comes to it: route 1 takes them all",
        ]
    );
    let other = json!({"path": "/api/deploys/{id}", "resource": {"type": "A", "id": "{id}"}, "evidence": "none"});
    assert_eq!(
        errors(vec![route(name), route(other)]),
        [
            "route 2, `path`: `/api/deploys/{id}` and `/api/deploys/{deployment}` are for the same paths"
        ]
    );
}

#[test]
fn an_unknown_key_is_an_error_that_names_it() {
    for (text, named) in [
        (r#"{"path": "/", "metods": ["GET"]}"#, "metods"),
        (r#"{"principal": {"type": "A", "id": "b", "of": 1}}"#, "of"),
        (r#"{"evidence": {"file": "x"}}"#, "file"),
        (
            r#"{"evidence": {"body": {"believe_client": true}}}"#,
            "believe_client",
        ),
        (r#"{"decision": "allow"}"#, "allow"),
        (r#"{"action": 1}"#, "an action"),
    ] {
        let error = serde_json::from_str::<Route>(text).unwrap_err().to_string();
        assert!(error.contains(named), "{text}: {error}");
    }
}
