//! nginx, Traefik, Caddy, and Envoy over HTTP, on sockets.

use super::world::*;

fn routes() -> String {
    format!(
        r#"
        [[route]]
        pack = "allows"
        evidence.directory = {{ path = "evidence", file = "{{deployment}}.json" }}
        add_headers = {{ x-deployer = "{{header.x-forwarded-user}}" }}
        {ROUTE}
        [[route]]
        name = "denied"
        pack = "denies"
        evidence.directory = {{ path = "evidence", file = "good.json" }}
        {}
        [[route]]
        name = "shadow"
        pack = "denies"
        shadow = true
        evidence.directory = {{ path = "evidence", file = "{{deployment}}.json" }}
        {}
        [[route]]
        name = "health"
        methods = ["GET"]
        path = "/healthz"
        decision = "pass"
        "#,
        ROUTE.replace("/api/deploys", "/denied"),
        ROUTE.replace("/api/deploys", "/shadow"),
    )
}

#[tokio::test]
async fn an_allow_has_its_id_and_headers_for_the_upstream() {
    let world = world(&routes()).await;
    let answered = world.nginx("POST", "/api/deploys/good").await;
    assert_eq!((answered.status, answered.body.as_str()), (200, ""));
    assert_eq!(answered.header("sod-effect"), Some("allow"));
    assert_eq!(answered.header("x-deployer"), Some("finn-berg"));
    let id = answered.header("sod-decision-id").unwrap();
    assert!(world.log().contains(id), "{id} is not in the log");
}

#[tokio::test]
async fn a_denial_says_why_and_who_could_help() {
    let world = world(&routes()).await;
    let answered = world.nginx("POST", "/denied/good").await;
    assert_eq!(answered.status, 403);
    assert_eq!(answered.header("content-type"), Some("application/json"));
    assert_eq!(answered.header("sod-effect"), Some("deny"));
    assert_eq!(answered.header("sod-reasons"), Some("b-forbid"));
    let json = answered.json();
    assert_eq!(
        json["decision_id"].as_str(),
        answered.header("sod-decision-id")
    );
    assert_eq!(json["route"], "denied");
    assert_eq!(json["principal"]["id"], "github:finn-berg");
    assert_eq!(json["reasons"][0]["policy"], "b-forbid");
    assert_eq!(json["missing"][0]["role"], "security");
    assert!(world.log().contains(json["decision_id"].as_str().unwrap()));
}

#[tokio::test]
async fn in_shadow_mode_a_denial_goes_ahead_and_says_so() {
    let world = world(&routes()).await;
    let answered = world.nginx("POST", "/shadow/good").await;
    assert_eq!(answered.status, 200);
    assert_eq!(answered.header("sod-effect"), Some("deny"));
    assert_eq!(answered.header("sod-shadow"), Some("true"));
    assert!(
        world
            .log()
            .contains(answered.header("sod-decision-id").unwrap())
    );
    // What cannot even be asked does not.
    let answered = world.nginx("POST", "/shadow/absent").await;
    assert_eq!(
        (answered.status, answered.code().as_str()),
        (403, "evidence-missing")
    );
    assert_eq!(answered.header("sod-shadow"), None);
}

#[tokio::test]
async fn what_is_not_asked_is_denied_with_a_code() {
    let world = world(&routes()).await;
    for (method, target, code) in [
        ("GET", "/api/deploys/good", "no-route"),
        ("POST", "/elsewhere", "no-route"),
        ("POST", "/api/deploys/../good", "request-refused"),
        ("POST", "/api/deploys/a%2fb", "request-refused"),
        ("POST", "/api/deploys/absent", "evidence-missing"),
    ] {
        let answered = world.nginx(method, target).await;
        assert_eq!(
            (answered.status, answered.code().as_str()),
            (403, code),
            "{target}"
        );
        assert_eq!(answered.header("sod-effect"), Some("deny"));
        assert_eq!(answered.header("sod-decision-id"), None);
    }
    let passed = world.nginx("GET", "/healthz").await;
    assert_eq!((passed.status, passed.header("sod-effect")), (200, None));
}

#[tokio::test]
async fn each_proxy_has_its_own_headers_and_no_other_counts() {
    let world = world(&routes()).await;
    let forwarded = "GET /gate/forwarded HTTP/1.1
        x-forwarded-method: POST
        x-forwarded-uri: /api/deploys/good
        x-forwarded-host: deploy.bank.example
        x-forwarded-user: finn-berg";
    assert_eq!(world.send(forwarded, "").await.status, 200);
    let envoy = "POST /gate/envoy/api/deploys/good?dry=1 HTTP/1.1
        x-forwarded-user: finn-berg";
    assert_eq!(world.send(envoy, "").await.status, 200);
    for wrong in [
        // The other's headers.
        forwarded.replace("/gate/forwarded", "/gate/nginx"),
        forwarded.replace("x-forwarded-method: POST", "x-other: POST"),
        forwarded.replace("x-forwarded-uri: /api", "x-forwarded-uri: api"),
        format!("{forwarded}\r\nx-forwarded-uri: /healthz"),
        format!("{forwarded}\r\nx-forwarded-method: GET"),
        format!("{forwarded}\r\nx-forwarded-user: ines-costa"),
        format!("{forwarded}\r\nx-http-method-override: DELETE"),
        // Forged, and no proxy of this kind can be told to take it out.
        format!("{forwarded}\r\nx-deployer: root"),
        format!("{forwarded}\r\nsod-decision-id: 1"),
        envoy.replace("/gate/envoy/", "/gate/envoy//"),
        envoy.replace("/gate/envoy/api", "/gate/envoy/x/../api"),
        envoy.replace("/gate/envoy/api", "/gate/envoy/%2e%2e/api"),
        envoy.replace("/gate/envoy/api/deploys/good?dry=1", "/gate/envoy"),
        envoy.replace("POST", "GET"),
    ] {
        let answered = world.send(&wrong, "").await;
        assert_eq!(answered.status, 403, "{wrong}: {answered:?}");
        let code = answered.code();
        assert!(
            ["request-refused", "no-route"].contains(&code.as_str()),
            "{wrong}: {code}"
        );
    }
}

#[tokio::test]
async fn only_listed_proxies_may_ask() {
    let world = world(&format!("[gate]\nclients = [\"envoy\"]\n{}", routes())).await;
    let answered = world.nginx("POST", "/api/deploys/good").await;
    assert_eq!(
        (answered.status, answered.code().as_str()),
        (403, "request-refused")
    );
    let answered = world.nginx("GET", "/healthz").await;
    assert_eq!(answered.status, 403);
}
