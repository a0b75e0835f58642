//! Cedar's own tests, asked of the engine: does it decide as Cedar does?
//!
//! Two formats are taken as they are:
//!
//! * Cedar's integration tests ([`Suite::integration`]): a file names policies, entities and a schema, and lists
//!   requests with the decision, the policies that determine it and those that fail;
//! * the tests of Cedar's command `run-tests` ([`Suite::run_tests`]): a list of requests with their entities, for
//!   policies and a schema that are named apart.
//!
//! Plain Cedar takes more than a pack: policies without `@id`, templates with links, rules that do not validate,
//! requests without a schema. All that is taken here and nowhere else, and decided inside the [`Sandbox`].
//!
//! One difference is intended ([`Outcome::ErrorDenies`]): Cedar goes by the other policies where one fails, sod denies.

mod integration;
mod policies;
mod run_tests;

pub use self::run_tests::Policies;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use serde::Deserialize;
use sod_core::verdict::code;
use sod_core::{Bundle, Effect, Mode, PackData, PolicySource, Request};

use crate::code::Code;
use crate::compile::{Answer, Loaded, Sandbox};
use crate::source::{MAX_CASE, Source};

/// Why a file of tests, or what it names, is of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlainError {
    /// The file holds JSON of another kind, or none.
    #[error("{0}")]
    NoTests(String),
    /// It holds tests that are malformed, or policies, entities or a schema that Cedar refuses.
    #[error("{0}")]
    Invalid(String),
}

impl PlainError {
    fn invalid(what: &str, error: impl std::fmt::Display) -> Self {
        PlainError::Invalid(format!("{what}: {error}"))
    }
}

/// Policies, and what is asked of them.
#[derive(Debug)]
pub struct Suite {
    policies: Vec<PolicySource>,
    schema: Option<String>,
    /// What the tests say of the policies themselves.
    validation: Option<Tried>,
    tests: Vec<Test>,
}

/// One request with the answer that Cedar gives.
#[derive(Debug)]
struct Test {
    name: String,
    /// Or what is wrong with it.
    question: Result<Question, String>,
}

#[derive(Debug)]
struct Question {
    request: Request,
    /// Against the schema.
    checked: bool,
    expected: Expected,
}

/// Cedar's answer.
#[derive(Debug)]
struct Expected {
    effect: Effect,
    reasons: Reasons,
    errors: Errors,
}

/// Ids of the policies that determine it.
#[derive(Debug)]
enum Reasons {
    Exactly(BTreeSet<String>),
    Among(BTreeSet<String>),
}

/// Policies that fail.
#[derive(Debug)]
enum Errors {
    Exactly(BTreeSet<String>),
    Number(usize),
}

/// One test, tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// What it is called in its file.
    pub name: String,
    /// It is no request: do the policies validate?
    pub is_of_policies: bool,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// As Cedar has it.
    Agrees,
    /// Cedar allows although policies fail, and sod denies for exactly these.
    ErrorDenies(Difference),
    /// Something else than Cedar has.
    Differs(Difference),
    /// No answer, with the reason.
    Undecided(String),
}

/// Two answers, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Cedar's.
    pub expected: String,
    /// The engine's.
    pub actual: String,
}

/// The words of both formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Decision {
    #[serde(alias = "Allow")]
    Allow,
    #[serde(alias = "Deny")]
    Deny,
}

impl From<Decision> for Effect {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Allow => Effect::Allow,
            Decision::Deny => Effect::Deny,
        }
    }
}

impl Suite {
    /// How many requests it has.
    pub fn requests(&self) -> usize {
        self.tests.len()
    }

    /// Keeps the tests of which `keep` likes the name.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.tests.retain(|test| keep(&test.name));
        self.validation = self.validation.take().filter(|tried| keep(&tried.name));
    }

    /// Asks all of it.
    pub fn run(&self, sandbox: &Sandbox) -> Vec<Tried> {
        let mut checked = Lazy::new(sandbox, || self.bundle(false));
        let mut unchecked = Lazy::new(sandbox, || self.bundle(true));
        let tests = self.tests.iter().map(|test| {
            let question = test.question.as_ref().map_err(String::clone);
            let outcome = question.and_then(|question| {
                let answer = match question.checked {
                    true => checked.ask(&question.request),
                    false => unchecked.ask(&question.request),
                };
                Ok(question.expected.judge(&answer?))
            });
            Tried {
                name: test.name.clone(),
                is_of_policies: false,
                outcome: outcome.unwrap_or_else(Outcome::Undecided),
            }
        });
        self.validation.iter().cloned().chain(tests).collect()
    }

    fn bundle(&self, unchecked: bool) -> Bundle {
        let schema = self.schema.clone().filter(|_| !unchecked);
        Bundle {
            name: "plain".to_owned(),
            version: "0.0.0".to_owned(),
            mode: Mode::Cedar,
            schema: schema.unwrap_or_default(),
            unchecked,
            policies: self.policies.clone(),
            quorums: Vec::new(),
            data: PackData::default(),
        }
    }
}

/// A bundle that is loaded when something is asked of it.
struct Lazy<'s, B> {
    sandbox: &'s Sandbox,
    bundle: B,
    loaded: Option<Result<Loaded<'s>, String>>,
}

impl<'s, B: Fn() -> Bundle> Lazy<'s, B> {
    fn new(sandbox: &'s Sandbox, bundle: B) -> Self {
        Lazy {
            sandbox,
            bundle,
            loaded: None,
        }
    }

    fn ask(&mut self, request: &Request) -> Result<Answer, String> {
        let load = || {
            let loaded = self.sandbox.load(&(self.bundle)());
            loaded.map_err(|error| error.to_string())
        };
        match self.loaded.get_or_insert_with(load) {
            Ok(loaded) => loaded.ask(request).map_err(|error| error.message),
            Err(message) => Err(message.clone()),
        }
    }
}

impl Expected {
    fn judge(&self, answer: &Answer) -> Outcome {
        let of_policies = [
            code::PERMIT,
            code::FORBID,
            code::NO_PERMIT,
            code::POLICY_ERROR,
        ];
        let mut reasons = answer.reasons.iter();
        if let Some(other) = reasons.find(|reason| !of_policies.contains(&reason.code.as_str())) {
            // A deny that no policy is the reason of is not the one that Cedar means.
            return Outcome::Undecided(other.message.clone());
        }
        let ids = |error: bool| -> BTreeSet<String> {
            let reasons = answer.reasons.iter();
            let wanted = reasons.filter(|reason| (reason.code == code::POLICY_ERROR) == error);
            wanted.filter_map(|reason| reason.policy.clone()).collect()
        };
        let (reasons, errors) = (ids(false), ids(true));
        let difference = || Difference {
            expected: self.to_string(),
            actual: describe(answer.effect, &list(&reasons), &list(&errors)),
        };
        let errors_agree = match &self.errors {
            Errors::Exactly(ids) => *ids == errors,
            Errors::Number(number) => *number == errors.len(),
        };
        let reasons_agree = match &self.reasons {
            Reasons::Exactly(ids) => *ids == reasons,
            Reasons::Among(ids) => ids.is_subset(&reasons),
        };
        if self.effect == answer.effect && reasons_agree && errors_agree {
            return Outcome::Agrees;
        }
        let only_errors_deny = self.effect == Effect::Allow
            && answer.effect == Effect::Deny
            && reasons.is_empty()
            && !errors.is_empty();
        if only_errors_deny && errors_agree {
            return Outcome::ErrorDenies(difference());
        }
        Outcome::Differs(difference())
    }
}

impl std::fmt::Display for Expected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Reasons::Exactly(reasons) | Reasons::Among(reasons)) = &self.reasons;
        let errors = match &self.errors {
            Errors::Exactly(errors) => list(errors),
            Errors::Number(0) => String::new(),
            Errors::Number(number) => format!("{number} of the policies"),
        };
        f.write_str(&describe(self.effect, &list(reasons), &errors))
    }
}

fn describe(effect: Effect, reasons: &str, errors: &str) -> String {
    let mut text = match effect {
        Effect::Allow => "allow".to_owned(),
        Effect::Deny => "deny".to_owned(),
    };
    // Writing to a string has no way to fail.
    if !reasons.is_empty() {
        let _ = write!(text, " by {reasons}");
    }
    if !errors.is_empty() {
        let _ = write!(text, ", and an error in {errors}");
    }
    text
}

fn list(ids: &BTreeSet<String>) -> String {
    let ids: Vec<String> = ids.iter().map(|id| format!("`{id}`")).collect();
    ids.join(", ")
}

fn read(path: &Path) -> Result<Source, PlainError> {
    Source::read(path, MAX_CASE, Code::Unreadable)
        .map_err(|finding| PlainError::Invalid(finding.message))
}

/// Tests, told from JSON of other kinds by `is`.
fn tests<T: for<'de> Deserialize<'de>>(
    path: &Path,
    is: fn(&serde_json::Value) -> bool,
) -> Result<T, PlainError> {
    let source = read(path)?;
    let name = &source.name;
    let value: serde_json::Value = serde_json::from_str(&source.text)
        .map_err(|error| PlainError::NoTests(format!("`{name}` is not JSON: {error}")))?;
    if !is(&value) {
        return Err(PlainError::NoTests(format!("`{name}` holds no tests")));
    }
    // From the text again, for the place in the message.
    serde_json::from_str(&source.text)
        .map_err(|error| PlainError::invalid(&format!("`{name}` is malformed"), error))
}
