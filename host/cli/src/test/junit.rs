//! A test run as JUnit XML: a suite for each pack; in it its cases, and whatever else can fail.

use quick_junit::{TestCase, TestSuite};
use sod_pack::{Finding, Findings};

use super::report::{Ran, Report, Tested};
use crate::failure::Outcome;
use crate::junit;

pub(crate) fn xml(report: &Report) -> Outcome<String> {
    junit::xml("sod test", report.packs.iter().map(suite))
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
    junit::case(&pack.name, name, outcome)
}
