//! A rule taken apart: what must hold for it to apply, one conjunct after another.

use std::collections::BTreeSet;
use std::ops::Range;

use sod_core::ast::{ActionConstraint, EntityUID, Expr, ExprKind, Literal, Policy, UnaryOp, Var};

use crate::rules::Rule;

/// Something that holds, or that does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Conjunct {
    pub(super) expr: Expr,
    pub(super) holds: bool,
}

/// A rule, and what it takes for it to apply.
pub(super) struct Reading<'r> {
    pub(super) rule: &'r Rule,
    /// The actions that its scope names. `None`: every action.
    pub(super) actions: Option<BTreeSet<EntityUID>>,
    /// What else its scope says.
    pub(super) scope: Vec<Conjunct>,
    /// That, and its conditions, in the order in which they are evaluated.
    pub(super) conjuncts: Vec<Conjunct>,
    /// What `when` and `unless` say, as one expression.
    pub(super) condition: Option<Expr>,
}

impl<'r> Reading<'r> {
    pub(super) fn of(rule: &'r Rule) -> Self {
        let policy: &Policy = rule.policy.as_ref();
        let actions = match policy.action_constraint() {
            ActionConstraint::Any => None,
            ActionConstraint::Eq(one) => Some(BTreeSet::from([(**one).clone()])),
            ActionConstraint::In(some) => Some(some.iter().map(|uid| (**uid).clone()).collect()),
        };
        let condition = policy.non_scope_constraints().cloned();
        let mut scope = Vec::new();
        split(&policy.principal_constraint().as_expr(), true, &mut scope);
        split(&policy.resource_constraint().as_expr(), true, &mut scope);
        let mut conjuncts = scope.clone();
        if let Some(condition) = &condition {
            split(condition, true, &mut conjuncts);
        }
        Reading {
            rule,
            actions,
            scope,
            conjuncts,
            condition,
        }
    }

    /// Where an expression is in the rule's file; the head of the rule if it has no place of its own.
    pub(super) fn place(&self, expr: &Expr) -> Range<usize> {
        let own = expr.source_loc().map(|loc| loc.start()..loc.end());
        own.map_or(self.rule.at.clone(), |at| self.rule.source.first_line(at))
    }

    /// An expression as its author wrote it, on one line.
    pub(super) fn words(&self, expr: &Expr) -> String {
        let at = expr.source_loc().map(|loc| loc.start()..loc.end());
        let text = at.and_then(|at| self.rule.source.text.get(at));
        let text = text.map_or_else(|| expr.to_string(), str::to_owned);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Is some part of its conditions this attribute of the resource?
    pub(super) fn looks_at(&self, fact: &str) -> bool {
        let mut parts = self.condition.iter().flat_map(Expr::subexpressions);
        parts.any(|part| is_fact(part, Var::Resource, fact))
    }
}

/// `a && b`, `!(a || b)`, `!!a`: into what has to hold for them.
pub(super) fn split(expr: &Expr, holds: bool, out: &mut Vec<Conjunct>) {
    match expr.expr_kind() {
        ExprKind::And { left, right } if holds => {
            split(left, holds, out);
            split(right, holds, out);
        }
        ExprKind::Or { left, right } if !holds => {
            split(left, holds, out);
            split(right, holds, out);
        }
        ExprKind::UnaryApp {
            op: UnaryOp::Not,
            arg,
        } => split(arg, !holds, out),
        ExprKind::Lit(Literal::Bool(value)) if *value == holds => {}
        _ => out.push(Conjunct {
            expr: expr.clone(),
            holds,
        }),
    }
}

/// `a || b`, `!(a && b)`: what of them is enough.
pub(super) fn alternatives(conjunct: &Conjunct) -> Option<[Vec<Conjunct>; 2]> {
    let (left, right) = match (conjunct.expr.expr_kind(), conjunct.holds) {
        (ExprKind::Or { left, right }, true) | (ExprKind::And { left, right }, false) => {
            (left, right)
        }
        _ => return None,
    };
    let side = |expr: &Expr| {
        let mut out = Vec::new();
        split(expr, conjunct.holds, &mut out);
        out
    };
    Some([side(left), side(right)])
}

/// Is it `VARIABLE.NAME`?
pub(super) fn is_fact(expr: &Expr, variable: Var, name: &str) -> bool {
    match expr.expr_kind() {
        ExprKind::GetAttr { expr, attr } => {
            attr == name && matches!(expr.expr_kind(), ExprKind::Var(var) if *var == variable)
        }
        _ => false,
    }
}
