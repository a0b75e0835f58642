//! docs/controls.md says which rule answers to which control. It is made from the rules' own `@control`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::engines::{open, packs};
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

#[test]
fn the_page_of_controls_is_what_the_rules_say() {
    let mut controls: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for folder in packs() {
        let pack = open(&folder);
        for rule in pack.own_rules() {
            let control = rule.annotations.get("control");
            let control = control.unwrap_or_else(|| panic!("`{}` has no `@control`", rule.id));
            for control in control.split("; ") {
                let rules = controls.entry(control.trim().to_owned()).or_default();
                rules.insert(format!("`{}` ({})", rule.id, pack.name()));
            }
        }
    }
    let mut page = HEAD.to_owned();
    for (control, rules) in controls {
        let rules: Vec<_> = rules.into_iter().collect();
        writeln!(page, "| {control} | {} |", rules.join(", ")).unwrap();
    }
    golden(PAGE, &page);
}
