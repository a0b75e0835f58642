//! Cedar's integration tests: <https://github.com/cedar-policy/cedar-integration-tests>.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use sod_core::Request;
use sod_core::cedar::{self, Context, Entities};

use super::policies::{self, Format, PlainSchema, Validated};
use super::{
    Decision, Difference, Errors, Expected, Outcome, PlainError, Question, Reasons, Suite, Test,
    Tried, read, tests,
};

/// As written.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawSuite {
    policies: String,
    #[serde(default)]
    policy_format: Format,
    entities: String,
    schema: String,
    #[serde(default)]
    schema_format: Format,
    should_validate: bool,
    requests: Vec<RawTest>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawTest {
    description: String,
    principal: Value,
    action: Value,
    resource: Value,
    context: Value,
    #[serde(default = "yes")]
    validate_request: bool,
    decision: Decision,
    reason: BTreeSet<String>,
    errors: BTreeSet<String>,
}

fn yes() -> bool {
    true
}

impl Suite {
    /// Reads a file of integration tests. Paths in it are relative to `root`, or else to the nearest folder above the
    /// file from which they lead to the policies.
    ///
    /// # Errors
    /// No such file, or something in it or in what it names that Cedar refuses, too.
    pub fn integration(path: &Path, root: Option<&Path>) -> Result<Self, PlainError> {
        let raw: RawSuite = tests(path, |value| value.get("requests").is_some())?;
        let root = match root {
            Some(root) => root.to_owned(),
            None => nearest(path, &raw.policies)?,
        };
        let named = |name: &str| read(&inside(&root, name)?);
        let schema = PlainSchema::parse(&named(&raw.schema)?, raw.schema_format)?;
        let set = policies::parse(&named(&raw.policies)?, raw.policy_format)?;
        let entities = Store::read(&named(&raw.entities)?.text, &schema)?;
        let tests = raw.requests.into_iter().enumerate();
        Ok(Suite {
            policies: policies::sources(&set)?,
            validation: Some(validation(raw.should_validate, &schema.validate(&set))),
            tests: tests
                .map(|(n, test)| test.read(n, &schema, &entities))
                .collect(),
            schema: Some(schema.text),
        })
    }
}

fn nearest(path: &Path, policies: &str) -> Result<PathBuf, PlainError> {
    let absolute = std::path::absolute(path);
    let absolute = absolute.map_err(|error| PlainError::invalid("the path of the file", error))?;
    let mut folders = absolute.ancestors().skip(1);
    let root = folders.find(|folder| folder.join(policies).is_file());
    root.map(Path::to_path_buf).ok_or_else(|| {
        let message = format!("`{policies}` is not there from any folder above the file");
        PlainError::Invalid(message)
    })
}

/// A file of tests names nothing outside its folder.
fn inside(root: &Path, name: &str) -> Result<PathBuf, PlainError> {
    let inside = |part| matches!(part, Component::Normal(_) | Component::CurDir);
    match Path::new(name).components().all(inside) {
        true => Ok(root.join(name)),
        false => Err(PlainError::Invalid(format!(
            "`{name}` is not a path inside `{}`",
            root.display()
        ))),
    }
}

fn validation(expected: bool, found: &Validated) -> Tried {
    let word = |valid| match valid {
        true => "the policies validate",
        false => "the policies do not validate",
    };
    let valid = found.errors.is_empty();
    let was_invalid = !expected && found.applies_nowhere;
    let outcome = match expected == valid || was_invalid {
        true => Outcome::Agrees,
        false => Outcome::Differs(Difference {
            expected: word(expected).to_owned(),
            actual: [&[word(valid).to_owned()], found.errors.as_slice()]
                .concat()
                .join(": "),
        }),
    };
    Tried {
        name: "validation".to_owned(),
        is_of_policies: true,
        outcome,
    }
}

/// The entities of all requests.
struct Store {
    /// As written, for the engine to read with the schema.
    written: String,
    /// As Cedar reads them with the schema, for an engine without one.
    explicit: String,
}

impl Store {
    fn read(text: &str, schema: &PlainSchema) -> Result<Self, PlainError> {
        let explicit = Entities::from_json_str(text, Some(&schema.schema))
            .and_then(|entities| entities.to_json_value());
        let explicit = explicit.map_err(|error| PlainError::invalid("entities", error))?;
        Ok(Store {
            written: text.to_owned(),
            explicit: explicit.to_string(),
        })
    }
}

impl RawTest {
    fn read(self, n: usize, schema: &PlainSchema, entities: &Store) -> Test {
        Test {
            name: format!("request {n}, {}", self.description),
            question: self.question(schema, entities),
        }
    }

    fn question(self, schema: &PlainSchema, entities: &Store) -> Result<Question, String> {
        let action = uid("action", &self.action)?;
        let checked = self.validate_request;
        let (entities, context) = match checked {
            true => (entities.written.clone(), self.context.to_string()),
            false => {
                let context = explicit(&self.context, &action, schema)?;
                (entities.explicit.clone(), context)
            }
        };
        let request = Request {
            principal: policies::uid(&uid("principal", &self.principal)?),
            action: policies::uid(&action),
            resource: policies::uid(&uid("resource", &self.resource)?),
            now: None,
            evidence: None,
            entities: Some(entities),
            context: Some(context),
        };
        let expected = Expected {
            effect: self.decision.into(),
            reasons: Reasons::Exactly(self.reason),
            errors: Errors::Exactly(self.errors),
        };
        Ok(Question {
            request,
            checked,
            expected,
        })
    }
}

/// The context as Cedar reads it with the schema, if that has the action, for an engine without one.
fn explicit(
    context: &Value,
    action: &cedar::EntityUid,
    schema: &PlainSchema,
) -> Result<String, String> {
    let mut actions = schema.schema.actions();
    let declared = actions.any(|declared| declared == action);
    let with = declared.then_some((&schema.schema, action));
    let context = Context::from_json_value(context.clone(), with);
    let context = context.map_err(|error| format!("context: {error}"))?;
    let json = context.to_json_value();
    Ok(json
        .map_err(|error| format!("context: {error}"))?
        .to_string())
}

fn uid(field: &str, json: &Value) -> Result<cedar::EntityUid, String> {
    cedar::EntityUid::from_json(json.clone()).map_err(|error| format!("{field}: {error}"))
}
