//! JUnit XML, which the pages of CI systems show.

use miette::miette;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::failure::Outcome;

/// A whole run of a verb.
pub(crate) fn xml(verb: &str, suites: impl IntoIterator<Item = TestSuite>) -> Outcome<String> {
    let mut page = Report::new(verb);
    page.add_test_suites(suites);
    let xml = page.to_string();
    xml.map_err(|error| miette!("the result cannot be written as JUnit XML: {error}").into())
}

/// One test of a pack: passed, or why not, in a line and in full.
pub(crate) fn case(pack: &str, name: &str, outcome: Result<(), (&str, String)>) -> TestCase {
    let status = match outcome {
        Ok(()) => TestCaseStatus::success(),
        Err((message, description)) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(message).set_description(description);
            status
        }
    };
    let mut case = TestCase::new(name, status);
    case.set_classname(pack);
    case
}
