//! Requests that try to be read in two ways.

use serde_json::json;
use sod_route::{Code, EvidenceFrom, Meaning, Routes};

use crate::world::*;

/// A table with a wide way through, which is what an attacker would like to be taken for.
fn with_a_wide_pass() -> Routes {
    Routes::new(vec![pass("wide", "/public/{*rest}"), route(json!({}))]).unwrap()
}

#[test]
fn a_path_is_read_in_one_way_or_refused() {
    let routes = with_a_wide_pass();
    for path in [
        "",
        "*",
        "api/deploys/x",
        "http://deploy.bank.example/api/deploys/x",
        "//api/deploys/x",
        "/api//deploys/x",
        "/public/../api/deploys/x",
        "/public/%2e%2e/api/deploys/x",
        "/public/%2E./api/deploys/x",
        "/public/./x",
        "/public/..",
        "/public/..%2fapi/deploys/x",
        "/public/..%5capi/deploys/x",
        "/public/..\\api",
        "/public%2f..%2fapi",
        "/public/%252e%252e/api/deploys/x",
        "/public/..;/api/deploys/x",
        "/public/x;y=1",
        "/public/x%3by",
        "/api/deploys/x%00",
        "/api/deploys/x%0a",
        "/api/deploys/x%7f",
        "/api/deploys/x%",
        "/api/deploys/x%4",
        "/api/deploys/x%zz",
        "/api/deploys/x%ff",
        "/api/deploys/x%c0%af",
        "/api/deploys/x y",
        "/api/deploys/x\r\nx-user: root",
        "/api/deploys/\u{fc}",
        "/api/deploys/x#y",
        "/api/deploys/x?y#z",
    ] {
        let denial = denied(&routes, &post(path), &finn());
        assert_eq!(denial.code, Code::RequestRefused, "{path:?}: {denial}");
    }
    let long = format!("/api/deploys/x?{}", "y".repeat(9_000));
    assert_eq!(
        denied(&routes, &post(&long), &finn()).code,
        Code::RequestRefused
    );
}

/// Whatever is put together of the pieces that attacks are made of: it is refused, or it is what it looks like.
#[test]
fn no_path_of_odd_pieces_leads_elsewhere() {
    let routes = with_a_wide_pass();
    let pieces = [
        "/",
        "//",
        ".",
        "..",
        "%2e",
        "%2E%2e",
        "%2f",
        "%5c",
        "\\",
        ";",
        "%3b",
        "%25",
        "%2525",
        "%00",
        "%",
        "?",
        "#",
        "x",
        "%78",
        "public",
        "api",
        "deploys",
        "%c3%bc",
        "é",
        "*",
        ":",
        "@",
        "&",
        "=",
        "+",
        "{",
        "}",
        "{deployment}",
    ];
    let mut asked = 0;
    let mut seed = 1_u32;
    for _ in 0..200_000 {
        let mut path = String::from(["/public/", "/api/deploys/"][(seed >> 8) as usize % 2]);
        for _ in 0..1 + (seed >> 4) % 4 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            path.push_str(pieces[(seed >> 16) as usize % pieces.len()]);
        }
        match routes.ask(&post(&path), &finn()) {
            Err(_) => {}
            Ok(Meaning::Pass(_)) => {
                let plain = path
                    .split('?')
                    .next()
                    .unwrap()
                    .to_lowercase()
                    .replace("%2e", ".");
                let mut segments = plain.strip_prefix("/public/").unwrap().split('/').rev();
                assert_ne!(segments.next(), Some(".."), "{path}");
                assert!(
                    segments.all(|segment| !["", ".", ".."].contains(&segment)),
                    "{path}"
                );
            }
            Ok(Meaning::Ask(question)) => {
                asked += 1;
                assert!(path.starts_with("/api/deploys/"), "{path}");
                let id = &question.resource.id;
                assert!(
                    !id.is_empty() && !id.contains(['/', '\\', ';', '%', '\0']),
                    "{path}: {id}"
                );
                let EvidenceFrom::File { name, .. } = &question.evidence else {
                    panic!("{path}")
                };
                assert_eq!(*name, format!("{id}.json"));
                assert!(!name.starts_with('.'), "{path}: {name}");
            }
            Ok(_) => unreachable!(),
        }
    }
    assert!(asked > 1_000, "{asked}");
}

#[test]
fn a_header_that_makes_it_another_request_is_refused() {
    let routes = with_a_wide_pass();
    for name in [
        "X-HTTP-Method-Override",
        "x-http-method",
        "X-Method-Override",
        "x_http_method_override",
        "X-Original-URL",
        "X-Rewrite-Url",
    ] {
        let request = with(post("/public/x"), &[(name, "DELETE")]);
        assert_eq!(
            denied(&routes, &request, &finn()).code,
            Code::RequestRefused,
            "{name}"
        );
    }
}

#[test]
fn a_query_parameter_is_read_once_or_refused() {
    let routes = routes(json!({"resource": {"type": "Environment", "id": "{query.env}"}}));
    let ask = |query: &str| {
        let request = post(&format!("/api/deploys/x?{query}"));
        let meaning = routes.ask(&request, &finn());
        meaning.map(|meaning| match meaning {
            Meaning::Ask(question) => question.resource.id,
            _ => unreachable!(),
        })
    };
    for (query, id) in [
        ("env=production", "production"),
        ("a=1&env=bank%2Fproduction&b", "bank/production"),
        ("%65nv=a%20b", "a b"),
        ("env=a=b", "a=b"),
        // Of no concern to this route.
        ("env=test&x=1&x=2&y=%2e%2e&z=+", "test"),
    ] {
        assert_eq!(ask(query).unwrap(), id, "{query}");
    }
    for (query, code) in [
        ("", Code::ValueMissing),
        ("environment=production", Code::ValueMissing),
        ("env", Code::ValueRefused),
        ("env=", Code::ValueRefused),
        ("env=%00", Code::ValueRefused),
        ("env=a%0d%0ab", Code::ValueRefused),
        ("env=%20a", Code::ValueRefused),
        ("env=test&env=production", Code::RequestRefused),
        ("env=test&%65nv=production", Code::RequestRefused),
        ("env=test&ENV=production", Code::RequestRefused),
        ("Env=test", Code::RequestRefused),
        ("env=a+b", Code::RequestRefused),
        ("env=test;env=production", Code::RequestRefused),
        ("env=%zz", Code::RequestRefused),
        ("%zz=1&env=test", Code::RequestRefused),
        ("env=%ff", Code::RequestRefused),
    ] {
        let denial = ask(query).unwrap_err();
        assert_eq!(denial.code, code, "{query}: {denial}");
    }
    let long = format!("env={}", "x".repeat(1_025));
    assert_eq!(ask(&long).unwrap_err().code, Code::ValueRefused);
}

#[test]
fn two_requests_never_give_the_same_id() {
    let id = json!({"type": "Change", "id": "{query.repository}#{query.number}"});
    let routes = routes(json!({"resource": id}));
    let ask = |query: &str| routes.ask(&post(&format!("/api/deploys/x?{query}")), &finn());
    let Ok(Meaning::Ask(question)) = ask("repository=bank&number=1%232") else {
        panic!("denied")
    };
    assert_eq!(question.resource.id, "bank#1#2");
    let denial = ask("repository=bank%231&number=2").unwrap_err();
    assert_eq!(denial.code, Code::ValueRefused, "{denial}");
}
