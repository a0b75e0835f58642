//! Codes are an interface: the enum and docs/diagnostics.md have the same ones, and none means two things.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use miette::Diagnostic;
use sod_pack::explain::Broken;
use sod_pack::{Code, CompileError, InspectError};

#[test]
fn every_code_has_a_heading_and_every_heading_a_code() {
    let text = include_str!("../../../docs/diagnostics.md");
    let headings: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("## `")?.strip_suffix('`'))
        .collect();
    let mut codes: Vec<String> = Code::ALL.iter().map(ToString::to_string).collect();
    codes.extend(
        errors()
            .iter()
            .map(|error| error.code().unwrap().to_string()),
    );
    assert_eq!(
        headings, codes,
        "docs/diagnostics.md against the code, both in the same order"
    );
    assert_eq!(
        codes.iter().collect::<BTreeSet<_>>().len(),
        codes.len(),
        "a code is there twice"
    );
    for code in Code::ALL {
        let explanation = code.explanation();
        let at = text.find(&format!("## `{code}`\n\n{explanation}\n"));
        assert!(
            at.is_some() && explanation.len() > 40,
            "{code}: {explanation}"
        );
    }
}

/// One of every variant that is no finding.
fn errors() -> Vec<Box<dyn Diagnostic>> {
    let message = String::new;
    vec![
        Box::new(CompileError::Refused { message: message() }),
        Box::new(CompileError::Failed { message: message() }),
        Box::new(CompileError::Engine { message: message() }),
        Box::new(CompileError::TooLarge { pages: 0, limit: 0 }),
        Box::new(CompileError::Unsealed { message: message() }),
        Box::new(InspectError::NotWasm(message())),
        Box::new(InspectError::NotAComponent),
        Box::new(InspectError::NotAPolicy),
        Box::new(InspectError::BadMetadata(message())),
        Box::new(InspectError::NotDescribed(message())),
        Box::new(Broken(message())),
    ]
}
