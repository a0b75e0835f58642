//! Comparisons with who had a hand in the work, where it need not be known who had.

use std::collections::BTreeSet;

use sod_core::Effect;
use sod_core::ast::{EntityType, EntityUID, Expr, ExprKind, Var};
use sod_core::cedar::Schema;

use super::known::{contradiction, follows};
use super::reading::{Conjunct, Reading, is_fact};
use crate::code::Code;
use crate::finding::Finding;

/// A fact that says whether others are whole: `unattributed` must not hold, the other ones must.
struct Guard {
    fact: &'static str,
    /// What it is when the others are whole.
    whole: bool,
    /// What passes otherwise, for the author.
    gap: &'static str,
    /// The facts that need it.
    needed_by: &'static [&'static str],
}

const GUARDS: [Guard; 3] = [
    Guard {
        fact: "unattributed",
        whole: false,
        gap: "work with an account in it that belongs to nobody in the directory",
        needed_by: &[
            "contributors",
            "authors",
            "committers",
            "co_authors",
            "pushers",
            "last_pusher",
            "last_pushers",
            "openers",
            "sponsors",
        ],
    },
    Guard {
        fact: "pushes_observed",
        whole: true,
        gap: "work of which the evidence does not say who pushed",
        needed_by: &["pushers", "last_pusher", "last_pushers"],
    },
    Guard {
        fact: "opener_observed",
        whole: true,
        gap: "a change of which the evidence does not say who opened it",
        needed_by: &["openers"],
    },
];

/// The types of the base schema that have contributors, and what these are.
const RESOURCES: [&str; 2] = ["Change", "Deployment"];
const PERSON: &str = "Person";

pub(super) fn check(readings: &[Reading<'_>], schema: &Schema) -> Vec<Finding> {
    let compared: Vec<_> = readings
        .iter()
        .map(|reading| (reading, compared(reading)))
        .filter(|(_, compared)| !compared.is_empty())
        .collect();
    let mut findings = Vec::new();
    for guard in &GUARDS {
        let watch = Watch::of(guard, readings);
        for (reading, compared) in &compared {
            let needs = |(_, name): &&(Expr, String)| guard.needed_by.contains(&name.as_str());
            let Some((expr, name)) = compared.iter().find(needs) else {
                continue;
            };
            if reading.looks_at(guard.fact) {
                continue;
            }
            let mut open = concerned(reading, schema);
            open.retain(|(action, known)| !watch.stops(action, known));
            if !open.is_empty() {
                findings.push(slips_through(reading, guard, (expr, name), &open));
            }
        }
    }
    findings
}

/// The facts about people of `resource` that the rule compares `principal` with, each with the place of the comparison.
fn compared(reading: &Reading<'_>) -> Vec<(Expr, String)> {
    let facts = |part: &Expr| -> Option<(Expr, String)> {
        let ExprKind::BinaryApp { arg1, arg2, .. } = part.expr_kind() else {
            return None;
        };
        let mut sides = [(arg1, arg2), (arg2, arg1)].into_iter();
        sides.find_map(|(one, other)| {
            let name = GUARDS
                .iter()
                .flat_map(|guard| guard.needed_by)
                .find(|name| is_fact(one, Var::Resource, name))?;
            let is_principal =
                |part: &Expr| matches!(part.expr_kind(), ExprKind::Var(Var::Principal));
            let compares = other.subexpressions().any(is_principal);
            compares.then(|| (part.clone(), (*name).to_owned()))
        })
    };
    let parts = reading.condition.iter().flat_map(Expr::subexpressions);
    parts.filter_map(facts).collect()
}

/// An action that a rule concerns, and what holds where it does.
type Concern = (EntityUID, Vec<Conjunct>);

/// Once for each kind of resource with contributors. Whoever is compared with those is a person.
fn concerned(reading: &Reading<'_>, schema: &Schema) -> Vec<Concern> {
    let is = |variable, ty: &EntityType| Conjunct {
        expr: Expr::is_entity_type(Expr::var(variable), ty.clone()),
        holds: true,
    };
    let mut concerns = Vec::new();
    for action in schema.actions() {
        let uid: &EntityUID = action.as_ref();
        if reading
            .actions
            .as_ref()
            .is_some_and(|some| !some.contains(uid))
        {
            continue;
        }
        for ty in schema.resources_for_action(action).into_iter().flatten() {
            let ty: &EntityType = ty.as_ref();
            let mut known = reading.conjuncts.clone();
            known.push(is(Var::Resource, ty));
            known.extend(PERSON.parse().map(|person| is(Var::Principal, &person)));
            let has_contributors = RESOURCES.contains(&ty.to_string().as_str());
            if has_contributors && contradiction(&known).is_none() {
                concerns.push((uid.clone(), known));
            }
        }
    }
    concerns
}

/// The rules that make sure that a fact is whole.
struct Watch<'a> {
    guard: &'a Guard,
    forbids: Vec<&'a Reading<'a>>,
    permits: Vec<&'a Reading<'a>>,
}

impl<'a> Watch<'a> {
    fn of(guard: &'a Guard, readings: &'a [Reading<'a>]) -> Self {
        let of = |effect| readings.iter().filter(move |one| one.rule.effect == effect);
        let broken = |one: &&Reading<'_>| one.conjuncts.iter().any(|one| guard.is(one, false));
        Watch {
            guard,
            forbids: of(Effect::Deny).filter(broken).collect(),
            permits: of(Effect::Allow).collect(),
        }
    }

    /// Is no request of this action allowed, where `known` holds and the fact is not whole? Either a forbid says so, or
    /// every permit asks for it.
    fn stops(&self, action: &EntityUID, known: &[Conjunct]) -> bool {
        let names = |one: &&&Reading<'_>| {
            let actions = one.actions.as_ref();
            actions.is_none_or(|actions| actions.contains(action))
        };
        let forbidden = self.forbids.iter().filter(names).any(|forbid| {
            let mut conjuncts = forbid.conjuncts.iter();
            conjuncts.all(|one| self.guard.is(one, false) || follows(one, known))
        });
        let mut permits = self.permits.iter().filter(names).peekable();
        let asked =
            |permit: &&Reading<'_>| permit.conjuncts.iter().any(|one| self.guard.is(one, true));
        forbidden || (permits.peek().is_some() && permits.all(asked))
    }
}

impl Guard {
    /// Does a conjunct say that the fact is whole, or that it is not?
    fn is(&self, conjunct: &Conjunct, whole: bool) -> bool {
        (conjunct.holds == self.whole) == whole && is_fact(&conjunct.expr, Var::Resource, self.fact)
    }
}

fn slips_through(
    reading: &Reading<'_>,
    guard: &Guard,
    (expr, name): (&Expr, &str),
    open: &[Concern],
) -> Finding {
    let actions: BTreeSet<String> = open
        .iter()
        .map(|(action, _)| format!("`{}`", AsRef::<str>::as_ref(action.eid())))
        .collect();
    let actions: Vec<String> = actions.into_iter().collect();
    let message = format!(
        "for {} no rule stops {}: whoever that was is not among `resource.{name}`",
        actions.join(", "),
        guard.gap
    );
    let condition = match guard.whole {
        true => format!("!resource.{}", guard.fact),
        false => format!("resource.{}", guard.fact),
    };
    Finding::new(Code::UnattributedSlipsThrough, message)
        .at(&reading.rule.source, reading.place(expr))
        .help(format!(
            "add a forbid for {} `when {{ {condition} }}`, or ask for it in this rule",
            actions.join(", ")
        ))
}
