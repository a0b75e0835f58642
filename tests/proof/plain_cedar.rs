//! Cedar's own kinds of tests, through the engine inside Wasm.
//!
//! The tests in `plain-cedar` are our own; what they expect is held against Cedar itself first.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use serde_json::Value;
use sod_core::cedar::{
    AuthorizationError, Authorizer, Context, Decision, Entities, EntityUid, PolicySet,
    Request as CedarRequest, Response, Schema,
};
use sod_pack::Sandbox;
use sod_pack::plain::{Outcome, PlainError, Policies, Suite};

const ROOT: &str = "plain-cedar";
const INTEGRATION: [&str; 3] = ["library.json", "guests.json", "lending.json"];

static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| Sandbox::new().unwrap());

fn path(name: &str) -> std::path::PathBuf {
    Path::new(ROOT).join(name)
}

fn json(name: &str) -> Value {
    serde_json::from_slice(&fs::read(path(name)).unwrap()).unwrap()
}

fn text(name: &Value) -> String {
    fs::read_to_string(path(name.as_str().unwrap())).unwrap()
}

fn ids(list: &Value) -> BTreeSet<String> {
    let ids = list.as_array().unwrap().iter();
    ids.map(|id| id.as_str().unwrap().to_owned()).collect()
}

/// What Cedar's integration tests ask of an implementation, of Cedar itself.
fn cedar(test: &Value, request: &Value) -> Response {
    let policies = text(&test["policies"]);
    let policies = match test["policyFormat"].as_str() {
        Some("json") => PolicySet::from_json_str(&policies).unwrap(),
        _ => policies.parse().unwrap(),
    };
    let schema = text(&test["schema"]);
    let schema = match test["schemaFormat"].as_str() {
        Some("json") => Schema::from_json_str(&schema).unwrap(),
        _ => Schema::from_cedarschema_str(&schema).unwrap().0,
    };
    let entities = Entities::from_json_str(&text(&test["entities"]), Some(&schema)).unwrap();
    let uid = |field: &str| EntityUid::from_json(request[field].clone()).unwrap();
    let action = uid("action");
    let declared = schema.actions().any(|declared| *declared == action);
    let with = declared.then_some((&schema, &action));
    let context = Context::from_json_value(request["context"].clone(), with).unwrap();
    let checked = request["validateRequest"].as_bool().unwrap_or(true);
    let (principal, resource) = (uid("principal"), uid("resource"));
    let against = checked.then_some(&schema);
    let request = CedarRequest::new(principal, action, resource, context, against).unwrap();
    Authorizer::new().is_authorized(&request, &policies, &entities)
}

#[test]
fn our_tests_say_what_cedar_says() {
    for name in INTEGRATION {
        let test = json(name);
        for request in test["requests"].as_array().unwrap() {
            let response = cedar(&test, request);
            let diagnostics = response.diagnostics();
            let errors = diagnostics.errors().map(|error| match error {
                AuthorizationError::PolicyEvaluationError(error) => error.policy_id().to_string(),
            });
            let about = &request["description"];
            let allow = response.decision() == Decision::Allow;
            assert_eq!(allow, request["decision"] == "allow", "{name}: {about}");
            let reasons: BTreeSet<String> = diagnostics.reason().map(ToString::to_string).collect();
            assert_eq!(reasons, ids(&request["reason"]), "{name}: {about}");
            let errors: BTreeSet<String> = errors.collect();
            assert_eq!(errors, ids(&request["errors"]), "{name}: {about}");
        }
    }
}

#[test]
fn integration_tests_are_answered_as_cedar_does_but_for_errors() {
    let mut denied_for_errors = Vec::new();
    for name in INTEGRATION {
        let suite = Suite::integration(&path(name), Some(Path::new(ROOT))).unwrap();
        assert_eq!(
            suite.requests(),
            json(name)["requests"].as_array().unwrap().len()
        );
        for tried in suite.run(&SANDBOX) {
            match tried.outcome {
                Outcome::Agrees => {}
                Outcome::ErrorDenies(difference) => denied_for_errors.push((name, difference)),
                outcome => panic!("{name}: {}: {outcome:?}", tried.name),
            }
        }
    }
    let [(name, difference)] = denied_for_errors.as_slice() else {
        panic!("{denied_for_errors:?}");
    };
    assert_eq!(*name, "library.json");
    assert_eq!(
        difference.expected,
        "allow by `policy0`, and an error in `policy2`"
    );
    assert_eq!(difference.actual, "deny, and an error in `policy2`");
}

fn run_tests(template_linked: bool, schema: Option<&str>) -> Result<Suite, PlainError> {
    let of = Policies {
        policies: path("run-tests/rules.cedar"),
        schema: schema.map(path),
        template_linked: template_linked.then(|| path("run-tests/links.json")),
    };
    Suite::run_tests(&path("run-tests/tests.json"), &of)
}

#[test]
fn tests_of_run_tests_are_taken_as_they_are() {
    let outcomes = |suite: Suite| -> Vec<Outcome> {
        let tried = suite.run(&SANDBOX).into_iter();
        tried.map(|tried| tried.outcome).collect()
    };
    let all = outcomes(run_tests(true, None).unwrap());
    assert!(matches!(all[0], Outcome::ErrorDenies(_)), "{:?}", all[0]);
    assert!(
        all[1..].iter().all(|outcome| *outcome == Outcome::Agrees),
        "{all:?}"
    );
    assert_eq!(all.len(), 6);
    // Without the link its test is answered otherwise, and no other.
    let without = outcomes(run_tests(false, None).unwrap());
    let changed: Vec<usize> = (0..6).filter(|n| all[*n] != without[*n]).collect();
    assert_eq!(changed, [3]);
    assert!(matches!(without[3], Outcome::Differs(_)), "{without:?}");
    // Cedar's command runs nothing with policies that do not validate.
    let error = run_tests(true, Some("library.cedarschema")).unwrap_err();
    assert!(matches!(error, PlainError::Invalid(_)), "{error}");
}

/// A file of tests like `library.json`, but for what `change` does.
fn changed(change: impl Fn(&mut Value)) -> Result<Vec<Outcome>, PlainError> {
    let folder = tempfile::tempdir().unwrap();
    let mut test = json("library.json");
    change(&mut test);
    let file = folder.path().join("test.json");
    fs::write(&file, test.to_string()).unwrap();
    let suite = Suite::integration(&file, Some(Path::new(ROOT)))?;
    let tried = suite.run(&SANDBOX).into_iter();
    Ok(tried.map(|tried| tried.outcome).collect())
}

#[test]
fn whatever_is_not_as_cedar_says_is_found() {
    let differs = |change: &dyn Fn(&mut Value), place: usize| {
        let outcomes = changed(change).unwrap();
        assert!(
            matches!(outcomes[place], Outcome::Differs(_)),
            "{outcomes:?}"
        );
    };
    // The first outcome is of the policies.
    differs(&|test| test["shouldValidate"] = false.into(), 0);
    differs(&|test| test["requests"][0]["decision"] = "deny".into(), 1);
    differs(
        &|test| test["requests"][0]["reason"] = serde_json::json!([]),
        1,
    );
    differs(
        &|test| test["requests"][8]["errors"] = serde_json::json!(["policy3"]),
        9,
    );
    differs(
        &|test| test["requests"][8]["errors"] = serde_json::json!([]),
        9,
    );
    differs(
        &|test| test["requests"][9]["reason"] = serde_json::json!([]),
        10,
    );
    // What is no request by the schema has no answer, though a deny was expected.
    let outcomes = changed(|test| test["requests"][2]["action"]["id"] = "burn".into()).unwrap();
    assert!(matches!(outcomes[3], Outcome::Undecided(_)), "{outcomes:?}");
}

#[test]
fn what_is_no_test_is_an_error() {
    let error = changed(|test| test["unknown"] = 1.into()).unwrap_err();
    assert!(matches!(error, PlainError::Invalid(_)), "{error}");
    let error = changed(|test| drop(test.as_object_mut().unwrap().remove("requests"))).unwrap_err();
    assert!(matches!(error, PlainError::NoTests(_)), "{error}");
    for outside in ["../Cargo.toml", "/etc/hostname", "absent.cedar"] {
        let error = changed(|test| test["policies"] = outside.into()).unwrap_err();
        assert!(error.to_string().contains(outside), "{error}");
    }
    let deep = format!(
        "permit (principal, action, resource) when {{ {}true }};",
        "!".repeat(2000)
    );
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("deep.cedar"), deep).unwrap();
    let of = Policies {
        policies: folder.path().join("deep.cedar"),
        ..Policies::default()
    };
    let error = Suite::run_tests(&path("run-tests/tests.json"), &of).unwrap_err();
    assert!(error.to_string().contains("nested more than"), "{error}");
}
