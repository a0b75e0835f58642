//! Which route a request is for.

use serde_json::json;
use sod_route::{Code, HttpRequest, Identity, Meaning, Routes};

use crate::world::*;

fn route_of(routes: &Routes, request: &HttpRequest) -> Result<String, Code> {
    match routes.ask(request, &finn()) {
        Ok(Meaning::Ask(question)) => Ok(question.route),
        Ok(Meaning::Pass(pass)) => Ok(pass.route),
        Ok(_) => unreachable!(),
        Err(denial) => Err(denial.code),
    }
}

#[test]
fn a_request_becomes_a_question() {
    let question = asked(
        &routes(json!({})),
        &post("/api/deploys/payments-7?dry=1"),
        &finn(),
    );
    assert_eq!(question.route, "POST /api/deploys/{deployment}");
    assert_eq!(question.principal.type_name, "Account");
    assert_eq!(question.principal.id, "github:finn-berg");
    assert_eq!(question.action.type_name, "Action");
    assert_eq!(question.action.id, "deploy");
    assert_eq!(question.resource.id, "payments-7");
    assert!(!question.shadow);
}

#[test]
fn what_no_route_names_is_denied() {
    let routes = routes(json!({"hosts": ["deploy.bank.example"]}));
    let deploy = post("/api/deploys/payments-7");
    let others = [
        post("/"),
        post("/api"),
        post("/api/deploys"),
        post("/api/deploys/"),
        post("/api/deploys/payments-7/"),
        post("/api/deploys/payments-7/now"),
        post("/API/deploys/payments-7"),
        HttpRequest {
            method: "GET".to_owned(),
            ..deploy.clone()
        },
        HttpRequest {
            method: "post".to_owned(),
            ..deploy.clone()
        },
        HttpRequest {
            method: String::new(),
            ..deploy.clone()
        },
        HttpRequest {
            host: None,
            ..deploy.clone()
        },
        HttpRequest {
            host: Some("other.example".to_owned()),
            ..deploy.clone()
        },
        HttpRequest {
            host: Some("deploy.bank.example.evil".to_owned()),
            ..deploy.clone()
        },
    ];
    for request in others {
        assert_eq!(
            route_of(&routes, &request),
            Err(Code::NoRoute),
            "{request:?}"
        );
    }
    for host in [
        "deploy.bank.example",
        "Deploy.Bank.Example:8443",
        "deploy.bank.example.",
    ] {
        let request = HttpRequest {
            host: Some(host.to_owned()),
            ..deploy.clone()
        };
        assert!(route_of(&routes, &request).is_ok(), "{host}");
    }
    let none = Routes::new(Vec::new()).unwrap();
    assert_eq!(route_of(&none, &deploy), Err(Code::NoRoute));
}

#[test]
fn the_most_specific_path_wins_and_does_not_fall_back_to_a_wider_one() {
    let routes = Routes::new(vec![
        pass("all", "/{*rest}"),
        pass("health", "/api/deploys/health"),
        route(json!({"name": "deploy"})),
    ])
    .unwrap();
    let of = |target| route_of(&routes, &post(target));
    assert_eq!(of("/static/logo.png"), Ok("all".to_owned()));
    assert_eq!(of("/api/deploys/health"), Ok("health".to_owned()));
    assert_eq!(of("/api/deploys/payments-7"), Ok("deploy".to_owned()));
    // GET is none of its methods, and the route for everything is not asked instead.
    let get = HttpRequest {
        method: "GET".to_owned(),
        ..post("/api/deploys/payments-7")
    };
    assert_eq!(route_of(&routes, &get), Err(Code::NoRoute));
    // However it is written.
    assert_eq!(of("/%61pi/deplo%79s/payments-7"), Ok("deploy".to_owned()));
}

#[test]
fn of_routes_with_one_path_the_first_that_matches_wins() {
    let production = json!({"name": "production", "headers": {"x-environment": "production"}});
    let routes = Routes::new(vec![route(production), route(json!({"name": "other"}))]).unwrap();
    let deploy = post("/api/deploys/payments-7");
    let of = |headers: &[(&str, &str)]| route_of(&routes, &with(deploy.clone(), headers));
    assert_eq!(
        of(&[("X-Environment", "production")]),
        Ok("production".to_owned())
    );
    assert_eq!(of(&[]), Ok("other".to_owned()));
    assert_eq!(
        of(&[("x-environment", "Production")]),
        Ok("other".to_owned())
    );
    // Which of the two another program would believe, nobody knows.
    let twice = [("x-environment", "test"), ("x-environment", "production")];
    assert_eq!(of(&twice), Err(Code::RequestRefused));
    assert_eq!(
        of(&[("x_environment", "production")]),
        Err(Code::RequestRefused)
    );
}

#[test]
fn a_route_may_let_pass_and_is_listed() {
    let routes = Routes::new(vec![
        pass("health", "/healthz"),
        route(json!({"pack": "p"})),
    ])
    .unwrap();
    assert_eq!(routes.passing().collect::<Vec<_>>(), ["health"]);
    assert_eq!(
        routes.asking().collect::<Vec<_>>(),
        [(2, "POST /api/deploys/{deployment}", Some("p"))]
    );
    let passed = routes.ask(&post("/healthz"), &Identity::none()).unwrap();
    assert!(matches!(passed, Meaning::Pass(pass) if pass.route == "health"));
}

#[test]
fn headers_are_set_for_the_upstream_and_forged_ones_taken_out() {
    let routes = Routes::new(vec![
        route(json!({
            "add_headers": {"x-deployer": "{jwt./login}"},
            "remove_headers": ["x-team"],
        })),
        pass("health", "/healthz"),
    ])
    .unwrap();
    let own = ["sod-decision-id", "sod-effect", "sod-reasons", "sod-shadow"];

    let question = asked(&routes, &post("/api/deploys/payments-7"), &finn());
    assert_eq!(
        question.headers.set,
        [("x-deployer".to_owned(), "finn-berg".to_owned())]
    );
    assert_eq!(question.headers.remove, [&own[..], &["x-team"]].concat());

    // Where nobody sets it, nobody may send it either, in no spelling.
    let request = with(
        post("/healthz"),
        &[("X_Deployer", "root"), ("x-other", "1")],
    );
    let Meaning::Pass(pass) = routes.ask(&request, &Identity::none()).unwrap() else {
        panic!("no pass")
    };
    assert!(pass.headers.set.is_empty());
    assert_eq!(
        pass.headers.remove,
        [&own[..], &["x-deployer", "x-team", "x_deployer"]].concat()
    );
}
