//! Rules that change nothing: that contradict themselves, permits that a forbid always takes back, and rules that say
//! what another one says already.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher as _};

use sod_core::Effect;
use sod_core::ast::{BinaryOp, EntityUID, ExprKind};

use super::known::{contradiction, follows};
use super::reading::{Conjunct, Reading, alternatives};
use super::{Includes, place_of};
use crate::code::Code;
use crate::finding::Finding;

/// A rule that no request can meet, because of two of its own conditions.
pub(super) fn impossible(reading: &Reading<'_>) -> Option<Finding> {
    let (one, other) = contradiction(&reading.conjuncts)?;
    let words = |conjunct: &Conjunct| match conjunct.holds {
        true => format!("`{}`", reading.words(&conjunct.expr)),
        false => format!("not `{}`", reading.words(&conjunct.expr)),
    };
    let message = format!(
        "the rule never applies: it asks for {} and for {}",
        words(other),
        words(one)
    );
    let finding = Finding::new(Code::PolicyImpossible, message);
    let finding = finding.at(&reading.rule.source, reading.place(&one.expr));
    Some(finding.help(match reading.rule.effect {
        Effect::Deny => "both never hold of one request, so nothing is forbidden: if either is meant, join them with `||`",
        Effect::Allow => "both never hold of one request, so nothing is permitted: if either is meant, join them with `||`",
    }))
}

/// Permits that some forbid of the same pack, or of one that it includes, covers whole. A forbid of a pack on top is how
/// that takes a permission back, and no mistake.
pub(super) fn covered(readings: &[Reading<'_>], includes: &Includes<'_>) -> Vec<Finding> {
    let forbids: Vec<(&Reading<'_>, u128)> = of_effect(readings, Effect::Deny)
        .map(|forbid| (forbid, demanded(forbid)))
        .collect();
    let covers = |permit: &Reading<'_>, mentions: u128| {
        let mut candidates = forbids
            .iter()
            .filter(|(_, demanded)| demanded & !mentions == 0);
        candidates
            .find(|(forbid, _)| {
                includes.knows(&permit.rule.pack, &forbid.rule.pack)
                    && covers_actions(forbid, permit)
                    && forbid
                        .conjuncts
                        .iter()
                        .all(|one| follows(one, &permit.conjuncts))
            })
            .map(|(forbid, _)| forbid.rule)
    };
    of_effect(readings, Effect::Allow)
        .filter_map(|permit| {
            let forbid = covers(permit, mentioned(&permit.conjuncts, true))?;
            let message = format!(
                "`{}` permits nothing: `{}` ({}) forbids all of it",
                permit.rule.id,
                forbid.id,
                place_of(forbid)
            );
            let finding = permit.rule.finding(Code::PermitForbidden, message);
            Some(
                finding.help(
                    "a forbid wins over every permit: delete the permit, or narrow the forbid",
                ),
            )
        })
        .collect()
}

fn of_effect<'a, 'r>(
    readings: &'a [Reading<'r>],
    effect: Effect,
) -> impl Iterator<Item = &'a Reading<'r>> {
    readings
        .iter()
        .filter(move |reading| reading.rule.effect == effect)
}

fn covers_actions(forbid: &Reading<'_>, permit: &Reading<'_>) -> bool {
    match (&forbid.actions, &permit.actions) {
        (None, _) => true,
        (Some(forbidden), Some(permitted)) => permitted.is_subset(forbidden),
        (Some(_), None) => false,
    }
}

/// What a permit has to mention to be covered, as bits: a quick no for most pairs of rules.
fn demanded(forbid: &Reading<'_>) -> u128 {
    let plain = forbid
        .conjuncts
        .iter()
        .filter(|one| alternatives(one).is_none());
    plain.fold(0, |bits, one| {
        let is_equal = matches!(
            one.expr.expr_kind(),
            ExprKind::BinaryApp {
                op: BinaryOp::Eq,
                ..
            }
        );
        bits | mentioned([one], one.holds && is_equal)
    })
}

/// The attributes, and the literals too if they matter.
fn mentioned<'c>(conjuncts: impl IntoIterator<Item = &'c Conjunct>, literals: bool) -> u128 {
    let parts = conjuncts
        .into_iter()
        .flat_map(|one| one.expr.subexpressions());
    parts.fold(0, |bits, part| match part.expr_kind() {
        ExprKind::GetAttr { attr, .. } | ExprKind::HasAttr { attr, .. } => bits | bit(attr),
        ExprKind::Lit(literal) if literals => bits | bit(literal),
        _ => bits,
    })
}

fn bit(value: &impl Hash) -> u128 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    1 << (hasher.finish() % u64::from(u128::BITS))
}

/// What makes two rules the same: whether it permits, its actions, its conjuncts, and its obligation. With another
/// obligation a rule says something of its own.
type Meaning<'a> = (
    bool,
    Option<&'a BTreeSet<EntityUID>>,
    BTreeSet<String>,
    Option<&'a String>,
);

/// Rules that another one of the same pack, or of one that it includes, makes superfluous.
pub(super) fn repeated(readings: &[Reading<'_>], includes: &Includes<'_>) -> Vec<Finding> {
    let mut same: BTreeMap<Meaning<'_>, Vec<&Reading<'_>>> = BTreeMap::new();
    for reading in readings {
        let text = |one: &Conjunct| format!("{} {}", one.holds, one.expr);
        let meaning = (
            reading.rule.effect == Effect::Allow,
            reading.actions.as_ref(),
            reading.conjuncts.iter().map(text).collect(),
            reading.rule.annotations.get("obligation"),
        );
        same.entry(meaning).or_default().push(reading);
    }
    let mut findings = Vec::new();
    for rules in same.values() {
        for (at, reading) in rules.iter().enumerate() {
            let rule = reading.rule;
            let other = rules.iter().enumerate().find(|(other_at, other)| {
                let own = other.rule.pack == rule.pack;
                includes.knows(&rule.pack, &other.rule.pack)
                    && *other_at != at
                    && (!own || *other_at < at)
            });
            let Some((_, other)) = other else {
                continue;
            };
            let message = format!(
                "`{}` says what `{}` ({}) says already",
                rule.id,
                other.rule.id,
                place_of(other.rule)
            );
            let finding = rule.finding(Code::RuleRepeated, message);
            findings.push(finding.help("delete one of them; if they were meant to differ, one is not what its author meant"));
        }
    }
    findings
}
