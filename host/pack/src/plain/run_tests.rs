//! The tests of Cedar's own command: `cedar run-tests --policies FILE --schema FILE --tests FILE`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use sod_core::Request;
use sod_core::cedar::EntityUid;

use super::policies::{self, Format, PlainSchema};
use super::{Decision, Errors, Expected, PlainError, Question, Reasons, Suite, Test, read, tests};

/// The files that tests of `run-tests` are for, each in Cedar's syntax or in JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policies {
    /// Policies and templates.
    pub policies: PathBuf,
    /// Without one, requests are taken as they are.
    pub schema: Option<PathBuf>,
    /// Templates with their slots filled in.
    pub template_linked: Option<PathBuf>,
}

/// As written. Cedar's command lets further keys pass, so they pass here.
#[derive(Deserialize)]
struct RawTest {
    request: RawRequest,
    entities: Value,
    decision: Decision,
    reason: BTreeSet<String>,
    num_errors: usize,
}

#[derive(Deserialize)]
struct RawRequest {
    principal: String,
    action: String,
    resource: String,
    context: Value,
}

impl Suite {
    /// Reads tests of `run-tests`. Ids are those of the annotation `@id`, and otherwise Cedar's own: `policy0`.
    ///
    /// # Errors
    /// A file that is not there, or that Cedar refuses, too.
    pub fn run_tests(path: &Path, of: &Policies) -> Result<Self, PlainError> {
        let raw: Vec<Value> = tests(path, Value::is_array)?;
        let source = read(&of.policies)?;
        let mut set = policies::by_annotation(&policies::parse(&source, Format::of(&source))?)?;
        if let Some(links) = &of.template_linked {
            policies::link(&mut set, &read(links)?)?;
        }
        let schema = match &of.schema {
            Some(schema) => {
                let source = read(schema)?;
                Some(PlainSchema::parse(&source, Format::of(&source))?)
            }
            None => None,
        };
        // Cedar's command runs no test of policies that it would warn of.
        if let Some(found) = schema.as_ref().map(|schema| schema.validate(&set)) {
            let found = [found.errors, found.warnings].concat();
            if !found.is_empty() {
                return Err(PlainError::invalid(&source.name, found.join("; ")));
            }
        }
        let checked = schema.is_some();
        Ok(Suite {
            policies: policies::sources(&set)?,
            schema: schema.map(|schema| schema.text),
            validation: None,
            tests: raw
                .into_iter()
                .enumerate()
                .map(|(n, test)| RawTest::read(n, test, checked))
                .collect(),
        })
    }
}

impl RawTest {
    fn read(n: usize, json: Value, checked: bool) -> Test {
        let name = json.get("name").and_then(Value::as_str);
        let name = name.map_or_else(|| format!("test {n}"), |name| format!("test {n}, {name}"));
        let raw: Result<RawTest, _> = serde_json::from_value(json);
        let question = raw.map_err(|error| format!("the test is malformed: {error}"));
        Test {
            name,
            question: question.and_then(|raw| raw.question(checked)),
        }
    }

    fn question(self, checked: bool) -> Result<Question, String> {
        let uid = |field: &str, text: &str| {
            let uid = text.parse::<EntityUid>();
            uid.map(|uid| policies::uid(&uid))
                .map_err(|error| format!("{field} `{text}`: {error}"))
        };
        let request = Request {
            principal: uid("principal", &self.request.principal)?,
            action: uid("action", &self.request.action)?,
            resource: uid("resource", &self.request.resource)?,
            now: None,
            evidence: None,
            entities: Some(self.entities.to_string()),
            context: Some(self.request.context.to_string()),
        };
        let expected = Expected {
            effect: self.decision.into(),
            reasons: Reasons::Among(self.reason),
            errors: Errors::Number(self.num_errors),
        };
        Ok(Question {
            request,
            checked,
            expected,
        })
    }
}
