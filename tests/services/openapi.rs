//! What is answered is of the form that the OpenAPI document says, and so is what these tests ask.

#[path = "../proof/schema/check.rs"]
mod check;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sod_tests::root;

use crate::basic::{asks, required};
use crate::server::Service;
use check::Schema;

struct Document(Value);

impl Document {
    fn read() -> Self {
        let file = root().join("docs/schema/openapi.json");
        Document(serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap())
    }

    /// What stands against the value's being of that form.
    fn errors(&self, pointer: &str, value: &Value) -> Vec<String> {
        assert!(self.0.pointer(pointer).is_some(), "no {pointer}");
        let (paths, components) = (&self.0["paths"], &self.0["components"]);
        let form = format!("#{pointer}");
        let schema = json!({"$ref": form, "paths": paths, "components": components});
        Schema(schema).errors(value)
    }

    #[track_caller]
    fn holds(&self, pointer: &str, value: &Value) {
        assert_eq!(self.errors(pointer, value), [""; 0], "{pointer}: {value}");
    }

    #[track_caller]
    fn refuses(&self, pointer: &str, value: &Value) {
        assert_ne!(self.errors(pointer, value), [""; 0], "{pointer}: {value}");
    }
}

fn pointer(path: &str, method: &str, rest: &str) -> String {
    format!(
        "/paths/{}/{method}/{rest}",
        path.replace('~', "~0").replace('/', "~1")
    )
}

const ASKED: &str = "requestBody/content/application~1json/schema";
const ANSWERED: &str = "responses/200/content/application~1json/schema";
const PROBLEM: &str = "responses/default/content/application~1problem+json/schema";

#[test]
fn the_document_that_is_served_is_the_file() {
    let service = Service::fixture();
    let served = service.get("/openapi.json");
    assert_eq!(served.header("content-type"), Some("application/json"));
    assert_eq!(served.body, Document::read().0);
    let evidence = std::fs::read(root().join("docs/schema/evidence.schema.json")).unwrap();
    let evidence: Value = serde_json::from_slice(&evidence).unwrap();
    assert_eq!(service.get("/evidence.schema.json").body, evidence);
}

#[test]
fn every_path_of_it_is_served_and_everything_it_says_is_so() {
    let service = Service::fixture();
    let document = Document::read();
    let evaluation = asks("alice", "read", "record-1");
    let mut many = evaluation.clone();
    many["evaluations"] = json!([{}, {"resource": 4}, {"action": {"name": "write"}}]);
    let mut search = evaluation.clone();
    search["page"] = json!({"limit": 1});
    let native = json!({
        "principal": {"type": "User", "id": "bob"}, "action": "write", "resource": "Record::\"record-1\"",
        "entities": [], "context": {}
    });
    let mut looked_at = BTreeSet::new();
    for (template, methods) in document.0["paths"].as_object().unwrap() {
        let path = template.replace("{pack}", "records");
        let methods: Vec<_> = methods.as_object().unwrap().keys().collect();
        let [method] = methods.as_slice() else {
            panic!("{template}: {methods:?}");
        };
        looked_at.insert(template.as_str());
        let answered = pointer(template, method, ANSWERED);
        let problem = pointer(template, method, PROBLEM);
        if *method == "get" {
            let answer = service.get(&path);
            assert_eq!(answer.status, 200, "{path}");
            document.holds(&answered, &answer.body);
            document.holds(&problem, &service.post(&path, &json!({})).body);
            continue;
        }
        let asked = match path.rsplit('/').next().unwrap() {
            "evaluation" => vec![evaluation.clone()],
            "evaluations" => vec![evaluation.clone(), many.clone()],
            "decide" => vec![native.clone()],
            "decide-batch" => vec![json!({"requests": [native]})],
            _ => vec![evaluation.clone(), search.clone()],
        };
        for body in asked {
            // One of many may be no question at all: that is in the answer.
            if body.get("evaluations").is_none() {
                document.holds(&pointer(template, method, ASKED), &body);
            }
            let answer = service.post(&path, &body);
            assert_eq!(answer.status, 200, "{path}: {answer:?}");
            document.holds(&answered, &answer.body);
            document.refuses(&answered, &json!({"page": 4}));
        }
        let wrong = service.post(&path, &json!({"subject": 4, "requests": 4, "principal": 4}));
        assert_eq!(wrong.status, 400, "{path}");
        document.holds(&problem, &wrong.body);
        document.refuses(
            &pointer(template, method, ASKED),
            &json!({"subject": 4, "requests": 4, "principal": 4}),
        );
    }
    assert!(looked_at.len() >= 19, "{looked_at:?}");
}

#[test]
fn the_questions_of_the_certification_are_of_the_form() {
    let document = Document::read();
    for (body, _) in required() {
        document.holds(&pointer("/access/v1/evaluation", "post", ASKED), &body);
        document.holds(
            &pointer("/access/v1/evaluations", "post", ASKED),
            &json!({"evaluations": [body]}),
        );
    }
}
