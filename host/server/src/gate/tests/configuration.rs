//! What is wrong with a configuration is said before anything is served.

use miette::Diagnostic as _;
use tempfile::TempDir;

use super::super::settings::valid;
use super::world::*;

/// All that is said of it.
fn problems(text: &str) -> Vec<String> {
    let folder = TempDir::new().unwrap();
    let Err(error) = valid(&config(&folder, text)) else {
        panic!("taken: {text}")
    };
    let related = error.related().into_iter().flatten();
    let mut said: Vec<String> = related.map(ToString::to_string).collect();
    if said.is_empty() {
        said.push(error.to_string());
    }
    said
}

#[test]
fn everything_about_routes_is_said_at_once() {
    let evidence = r#"evidence.directory = { path = "nowhere", file = "x.json" }"#;
    let url = r#"evidence = { url = "https://evidence.internal/{deployment}" }"#;
    let text = format!(
        "[[route]]\nname = \"a\"\npack = \"other\"\n{evidence}\n{ROUTE}\n\
         [[route]]\nname = \"b\"\nmethods = []\n{url}\n{}",
        ROUTE.replace("methods = [\"POST\"]", "hosts = [\"x y\"]"),
    );
    assert_eq!(
        problems(&text),
        [
            "route 1 (`a`), `pack`: `other` is not served",
            "route 1 (`a`), `evidence.directory.path`: `nowhere` is no folder",
            "route 2 (`b`), `methods`: there is none",
            "route 2 (`b`), `hosts`: `x y` is no host",
            "route 2 (`b`), `pack`: 3 packs are served",
            "route 2 (`b`), `evidence.url`: `gate.evidence_ca` is missing",
        ]
    );
}

#[test]
fn each_setting_is_checked() {
    let claims = ROUTE.replace("header.x-forwarded-user", "jwt./login");
    let claims = format!("[[route]]\npack = \"bare\"\nevidence = \"none\"\n{claims}");
    for (text, said) in [
        (
            "[gate]\nrefusal_status = 200",
            "`gate.refusal_status`: `200` is neither",
        ),
        (
            "[gate]\nevidence_bytes = 0",
            "`gate.evidence_bytes`: it is 0",
        ),
        (
            "[gate]\nevidence_timeout_ms = 0",
            "`gate.evidence_timeout_ms`: it is 0",
        ),
        (
            "[gate]\nevidence_fetches = 0",
            "`gate.evidence_fetches`: it is 0",
        ),
        (
            "[gate]\nevidence_ca = \"evidence/good.json\"",
            "`gate.evidence_ca`: ",
        ),
        (
            "[gate]\nevidence_ca = \"nowhere.pem\"",
            "`gate.evidence_ca`: ",
        ),
        (claims.as_str(), "`identity.jwt`: a route reads claims"),
    ] {
        let problems = problems(text);
        assert!(problems[0].starts_with(said), "{text}: {problems:?}");
    }
}

#[test]
fn an_unknown_key_of_a_route_is_shown_with_its_line() {
    let text = "[[route]]\npath = \"/\"\nmetods = [\"GET\"]\n";
    let error = crate::Config::parse(text, "sod.toml", std::path::PathBuf::new()).unwrap_err();
    assert!(error.to_string().contains("metods"), "{error}");
    let label = error.labels().unwrap().next().unwrap();
    assert_eq!(label.offset(), text.find("metods").unwrap());
}
