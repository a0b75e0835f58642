//! What Cedar's validation lets through, and still breaks a duty or does nothing.
//!
//! Each of these is right about what it says, and silent where a solver would be needed: that is `sod prove`'s.

mod dead;
mod failing;
mod includes;
mod known;
mod names;
mod reading;
mod unattributed;

use std::collections::BTreeSet;

use sod_core::cedar::Schema;
use sod_core::{Mode, PackData};

use crate::finding::Finding;
use crate::folder::Folder;
use crate::rules::Rule;

use includes::Includes;
use reading::Reading;

/// A tree of packs that Cedar finds valid, or nearly so.
pub(crate) struct Tree<'a> {
    pub(crate) folders: &'a [Folder],
    pub(crate) rules: &'a [Rule],
    pub(crate) invariants: &'a [Rule],
    pub(crate) mode: Mode,
    pub(crate) data: &'a PackData,
    pub(crate) schema: &'a Schema,
    /// Ids of the rules that Cedar has refused, or called impossible.
    pub(crate) faulty: &'a BTreeSet<String>,
    /// Every rule that was written is among them.
    pub(crate) complete: bool,
}

/// All that is found.
pub(crate) fn examine(tree: &Tree<'_>) -> Vec<Finding> {
    let includes = Includes::of(tree.folders);
    let sound = tree
        .rules
        .iter()
        .filter(|rule| !tree.faulty.contains(&rule.id));
    let mut findings = includes.shadowed();
    let mut readings = Vec::new();
    for reading in sound.map(Reading::of) {
        findings.extend(failing::check(&reading, tree.mode, tree.data));
        match dead::impossible(&reading) {
            Some(finding) => findings.push(finding),
            None => readings.push(reading),
        }
    }
    findings.extend(dead::covered(&readings, &includes));
    findings.extend(dead::repeated(&readings, &includes));
    if tree.mode == Mode::Evidence {
        // That no rule stops something is said of all the rules only.
        if tree.complete {
            findings.extend(unattributed::check(&readings, tree.schema));
        }
        findings.extend(names::check(
            tree.folders,
            tree.rules.iter().chain(tree.invariants),
        ));
    }
    findings
}

/// `file:line` of a rule.
fn place_of(rule: &Rule) -> String {
    rule.source.place(rule.at.start)
}
