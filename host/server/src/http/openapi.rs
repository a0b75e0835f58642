//! `GET /openapi.json`: the OpenAPI 3.1 document, made from the operations and the types that they take and give.
//!
//! docs/schema/openapi.json is the same, and a test holds it to that.

use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::operation::{Operation, schema_of};
use super::problem::Problem;

/// What `evidence` of a request has to be.
const EVIDENCE: &str = include_str!("../../../../docs/schema/evidence.schema.json");

/// The documents about all of it.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        name: "openapi",
        summary: "This document",
        paths: &["/openapi.json"],
        handler: || {
            let page = serde_json::to_string(&document()).unwrap_or_default();
            get(async move || json_page(page.clone()))
        },
        asked: None,
        answered: schema_of::<Map<String, Value>>,
    },
    Operation {
        name: "evidence-schema",
        summary: "The JSON Schema of raw evidence",
        paths: &["/evidence.schema.json"],
        handler: || get(async || json_page(EVIDENCE.to_owned())),
        asked: None,
        answered: schema_of::<Map<String, Value>>,
    },
];

fn json_page(page: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], page).into_response()
}

/// The document.
pub(super) fn document() -> Value {
    let settings = || {
        SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        })
    };
    let mut taken = settings().into_generator();
    let mut given = settings().for_serialize().into_generator();
    let problem = schema_of::<Problem>(&mut given);
    let mut paths = Map::new();
    for operation in super::operations() {
        for path in operation.paths {
            let described = describe(operation, path, &mut taken, &mut given, problem.as_value());
            paths.insert((*path).to_owned(), described);
        }
    }
    let mut schemas = taken.take_definitions(true);
    schemas.extend(given.take_definitions(true));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "sod",
            "description": "May this principal review, approve, merge or deploy this change, now? OpenID AuthZEN \
                            Authorization API 1.0, and an API of sod's own.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" }
        },
        "paths": paths,
        "components": { "schemas": schemas }
    })
}

fn describe(
    operation: &Operation,
    path: &str,
    taken: &mut SchemaGenerator,
    given: &mut SchemaGenerator,
    problem: &Value,
) -> Value {
    let by_pack = path.contains("{pack}");
    let name = match by_pack {
        true => format!("{}-of-pack", operation.name),
        false => operation.name.to_owned(),
    };
    let mut described = json!({
        "operationId": name,
        "summary": operation.summary,
        "responses": {
            "200": {
                "description": "the answer; of a decision, whether it allows or denies",
                "content": { "application/json": { "schema": (operation.answered)(given) } }
            },
            "default": {
                "description": "there is no answer, and that is no permission",
                "content": { "application/problem+json": { "schema": problem } }
            }
        }
    });
    let mut parameters = vec![json!({
        "name": "X-Request-ID", "in": "header", "schema": { "type": "string" },
        "description": "comes back with the answer, and is in the decision log"
    })];
    if by_pack {
        parameters.push(json!({
            "name": "pack", "in": "path", "required": true, "schema": { "type": "string" },
            "description": "name of the pack, or the digest of its component, `sha256:...`"
        }));
    }
    if let Some(members) = described.as_object_mut() {
        members.insert("parameters".to_owned(), parameters.clone().into());
        if let Some(asked) = operation.asked {
            let content = json!({ "application/json": { "schema": asked(taken) } });
            let body = json!({ "required": true, "content": content });
            members.insert("requestBody".to_owned(), body);
        }
    }
    let method = if operation.asked.is_some() {
        "post"
    } else {
        "get"
    };
    json!({ method: described })
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "a test fails by panicking"
    )]
    //! The file under docs is the document.

    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn the_file_is_the_document() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema/openapi.json");
        let page = format!("{}\n", serde_json::to_string_pretty(&document()).unwrap());
        if std::env::var_os("SOD_BLESS").is_some() {
            std::fs::write(&file, &page).unwrap();
        }
        let found = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(
            found == page,
            "docs/schema/openapi.json is out of date: run with SOD_BLESS=1"
        );
    }

    #[test]
    fn every_operation_has_a_name_of_its_own_and_every_reference_leads_somewhere() {
        let document = document();
        let mut names = BTreeSet::new();
        for methods in document["paths"].as_object().unwrap().values() {
            for operation in methods.as_object().unwrap().values() {
                let name = operation["operationId"].as_str().unwrap();
                assert!(names.insert(name.to_owned()), "{name}");
            }
        }
        assert!(names.len() > 10, "{names:?}");
        let text = document.to_string();
        let references = text.split("\"$ref\":\"").skip(1);
        for reference in references.map(|rest| rest.split('"').next().unwrap()) {
            match reference.strip_prefix('#') {
                Some(pointer) => assert!(document.pointer(pointer).is_some(), "{reference}"),
                None => assert_eq!(reference, "evidence.schema.json"),
            }
        }
    }

    #[test]
    fn what_is_taken_and_what_is_given_do_not_share_a_name_for_different_forms() {
        let mut taken = SchemaSettings::draft2020_12().into_generator();
        let mut given = SchemaSettings::draft2020_12()
            .for_serialize()
            .into_generator();
        for operation in crate::http::operations() {
            if let Some(asked) = operation.asked {
                asked(&mut taken);
            }
            (operation.answered)(&mut given);
        }
        let (taken, given) = (taken.take_definitions(true), given.take_definitions(true));
        for (name, schema) in &taken {
            assert!(
                given.get(name).is_none_or(|other| other == schema),
                "{name}"
            );
        }
    }
}
