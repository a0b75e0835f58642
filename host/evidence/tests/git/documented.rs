//! Every diagnostic code has a heading in the manual, and every heading a diagnostic.

use std::collections::BTreeSet;

#[test]
fn every_code_has_a_heading() {
    let sources = [
        include_str!("../../src/git/error.rs"),
        include_str!("../../src/input.rs"),
    ];
    let after = |text: &'static str, mark: &'static str, end: char| -> BTreeSet<&'static str> {
        text.split(mark)
            .skip(1)
            .filter_map(|rest| rest.split(end).next())
            .collect()
    };
    let codes: BTreeSet<&str> = sources
        .iter()
        .flat_map(|source| after(source, "code(\"", '"'))
        .collect();
    let manual = include_str!("../../../../docs/evidence-git.md");
    let headings = after(manual, "\n### `", '`');
    assert!(codes.len() >= 10, "{codes:?}");
    assert_eq!(codes, headings);
}
