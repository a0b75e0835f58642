//! Who asks.

use serde_json::json;
use sod_route::{Certificate, Code, Identity, NoClaims};

use crate::world::*;

#[test]
fn without_a_token_that_is_believed_nobody_asks() {
    let routes = routes(json!({}));
    let deploy = post("/api/deploys/x");
    let refused = Identity {
        claims: Err(NoClaims::Refused("it has expired".to_owned())),
        certificate: Certificate::default(),
    };
    for (identity, code) in [
        (Identity::none(), Code::IdentityMissing),
        (refused, Code::IdentityRefused),
        (claims(json!({})), Code::ValueMissing),
        (claims(json!({"sub": "finn-berg"})), Code::ValueMissing),
        (claims(json!(["finn-berg"])), Code::ValueMissing),
        (claims(json!({"login": null})), Code::ValueRefused),
        (claims(json!({"login": true})), Code::ValueRefused),
        (claims(json!({"login": 1.5})), Code::ValueRefused),
        (claims(json!({"login": ["finn-berg"]})), Code::ValueRefused),
        (
            claims(json!({"login": {"is": "finn-berg"}})),
            Code::ValueRefused,
        ),
        (claims(json!({"login": ""})), Code::ValueRefused),
        (claims(json!({"login": " finn-berg"})), Code::ValueRefused),
        (
            claims(json!({"login": "finn\u{0}berg"})),
            Code::ValueRefused,
        ),
        (claims(json!({"login": "finn\nberg"})), Code::ValueRefused),
    ] {
        let denial = denied(&routes, &deploy, &identity);
        assert_eq!(denial.code, code, "{identity:?}: {denial}");
        assert_eq!(
            denial.route.as_deref(),
            Some("POST /api/deploys/{deployment}")
        );
    }
    let status = |code: Code| code.status();
    assert_eq!(status(Code::IdentityMissing), 401);
    assert_eq!(status(Code::NoRoute), 403);
}

#[test]
fn a_number_is_a_text_and_a_pointer_leads_to_it() {
    let principal = json!({"type": "Person", "id": "{jwt./https:~1~1bank.example~1user/id}"});
    let routes = routes(json!({"principal": principal}));
    let identity = claims(json!({"https://bank.example/user": {"id": 7}}));
    assert_eq!(
        asked(&routes, &post("/api/deploys/x"), &identity)
            .principal
            .id,
        "7"
    );
}

#[test]
fn a_certificate_has_one_name_of_a_kind_or_is_refused() {
    let spiffe = json!({"principal": {"type": "Machine", "id": "{mtls.spiffe}"}});
    let dns = json!({"principal": {"type": "Machine", "id": "{mtls.dns}"}});
    let common = json!({"principal": {"type": "Machine", "id": "{mtls.common-name}"}});
    let (spiffe, dns, common) = (routes(spiffe), routes(dns), routes(common));
    let deploy = post("/api/deploys/x");
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();

    let one = certificate(Certificate {
        uris: names(&["https://bank.example", "spiffe://bank.example/ci"]),
        dns: names(&["ci.bank.example"]),
        common_names: names(&["ci"]),
    });
    assert_eq!(
        asked(&spiffe, &deploy, &one).principal.id,
        "spiffe://bank.example/ci"
    );
    assert_eq!(asked(&dns, &deploy, &one).principal.id, "ci.bank.example");
    assert_eq!(asked(&common, &deploy, &one).principal.id, "ci");

    let two = certificate(Certificate {
        uris: names(&["spiffe://bank.example/ci", "spiffe://bank.example/root"]),
        dns: names(&["a", "b"]),
        common_names: names(&["a", "b"]),
    });
    for routes in [&spiffe, &dns, &common] {
        assert_eq!(denied(routes, &deploy, &two).code, Code::IdentityRefused);
        assert_eq!(denied(routes, &deploy, &finn()).code, Code::IdentityMissing);
    }
}

#[test]
fn a_header_names_somebody_only_if_the_operator_says_who_sets_it() {
    let keys = json!({
        "principal": {"type": "Account", "id": "github:{header.x-forwarded-user}"},
        "headers_set_by_a_trusted_proxy": ["x-forwarded-user"],
    });
    let routes = routes(keys);
    let ask = |headers: &[(&str, &str)]| {
        let request = with(post("/api/deploys/x"), headers);
        match routes.ask(&request, &Identity::none()) {
            Ok(sod_route::Meaning::Ask(question)) => Ok(question.principal.id),
            Ok(_) => unreachable!(),
            Err(denial) => Err(denial.code),
        }
    };
    assert_eq!(
        ask(&[("X-Forwarded-User", "finn-berg")]).unwrap(),
        "github:finn-berg"
    );
    assert_eq!(ask(&[]), Err(Code::ValueMissing));
    assert_eq!(ask(&[("x-forwarded-user", "")]), Err(Code::ValueRefused));
    for twice in [
        [
            ("x-forwarded-user", "finn-berg"),
            ("X-Forwarded-User", "ines-costa"),
        ],
        [
            ("x-forwarded-user", "finn-berg"),
            ("x_forwarded_user", "ines-costa"),
        ],
        [("x_forwarded_user", "ines-costa"), ("x-other", "1")],
        [
            ("x-forwarded-user", "finn-berg,ines-costa"),
            ("x-other", "1"),
        ],
    ] {
        assert_eq!(ask(&twice), Err(Code::RequestRefused), "{twice:?}");
    }
}
