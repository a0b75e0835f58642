//! What some conjuncts say about one value: enough to see that they contradict each other, or that one follows from the
//! rest. It decides nothing that takes a solver; what it says is right.

use std::collections::BTreeSet;

use sod_core::ast::{BinaryOp, EntityType, Expr, ExprKind, Literal, Var};

use super::reading::{Conjunct, alternatives};

/// What one conjunct says about a value.
enum Says {
    Among(BTreeSet<Literal>),
    NotAmong(BTreeSet<Literal>),
    /// From, to, both included.
    Range(i64, i64),
    Is(EntityType),
}

/// What is known about one value.
#[derive(Default)]
struct Known {
    among: Option<BTreeSet<Literal>>,
    not: BTreeSet<Literal>,
    range: Option<(i64, i64)>,
    is: Option<EntityType>,
}

/// The value that a conjunct speaks of, and what it says.
fn claim(conjunct: &Conjunct) -> Option<(&Expr, Says)> {
    let holds = conjunct.holds;
    let among = |set| match holds {
        true => Says::Among(set),
        false => Says::NotAmong(set),
    };
    match conjunct.expr.expr_kind() {
        ExprKind::BinaryApp { op, arg1, arg2 } => match op {
            BinaryOp::Eq => {
                let (about, value) = match (literal(arg1), literal(arg2)) {
                    (None, Some(value)) => (arg1, value),
                    (Some(value), None) => (arg2, value),
                    _ => return None,
                };
                Some((about, among(BTreeSet::from([value.clone()]))))
            }
            BinaryOp::Contains => Some((arg2, among(literals(arg1)?))),
            BinaryOp::Less => order(arg1, arg2, 1, holds),
            BinaryOp::LessEq => order(arg1, arg2, 0, holds),
            _ => None,
        },
        ExprKind::Is { expr, entity_type } if holds => Some((expr, Says::Is(entity_type.clone()))),
        // An option is one of its words.
        ExprKind::GetAttr { expr, attr } if is_option(expr) => {
            Some((expr, among(BTreeSet::from([Literal::String(attr.clone())]))))
        }
        _ => None,
    }
}

/// `a < b` if `gap` is 1, `a <= b` if it is 0.
fn order<'e>(a: &'e Expr, b: &'e Expr, gap: i64, holds: bool) -> Option<(&'e Expr, Says)> {
    let (about, range) = match (literal(a), literal(b), holds) {
        (None, Some(Literal::Long(most)), true) => (a, (i64::MIN, most.saturating_sub(gap))),
        (None, Some(Literal::Long(most)), false) => (a, (most.saturating_add(1 - gap), i64::MAX)),
        (Some(Literal::Long(least)), None, true) => (b, (least.saturating_add(gap), i64::MAX)),
        (Some(Literal::Long(least)), None, false) => (b, (i64::MIN, least.saturating_sub(1 - gap))),
        _ => return None,
    };
    Some((about, Says::Range(range.0, range.1)))
}

fn literal(expr: &Expr) -> Option<&Literal> {
    match expr.expr_kind() {
        ExprKind::Lit(literal) => Some(literal),
        _ => None,
    }
}

/// A set of nothing but literals.
fn literals(expr: &Expr) -> Option<BTreeSet<Literal>> {
    match expr.expr_kind() {
        ExprKind::Set(items) => items.iter().map(|item| literal(item).cloned()).collect(),
        _ => None,
    }
}

/// `context.option.NAME`
fn is_option(expr: &Expr) -> bool {
    match expr.expr_kind() {
        ExprKind::GetAttr { expr, .. } => super::reading::is_fact(expr, Var::Context, "option"),
        _ => false,
    }
}

impl Known {
    fn about(value: &Expr, conjuncts: &[Conjunct]) -> Self {
        let mut known = Known::default();
        for conjunct in conjuncts {
            if let Some((_, says)) = claim(conjunct).filter(|(about, _)| *about == value) {
                known.learn(says);
            }
        }
        known
    }

    fn learn(&mut self, says: Says) {
        match says {
            Says::Among(set) => {
                self.among = Some(match self.among.take() {
                    Some(before) => before.intersection(&set).cloned().collect(),
                    None => set,
                });
            }
            Says::NotAmong(set) => self.not.extend(set),
            Says::Range(from, to) => {
                let (low, high) = self.range.unwrap_or((i64::MIN, i64::MAX));
                self.range = Some((low.max(from), high.min(to)));
            }
            Says::Is(ty) => {
                // Of two types it is neither.
                if self.is.as_ref().is_some_and(|is| *is != ty) {
                    self.among = Some(BTreeSet::new());
                }
                self.is = Some(ty);
            }
        }
    }

    /// All that it can be, if that is known to be one of few.
    fn candidates(&self) -> Option<BTreeSet<&Literal>> {
        let fits = |value: &&Literal| {
            let in_range = match (value, self.range) {
                (Literal::Long(number), Some((low, high))) => (low..=high).contains(number),
                _ => true,
            };
            let of_type = match (value, &self.is) {
                (Literal::EntityUID(uid), Some(ty)) => uid.entity_type() == ty,
                _ => true,
            };
            in_range && of_type && !self.not.contains(*value)
        };
        Some(self.among.as_ref()?.iter().filter(fits).collect())
    }

    fn is_nothing(&self) -> bool {
        let no_candidate = self.candidates().is_some_and(|some| some.is_empty());
        no_candidate || self.range.is_some_and(|(low, high)| low > high)
    }

    fn excludes(&self, value: &Literal) -> bool {
        let outside = match (value, self.range) {
            (Literal::Long(number), Some((low, high))) => !(low..=high).contains(number),
            _ => false,
        };
        let candidates = self.candidates();
        outside || self.not.contains(value) || candidates.is_some_and(|some| !some.contains(value))
    }

    fn implies(&self, says: &Says) -> bool {
        let candidates = self.candidates();
        let all = |fits: &dyn Fn(&Literal) -> bool| {
            let some = candidates.as_ref();
            some.is_some_and(|some| some.iter().all(|value| fits(value)))
        };
        match says {
            Says::Among(set) => all(&|value| set.contains(value)),
            Says::NotAmong(set) => set.iter().all(|value| self.excludes(value)),
            Says::Range(from, to) => {
                let inside = |low, high| *from <= low && high <= *to;
                self.range.is_some_and(|(low, high)| inside(low, high))
                    || all(&|value| matches!(value, Literal::Long(n) if inside(*n, *n)))
            }
            Says::Is(ty) => {
                self.is.as_ref() == Some(ty)
                    || all(
                        &|value| matches!(value, Literal::EntityUID(uid) if uid.entity_type() == ty),
                    )
            }
        }
    }
}

/// The bounds that the conjuncts give a number.
pub(super) fn range(value: &Expr, conjuncts: &[Conjunct]) -> Option<(i64, i64)> {
    Known::about(value, conjuncts).range
}

/// The first conjunct that cannot hold together with those before it, and the one of those that is against it.
/// Alternatives are looked into one after another: all of them have to be ruled out.
pub(super) fn contradiction(conjuncts: &[Conjunct]) -> Option<(&Conjunct, &Conjunct)> {
    let plain = conjuncts.iter().enumerate().find_map(|(at, conjunct)| {
        let before = conjuncts.get(..at)?;
        Some((conjunct, opponent(conjunct, before)?))
    });
    plain.or_else(|| {
        conjuncts.iter().enumerate().find_map(|(at, conjunct)| {
            let mut others = conjuncts.to_vec();
            others.remove(at);
            let branches = alternatives(conjunct)?;
            let mut ruled_out = branches
                .iter()
                .map(|branch| branch.iter().any(|part| opponent(part, &others).is_some()));
            let against = branches
                .iter()
                .flatten()
                .find_map(|part| opponent(part, &others))?;
            let against = conjuncts.iter().find(|other| *other == against)?;
            ruled_out.all(|out| out).then_some((conjunct, against))
        })
    })
}

/// One of `others` that rules a conjunct out, alone or with the rest of them.
fn opponent<'c>(conjunct: &Conjunct, others: &'c [Conjunct]) -> Option<&'c Conjunct> {
    let opposite = |other: &&Conjunct| other.expr == conjunct.expr && other.holds != conjunct.holds;
    if let Some(other) = others.iter().find(opposite) {
        return Some(other);
    }
    let (about, says) = claim(conjunct)?;
    let mut known = Known::about(about, others);
    known.learn(says);
    let speaks = |other: &&Conjunct| claim(other).is_some_and(|(other, _)| other == about);
    known.is_nothing().then(|| others.iter().rfind(speaks))?
}

/// Does a conjunct hold wherever all of the others do?
pub(super) fn follows(conjunct: &Conjunct, from: &[Conjunct]) -> bool {
    if from.contains(conjunct) {
        return true;
    }
    if let Some(branches) = alternatives(conjunct) {
        let whole = |branch: &Vec<Conjunct>| branch.iter().all(|part| follows(part, from));
        return branches.iter().any(whole);
    }
    claim(conjunct).is_some_and(|(about, says)| Known::about(about, from).implies(&says))
}

#[cfg(test)]
mod tests {
    //! Held against trying out every value.

    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::super::reading::split;
    use super::*;

    /// What a condition is for a number, a text and a truth value.
    type Truth = fn(i64, &str, bool) -> bool;

    const PLAIN: [(&str, Truth); 15] = [
        ("context.n < 2", |n, _, _| n < 2),
        ("context.n <= 2", |n, _, _| n <= 2),
        ("context.n > 1", |n, _, _| n > 1),
        ("context.n >= 1", |n, _, _| n >= 1),
        ("2 < context.n", |n, _, _| 2 < n),
        ("context.n == 3", |n, _, _| n == 3),
        ("3 != context.n", |n, _, _| n != 3),
        ("[1, 3].contains(context.n)", |n, _, _| [1, 3].contains(&n)),
        ("![0, 1].contains(context.n)", |n, _, _| {
            ![0, 1].contains(&n)
        }),
        ("context.t == \"x\"", |_, t, _| t == "x"),
        ("context.t != \"x\"", |_, t, _| t != "x"),
        ("[\"x\", \"y\"].contains(context.t)", |_, t, _| {
            ["x", "y"].contains(&t)
        }),
        ("context.b", |_, _, b| b),
        ("!context.b", |_, _, b| !b),
        ("true", |_, _, _| true),
    ];
    const WITH_ALTERNATIVES: [(&str, Truth); 4] = [
        ("context.b || context.n == 0", |n, _, b| b || n == 0),
        ("!(context.b && context.t == \"y\")", |_, t, b| {
            !(b && t == "y")
        }),
        ("context.n < 1 || context.n > 2 && context.b", |n, _, b| {
            n < 1 || n > 2 && b
        }),
        ("!(context.n == 3 || context.t == \"x\")", |n, t, _| {
            !(n == 3 || t == "x")
        }),
    ];

    fn conjuncts(text: &str) -> Vec<Conjunct> {
        let expression: sod_core::cedar::Expression = text.parse().unwrap();
        let mut out = Vec::new();
        split(expression.as_ref(), true, &mut out);
        out
    }

    /// Does it hold of everything that can be?
    fn always(holds: impl Fn(i64, &str, bool) -> bool) -> bool {
        let numbers = -2..=6;
        numbers.into_iter().all(|n| {
            let texts = ["x", "y", "z"];
            texts
                .iter()
                .all(|t| holds(n, t, true) && holds(n, t, false))
        })
    }

    #[test]
    fn of_two_plain_conditions_all_is_known() {
        for (one, one_is) in PLAIN {
            for (other, other_is) in PLAIN {
                let (a, b) = (conjuncts(one), conjuncts(other));
                let both = [a.clone(), b.clone()].concat();
                let never = always(|n, t, b| !(one_is(n, t, b) && other_is(n, t, b)));
                assert_eq!(contradiction(&both).is_some(), never, "{one} and {other}");
                let implied = always(|n, t, b| !one_is(n, t, b) || other_is(n, t, b));
                let follows = b.iter().all(|part| follows(part, &a));
                assert_eq!(follows, implied, "{other} from {one}");
            }
        }
    }

    #[test]
    fn whatever_is_said_of_three_conditions_is_right() {
        let all: Vec<(&str, Truth)> = PLAIN.into_iter().chain(WITH_ALTERNATIVES).collect();
        let mut said = 0;
        for (one, one_is) in &all {
            for (other, other_is) in &all {
                for (third, third_is) in &all {
                    let known = [conjuncts(one), conjuncts(other)].concat();
                    let more = conjuncts(third);
                    let holds = |n: i64, t: &str, b: bool| one_is(n, t, b) && other_is(n, t, b);
                    if contradiction(&[known.clone(), more.clone()].concat()).is_some() {
                        said += 1;
                        let never = always(|n, t, b| !(holds(n, t, b) && third_is(n, t, b)));
                        assert!(never, "{one} and {other} and {third}");
                    }
                    if more.iter().all(|part| follows(part, &known)) {
                        said += 1;
                        let implied = always(|n, t, b| !holds(n, t, b) || third_is(n, t, b));
                        assert!(implied, "{third} from {one} and {other}");
                    }
                }
            }
        }
        assert!(said > 1000, "{said}");
    }
}
