//! Suites: one file of cases that share their evidence and their time, as tables of who does what.
//!
//! ```yaml
//! description: who merges what
//! now: 2026-03-02T10:00:00Z
//! fixture: payments.json                  # or `evidence:` with people, teams and changes in place
//! tests:
//!   - name: reviewed
//!     principals: [ana, dana, 'Machine::"ci"']
//!     actions: [merge, approve]
//!     resources: ['Change::"bank/payments#42"']
//!     expect:
//!       - {principals: [dana], actions: [merge], effect: allow}
//!       - {principals: [ana], effect: deny, reasons: ["forbid:contributors-never-approve"]}
//!     default: {effect: deny, reasons: [no-permit]}
//! ```
//!
//! Every principal meets every action on every resource: that is a *cell*, and a case. A line of `expect` is for the
//! cells that it names; an axis that it leaves out, it is for all of. What no line is for is the `default`'s; without
//! one it is an error, as is a line that is for no cell, and a cell with two lines. A name without a type is a person's.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use json_patch::Patch;
use serde::Deserialize;
use serde_json::{Map, Value};
use serde_saphyr::Spanned;
use sod_core::Effect;

use super::{Case, Expectation, ExpectedMissing, Written, parse};
use crate::code::Code;
use crate::finding::{Finding, Findings};
use crate::options::Choice;
use crate::pack::Pack;
use crate::source::Source;

/// As written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSuite {
    description: String,
    now: Option<String>,
    fixture: Option<String>,
    evidence: Option<Value>,
    entities: Option<Value>,
    tests: Vec<RawTest>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTest {
    name: Spanned<String>,
    description: Option<String>,
    now: Option<String>,
    patch: Option<Patch>,
    #[serde(default)]
    choose: BTreeMap<String, Choice>,
    context: Option<Value>,
    principals: Axis,
    actions: Axis,
    resources: Axis,
    #[serde(default)]
    expect: Vec<Spanned<RawLine>>,
    default: Option<Spanned<RawDefault>>,
}

type Axis = Vec<Spanned<String>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLine {
    principals: Option<Axis>,
    actions: Option<Axis>,
    resources: Option<Axis>,
    effect: RawEffect,
    reasons: Option<BTreeSet<String>>,
    missing: Option<Vec<ExpectedMissing>>,
    obligations: Option<BTreeSet<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDefault {
    effect: RawEffect,
    reasons: Option<BTreeSet<String>>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawEffect {
    Allow,
    Deny,
}

/// What a cell expects.
#[derive(Clone)]
struct Expected {
    effect: Effect,
    expect: Expectation,
}

/// The cases of a suite.
pub(crate) fn read(source: &Source, stem: &str, pack: &Pack, findings: &mut Findings) -> Vec<Case> {
    let Some(suite) = findings.note(parse::yaml::<RawSuite>(source, Code::CaseInvalid)) else {
        return Vec::new();
    };
    let mut cases = Vec::new();
    let mut names = BTreeSet::new();
    if suite.tests.is_empty() {
        findings.push(Finding::new(Code::CaseInvalid, "a suite without tests").at(source, 0..0));
    }
    for test in &suite.tests {
        if !names.insert(test.name.value.as_str()) {
            let message = format!("two tests are named `{}`", test.name.value);
            findings.push(at(source, Code::CaseInvalid, message, &test.name));
        }
        let mut table = Table {
            suite: &suite,
            test,
            source,
            findings: &mut *findings,
        };
        cases.extend(table.cases(stem, pack));
    }
    cases
}

/// One test of a suite.
struct Table<'a> {
    suite: &'a RawSuite,
    test: &'a RawTest,
    source: &'a Source,
    findings: &'a mut Findings,
}

impl<'a> Table<'a> {
    fn cases(&mut self, stem: &str, pack: &Pack) -> Vec<Case> {
        let (suite, test) = (self.suite, self.test);
        if let Err((message, help)) = pack.choosing(&test.choose) {
            self.refuse(Code::CaseInvalid, message, &test.name, &help);
        }
        let written = Written {
            fixture: suite.fixture.as_deref(),
            evidence: suite.evidence.as_ref(),
            patch: test.patch.as_ref(),
        };
        let evidence = written.evidence(self.source, pack.folder());
        let Some(evidence) = self.findings.note(evidence) else {
            return Vec::new();
        };
        let mut cases = Vec::new();
        for (cell, expected) in self.cells() {
            let [principal, action, resource] = cell;
            let about = test.description.as_ref().unwrap_or(&test.name.value);
            cases.push(Case {
                name: format!(
                    "suites/{stem}/{}/{principal}/{action}/{resource}",
                    test.name.value
                ),
                file: self.source.name.clone(),
                description: format!("{}: {about}", suite.description),
                facts: false,
                effect: expected.effect,
                request: self.request(cell, evidence.as_ref()),
                choose: test.choose.clone(),
                expect: expected.expect,
            });
        }
        cases
    }

    fn request(&self, [principal, action, resource]: [&str; 3], evidence: Option<&Value>) -> Value {
        let principal = match principal.contains("::") {
            true => principal.to_owned(),
            false => format!("Person::\"{}\"", principal.escape_debug()),
        };
        let now = self.test.now.as_ref().or(self.suite.now.as_ref());
        let keys = [
            ("principal", Some(Value::from(principal))),
            ("action", Some(Value::from(action))),
            ("resource", Some(Value::from(resource))),
            ("now", now.cloned().map(Value::from)),
            ("evidence", evidence.cloned()),
            ("entities", self.suite.entities.clone()),
            ("context", self.test.context.clone()),
        ];
        let present = keys
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value?)));
        Value::Object(present.collect::<Map<String, Value>>())
    }

    /// Every cell with what it expects; what is wrong with any is a finding.
    fn cells(&mut self) -> Vec<([&'a str; 3], Expected)> {
        let test = self.test;
        let axes = [
            ("principals", &test.principals),
            ("actions", &test.actions),
            ("resources", &test.resources),
        ];
        for (name, axis) in axes {
            self.check_axis(name, axis);
        }
        let lines: Vec<(&Spanned<RawLine>, Expected)> = test
            .expect
            .iter()
            .map(|line| (line, self.expected(line)))
            .collect();
        let default = test.default.as_ref().map(|default| {
            let value = &default.value;
            self.check_reasons(value.effect, value.reasons.as_ref(), default);
            Expected::new(value.effect, value.reasons.clone())
        });
        lines
            .iter()
            .for_each(|(line, _)| self.check_names(&line.value));
        let mut used = BTreeSet::new();
        let mut cells = Vec::new();
        for principal in &test.principals {
            for action in &test.actions {
                for resource in &test.resources {
                    let cell =
                        [&principal.value, &action.value, &resource.value].map(String::as_str);
                    let mut of_cell = lines
                        .iter()
                        .enumerate()
                        .filter(|(_, (line, _))| line.value.is_for(cell));
                    let first = of_cell.next();
                    used.extend(first.map(|(ix, _)| ix));
                    for (ix, (line, _)) in of_cell {
                        used.insert(ix);
                        let message = format!("another line is for {} already", show(cell));
                        self.refuse(
                            Code::CaseExpectation,
                            message,
                            line,
                            "leave the cell to one of them",
                        );
                    }
                    match first
                        .map(|(_, (_, expected))| expected)
                        .or(default.as_ref())
                    {
                        Some(expected) => cells.push((cell, expected.clone())),
                        None => self.refuse(
                            Code::CaseExpectation,
                            format!("no line is for {}", show(cell)),
                            &test.name,
                            "say what is expected of it, or give the test a `default`",
                        ),
                    }
                }
            }
        }
        for (_, (line, _)) in lines
            .iter()
            .enumerate()
            .filter(|(ix, _)| !used.contains(ix))
        {
            let message = "this line is for no cell of the table".to_owned();
            self.refuse(
                Code::CaseExpectation,
                message,
                line,
                "delete it, or name what is in the table",
            );
        }
        cells
    }

    fn check_axis(&mut self, name: &str, axis: &Axis) {
        let mut seen = BTreeSet::new();
        if axis.is_empty() {
            let message = format!("`{name}` is empty, so the test has no case");
            self.refuse(
                Code::CaseInvalid,
                message,
                &self.test.name,
                "name at least one",
            );
        }
        for one in axis.iter().filter(|one| !seen.insert(&one.value)) {
            let message = format!("`{}` is named twice", one.value);
            self.refuse(Code::CaseInvalid, message, one, "delete one of them");
        }
    }

    /// A name that no axis has is a slip of the pen.
    fn check_names(&mut self, line: &RawLine) {
        let test = self.test;
        let axes = [
            ("principals", &line.principals, &test.principals),
            ("actions", &line.actions, &test.actions),
            ("resources", &line.resources, &test.resources),
        ];
        for (name, named, axis) in axes {
            for one in named.iter().flatten() {
                if !axis.iter().any(|known| known.value == one.value) {
                    let message = format!("`{}` is not among the `{name}` of this test", one.value);
                    self.refuse(
                        Code::CaseExpectation,
                        message,
                        one,
                        "write it as the table does, or add it there",
                    );
                }
            }
        }
    }

    fn expected(&mut self, line: &Spanned<RawLine>) -> Expected {
        let written = &line.value;
        self.check_reasons(written.effect, written.reasons.as_ref(), line);
        let expected = Expected::new(written.effect, written.reasons.clone());
        Expected {
            expect: Expectation {
                missing: written.missing.clone(),
                obligations: written.obligations.clone(),
                ..expected.expect
            },
            ..expected
        }
    }

    fn check_reasons<T>(
        &mut self,
        effect: RawEffect,
        reasons: Option<&BTreeSet<String>>,
        place: &Spanned<T>,
    ) {
        if matches!(effect, RawEffect::Deny) && reasons.is_none_or(BTreeSet::is_empty) {
            self.refuse(
                Code::CaseExpectation,
                "a line that expects a deny must say for which reasons".to_owned(),
                place,
                "`reasons: [\"forbid:ID-OF-A-RULE\"]`: a deny for another reason proves nothing",
            );
        }
    }

    fn refuse<T>(&mut self, code: Code, message: String, place: &Spanned<T>, help: &str) {
        self.findings
            .push(at(self.source, code, message, place).help(help));
    }
}

impl Expected {
    fn new(effect: RawEffect, reasons: Option<BTreeSet<String>>) -> Self {
        Expected {
            effect: match effect {
                RawEffect::Allow => Effect::Allow,
                RawEffect::Deny => Effect::Deny,
            },
            expect: Expectation {
                reasons,
                ..Expectation::default()
            },
        }
    }
}

impl RawLine {
    fn is_for(&self, [principal, action, resource]: [&str; 3]) -> bool {
        let has = |axis: &Option<Axis>, name: &str| {
            axis.as_ref()
                .is_none_or(|axis| axis.iter().any(|one| one.value == name))
        };
        has(&self.principals, principal)
            && has(&self.actions, action)
            && has(&self.resources, resource)
    }
}

fn show([principal, action, resource]: [&str; 3]) -> String {
    format!("`{principal}`, `{action}`, `{resource}`")
}

fn at<T>(source: &Source, code: Code, message: String, place: &Spanned<T>) -> Finding {
    let start = parse::offset(source, place.referenced.line(), place.referenced.column());
    let range: Range<usize> = start..start;
    Finding::new(code, message).at(source, range)
}
