//! docs/controls.md, and the table in README.md, say which rule answers to which control. They are made from the rules'
//! own `@control`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::engines::{open, packs, root};
use crate::golden::golden;

const PAGE: &str = "docs/controls.md";

const HEAD: &str = "\
# Controls

Which rule of the shipped packs answers to which control, from the `@control` of each rule. `SOD_BLESS=1 cargo test
--workspace controls` writes this page anew.

A rule is evidence that a control operates, not that the whole requirement is met: the page of each pack says what it
relies on and what it does not cover.

| control | rules |
|---|---|
";

/// What an annotation begins with; what follows, with commas between, are controls of it.
const STANDARDS: [&str; 7] = [
    "HIPAA 45 CFR",
    "ISO/IEC 27001:2022",
    "NIST SP 800-53",
    "PCI DSS 4.0.1",
    "SLSA v1.2 build track",
    "SLSA v1.2 source track",
    "SOX ITGC",
];

/// Rules by standard and control.
type Controls = BTreeMap<&'static str, BTreeMap<String, BTreeSet<String>>>;

fn controls() -> Controls {
    let mut controls = Controls::new();
    for folder in packs() {
        let pack = open(&folder);
        for rule in pack.own_rules() {
            let control = rule.annotations.get("control");
            let control = control.unwrap_or_else(|| panic!("`{}` has no `@control`", rule.id));
            for part in control.split("; ") {
                let standard = STANDARDS
                    .iter()
                    .find(|standard| part.starts_with(**standard));
                let standard = standard.unwrap_or_else(|| panic!("`{}`: `{part}`", rule.id));
                for control in part[standard.len()..].split(", ") {
                    let rules = controls.entry(standard).or_default();
                    let rules = rules.entry(control.trim().to_owned()).or_default();
                    rules.insert(format!("`{}` ({})", rule.id, pack.name()));
                }
            }
        }
    }
    controls
}

#[test]
fn the_page_of_controls_is_what_the_rules_say() {
    let mut page = HEAD.to_owned();
    for (standard, controls) in controls() {
        for (control, rules) in controls {
            let rules: Vec<_> = rules.into_iter().collect();
            writeln!(page, "| {standard} {control} | {} |", rules.join(", ")).unwrap();
        }
    }
    golden(PAGE, &page);
}

#[test]
fn the_table_of_the_readme_is_what_the_rules_say() {
    const BEGIN: &str = "| standard | controls | rules |\n|---|---|---|\n";
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let (before, rest) = readme.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once("\n\n").unwrap();
    let mut made = format!("{before}{BEGIN}");
    for (standard, controls) in controls() {
        let rules: BTreeSet<&String> = controls.values().flatten().collect();
        let names: Vec<&str> = controls.keys().map(String::as_str).collect();
        writeln!(
            made,
            "| {standard} | {} | {} |",
            names.join(", "),
            rules.len()
        )
        .unwrap();
    }
    golden("README.md", &format!("{made}\n{after}"));
}
