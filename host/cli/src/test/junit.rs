//! A test run as JUnit XML: a suite for each pack; in it its cases, and whatever else can fail.

use miette::miette;
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};
use sod_pack::{Finding, Findings};

use super::report::{Ran, Report, Tested};
use crate::failure::Outcome;

pub(crate) fn xml(report: &Report) -> Outcome<String> {
    let mut page = quick_junit::Report::new("sod test");
    page.add_test_suites(report.packs.iter().map(suite));
    let xml = page.to_string();
    xml.map_err(|error| miette!("the result cannot be written as JUnit XML: {error}").into())
}

fn suite(pack: &Tested) -> TestSuite {
    let mut suite = TestSuite::new(pack.name.as_str());
    suite.add_test_cases(pack.cases.iter().map(|ran| case(pack, ran)));
    if pack.cases.is_empty() {
        let nothing = "a run that ran nothing has shown nothing";
        suite.add_test_case(one(
            pack,
            "cases",
            Err(("no case was run", nothing.to_owned())),
        ));
    }
    suite.add_test_cases(findings(pack, "rules", &pack.uncovered()));
    if let Some(matrix) = &pack.matrix {
        let outcome = match &matrix.difference {
            None => Ok(()),
            Some(difference) => Err(("the matrix is not as reviewed", difference.clone())),
        };
        suite.add_test_case(one(pack, "matrix", outcome));
    }
    if let Some(mutants) = &pack.mutants {
        suite.add_test_cases(findings(pack, "mutants", &mutants.findings));
    }
    suite
}

fn case(pack: &Tested, ran: &Ran) -> TestCase {
    let outcome = match ran.mismatches.first() {
        None => Ok(()),
        Some(first) => {
            let all = ran.mismatches.join("\n");
            Err((
                first.as_str(),
                format!("{}\n{}\n{all}", ran.file, ran.description),
            ))
        }
    };
    one(pack, &ran.name, outcome)
}

/// Nothing found is one test that passed.
fn findings(pack: &Tested, about: &str, findings: &Findings) -> Vec<TestCase> {
    if findings.is_empty() {
        return vec![one(pack, about, Ok(()))];
    }
    let place = |finding: &Finding| {
        let (file, line) = (
            finding.file.as_deref().unwrap_or_default(),
            finding.line.unwrap_or(1),
        );
        let help = finding.help.as_deref().unwrap_or_default();
        format!("{file}:{line}\n{help}")
    };
    let failed = |finding: &Finding| one(pack, about, Err((&finding.message, place(finding))));
    findings.iter().map(failed).collect()
}

fn one(pack: &Tested, name: &str, outcome: Result<(), (&str, String)>) -> TestCase {
    let status = match outcome {
        Ok(()) => TestCaseStatus::success(),
        Err((message, description)) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(message).set_description(description);
            status
        }
    };
    let mut case = TestCase::new(name, status);
    case.set_classname(pack.name.as_str());
    case
}
