//! Roles and teams that nobody defines. A rule about a role that nobody can hold is valid, and never does anything.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use sod_core::ast::{EntityUID, Expr, ExprKind, Literal, Policy};

use crate::code::Code;
use crate::finding::Finding;
use crate::folder::Folder;
use crate::manifest::{Group, Manifest};
use crate::rules::Rule;
use crate::source::Source;

/// A place in which a role or a team is named.
struct Mention<'a> {
    group: Group,
    name: String,
    source: &'a Source,
    at: Range<usize>,
}

pub(super) fn check<'a>(
    folders: &'a [Folder],
    rules: impl Iterator<Item = &'a Rule>,
) -> Vec<Finding> {
    let mut mentions: Vec<Mention<'_>> = folders.iter().flat_map(in_manifest).collect();
    mentions.extend(rules.flat_map(in_rule));
    let mut findings = Vec::new();
    for group in Group::ALL {
        let mentions = mentions.iter().filter(|mention| mention.group == group);
        match declared(folders, group) {
            Some(declared) => {
                let mentions = mentions.filter(|mention| !declared.contains(mention.name.as_str()));
                findings.extend(mentions.map(|mention| mention.unknown(&declared)));
            }
            None => findings.extend(misspelt(&mentions.collect::<Vec<_>>())),
        }
    }
    findings
}

/// The names that the packs of the tree declare. `None`: none of them declares any.
fn declared(folders: &[Folder], group: Group) -> Option<BTreeSet<&str>> {
    let declared = |folder: &'_ Folder| folder.manifest.declared.contains_key(&group);
    folders.iter().any(declared).then(|| {
        let lists = folders
            .iter()
            .filter_map(|folder| folder.manifest.declared.get(&group));
        lists.flatten().map(String::as_str).collect()
    })
}

fn in_manifest(folder: &Folder) -> impl Iterator<Item = Mention<'_>> {
    let Manifest { source, groups, .. } = &folder.manifest;
    groups.iter().map(move |(group, name, at)| Mention {
        group: *group,
        name: name.clone(),
        source,
        at: at.clone(),
    })
}

fn in_rule(rule: &Rule) -> Vec<Mention<'_>> {
    let policy: &Policy = rule.policy.as_ref();
    let condition = policy.condition();
    let literals = condition.subexpressions().filter_map(entity);
    literals
        .filter_map(|(uid, at)| {
            Some(Mention {
                group: Group::of_type(&uid.entity_type().to_string())?,
                name: AsRef::<str>::as_ref(uid.eid()).to_owned(),
                source: &rule.source,
                at: at.map_or(rule.at.clone(), |at| rule.source.first_line(at)),
            })
        })
        .collect()
}

fn entity(expr: &Expr) -> Option<(&EntityUID, Option<Range<usize>>)> {
    let ExprKind::Lit(Literal::EntityUID(uid)) = expr.expr_kind() else {
        return None;
    };
    let place = uid.loc().or(expr.source_loc());
    Some((uid, place.map(|loc| loc.start()..loc.end())))
}

impl Mention<'_> {
    fn unknown(&self, declared: &BTreeSet<&str>) -> Finding {
        let (noun, name) = (self.group.noun(), &self.name);
        let code = match self.group {
            Group::Role => Code::UnknownRole,
            Group::Team => Code::UnknownTeam,
        };
        let key = format!("`{noun}s = [...]` of pack.toml");
        let close = declared.iter().min_by_key(|other| distance(name, other));
        let help =
            match close.filter(|other| distance(name, other) <= name.chars().count().div_ceil(4)) {
                Some(close) => format!("did you mean `{close}`? If not, declare it in {key}"),
                None => format!(
                    "declare it in {key}, or name one that is declared: {}",
                    listed(declared)
                ),
            };
        let message = format!("no pack of this tree declares the {noun} `{name}`");
        let finding = Finding::new(code, message).at(self.source, self.at.clone());
        finding.help(help)
    }
}

fn listed(names: &BTreeSet<&str>) -> String {
    match names.is_empty() {
        true => "there is none".to_owned(),
        false => {
            let names: Vec<&str> = names.iter().copied().collect();
            format!("`{}`", names.join("`, `"))
        }
    }
}

/// Names of fewer letters are often only one letter apart.
const MIN_LETTERS: usize = 4;

/// Where nobody declares names, one that is there once and nearly another one.
fn misspelt(mentions: &[&Mention<'_>]) -> Vec<Finding> {
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    for mention in mentions {
        *count.entry(&mention.name).or_default() += 1;
    }
    let mentioned = |name: &str| count.get(name).copied().unwrap_or(0);
    // Of two that are there once, only one can be told wrong.
    let likelier = |name: &str, other: &str| mentioned(other) > 1 || name > other;
    let mut findings = Vec::new();
    for mention in mentions {
        let name = mention.name.as_str();
        if mentioned(name) > 1 || name.chars().count() < MIN_LETTERS {
            continue;
        }
        let close = count.keys().find(|other| {
            distance(name, other) == 1 && !are_siblings(name, other) && likelier(name, other)
        });
        if let Some(close) = close {
            let noun = mention.group.noun();
            let message =
                format!("the {noun} `{name}` is named only here, and `{close}` elsewhere");
            let finding = Finding::new(Code::NameMisspelt, message);
            findings.push(finding.at(mention.source, mention.at.clone()).help(format!(
                "if it is the same, write `{close}`; if not, declare both in `{noun}s = [...]` of pack.toml"
            )));
        }
    }
    findings
}

/// `squad1` and `squad2`, `team-a` and `team-b`: meant to be a letter apart.
fn are_siblings(a: &str, b: &str) -> bool {
    let stem = |name: &'_ str| name.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let counted = a.get(..stem(a)) == b.get(..stem(b));
    let (Some((a, a_end)), Some((b, b_end))) =
        (a.rsplit_once(['-', '_']), b.rsplit_once(['-', '_']))
    else {
        return counted;
    };
    counted || (a == b && a_end.len() <= 2 && b_end.len() <= 2)
}

/// How many letters have to be put in, left out, changed, or swapped with the next.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    let at = |row: &[usize], i: usize| row.get(i).copied().unwrap_or(usize::MAX / 2);
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let changed = at(&row, j) + usize::from(x != y);
            let left_out = at(&row, j + 1) + 1;
            let put_in = at(&next, j) + 1;
            let is_swap = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            let swapped = match is_swap {
                true => at(&before, j - 1) + 1,
                false => usize::MAX,
            };
            next.push(changed.min(left_out).min(put_in).min(swapped));
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn siblings_are_no_slips() {
        for (a, b, siblings) in [
            ("squad1", "squad2", true),
            ("squad", "squad2", true),
            ("team-a", "team-b", true),
            ("tier_10", "tier_1", true),
            ("duty-manager", "duty-manger", false),
            ("reviewer", "reviewers", false),
        ] {
            assert_eq!(are_siblings(a, b), siblings, "{a} {b}");
        }
    }

    #[test]
    fn a_slip_of_the_finger_is_one_step() {
        for (a, b, steps) in [
            ("security", "security", 0),
            ("security", "securty", 1),
            ("security", "securitty", 1),
            ("security", "secutity", 1),
            ("security", "secuirty", 1),
            ("security", "operations", 8),
            ("", "ab", 2),
            ("é", "e", 1),
        ] {
            assert_eq!(distance(a, b), steps, "{a} {b}");
            assert_eq!(distance(b, a), steps, "{b} {a}");
        }
    }
}
