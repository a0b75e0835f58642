//! Rules that are valid and may still fail when they are evaluated: numbers that grow too large, and entities that are
//! named in the rule and in no request. A rule that fails denies everything, so this is a nuisance and no hole.

use sod_core::ast::{BinaryOp, Expr, ExprKind, Literal, UnaryOp, Var};
use sod_core::{Mode, OptionValue, PackData};

use super::known::range;
use super::reading::{Conjunct, Reading, split};
use crate::code::Code;
use crate::finding::Finding;

/// Facts of the base schema that are counts or spans of time: the engine makes no larger ones.
const COUNTS: [&str; 10] = [
    "days_since_access_review",
    "files",
    "minutes",
    "minutes_since_mfa",
    "minutes_waiting",
    "quickest_approval_seconds",
    "reciprocal_reviews",
    "signer_count",
    "unreviewed",
    "unreviewed_grants",
];
const MAX_COUNT: i128 = 1 << 53;

/// What a number can be, from and to.
type Bounds = (i128, i128);

const LONG: Bounds = (i64::MIN as i128, i64::MAX as i128);

pub(super) fn check(reading: &Reading<'_>, mode: Mode, data: &PackData) -> Vec<Finding> {
    let mut walk = Walk {
        reading,
        mode,
        data,
        findings: Vec::new(),
    };
    if let Some(condition) = &reading.condition {
        walk.visit(condition, &reading.scope);
    }
    walk.findings
}

struct Walk<'a> {
    reading: &'a Reading<'a>,
    mode: Mode,
    data: &'a PackData,
    findings: Vec<Finding>,
}

impl Walk<'_> {
    /// An expression, evaluated where `known` holds.
    fn visit(&mut self, expr: &Expr, known: &[Conjunct]) {
        let with = |expr: &Expr, holds: bool| {
            let mut known = known.to_vec();
            split(expr, holds, &mut known);
            known
        };
        match expr.expr_kind() {
            ExprKind::And { left, right } => {
                self.visit(left, known);
                self.visit(right, &with(left, true));
            }
            ExprKind::Or { left, right } => {
                self.visit(left, known);
                self.visit(right, &with(left, false));
            }
            ExprKind::If {
                test_expr,
                then_expr,
                else_expr,
            } => {
                self.visit(test_expr, known);
                self.visit(then_expr, &with(test_expr, true));
                self.visit(else_expr, &with(test_expr, false));
            }
            _ => {
                // Where a sum is too large, nobody asks which part of it is, too.
                if !self.is_too_large(expr, known) {
                    self.check_read(expr, known);
                    let children = children(expr).into_iter();
                    children.for_each(|child| self.visit(child, known));
                }
            }
        }
    }

    fn is_too_large(&mut self, expr: &Expr, known: &[Conjunct]) -> bool {
        let bounds = self.computed(expr, known);
        let too_large = bounds.is_some_and(|(low, high)| low < LONG.0 || high > LONG.1);
        if too_large {
            let words = self.reading.words(expr);
            self.fail(
                expr,
                format!("`{words}` may be larger than any number can be"),
                "a rule that fails denies everything: ask for a bound first, `size < 1000000 && ...`, or compare without \
                 computing",
            );
        }
        too_large
    }

    fn check_read(&mut self, expr: &Expr, known: &[Conjunct]) {
        if let ExprKind::GetAttr { expr: of, attr } = expr.expr_kind()
            && let ExprKind::Lit(Literal::EntityUID(uid)) = of.expr_kind()
            && !self.is_always_there(&uid.entity_type().to_string())
            && !known
                .iter()
                .any(|one| one.holds && asks_for(&one.expr, of, attr))
        {
            self.fail(
                expr,
                format!("`{attr}` is read of `{uid}`, which need not be in the request"),
                &format!(
                    "a rule that fails denies everything: ask first, `{uid} has {attr} && ...`"
                ),
            );
        }
    }

    /// The engine knows everybody whom a rule names.
    fn is_always_there(&self, entity_type: &str) -> bool {
        self.mode == Mode::Evidence && entity_type == "Person"
    }

    fn fail(&mut self, expr: &Expr, message: String, help: &str) {
        let place = self.reading.place(expr);
        let finding = Finding::new(Code::MayFail, message).at(&self.reading.rule.source, place);
        self.findings.push(finding.help(help));
    }

    /// The bounds of a sum, a difference, a product or a negative. `None`: it is no such thing.
    fn computed(&self, expr: &Expr, known: &[Conjunct]) -> Option<Bounds> {
        match expr.expr_kind() {
            ExprKind::UnaryApp {
                op: UnaryOp::Neg,
                arg,
            } => {
                let (low, high) = self.bounds(arg, known);
                Some((-high, -low))
            }
            ExprKind::BinaryApp { op, arg1, arg2 } => {
                let (a, b) = (self.bounds(arg1, known), self.bounds(arg2, known));
                match op {
                    BinaryOp::Add => Some((a.0 + b.0, a.1 + b.1)),
                    BinaryOp::Sub => Some((a.0 - b.1, a.1 - b.0)),
                    BinaryOp::Mul => {
                        let corners = [a.0 * b.0, a.0 * b.1, a.1 * b.0, a.1 * b.1];
                        let least = corners.into_iter().min()?;
                        Some((least, corners.into_iter().max()?))
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn bounds(&self, expr: &Expr, known: &[Conjunct]) -> Bounds {
        let own = match expr.expr_kind() {
            ExprKind::Lit(Literal::Long(number)) => (i128::from(*number), i128::from(*number)),
            ExprKind::GetAttr { expr: of, attr } => self.attribute(of, attr),
            // What has become too large is said where it does.
            _ => self.computed(expr, known).map_or(LONG, within_long),
        };
        match range(expr, known) {
            Some((low, high)) => (own.0.max(low.into()), own.1.min(high.into())),
            None => own,
        }
    }

    fn attribute(&self, of: &Expr, name: &str) -> Bounds {
        if super::reading::is_fact(of, Var::Context, "option") {
            let option = self.data.options.iter().find(|option| option.name == name);
            if let Some(OptionValue::Number(number)) = option.map(|option| &option.value) {
                return (i128::from(*number), i128::from(*number));
            }
        }
        match self.mode == Mode::Evidence && COUNTS.contains(&name) {
            true => (-MAX_COUNT, MAX_COUNT),
            false => LONG,
        }
    }
}

fn within_long((low, high): Bounds) -> Bounds {
    (low.clamp(LONG.0, LONG.1), high.clamp(LONG.0, LONG.1))
}

/// `of has attr`
fn asks_for(expr: &Expr, of: &Expr, attr: &str) -> bool {
    match expr.expr_kind() {
        ExprKind::HasAttr { expr, attr: asked } => expr.as_ref() == of && asked == attr,
        ExprKind::ExtHasAttr { expr, attrs } => expr.as_ref() == of && attrs.first() == attr,
        _ => false,
    }
}

/// The operands of what is no connective.
fn children(expr: &Expr) -> Vec<&Expr> {
    match expr.expr_kind() {
        ExprKind::BinaryApp { arg1, arg2, .. } => vec![arg1, arg2],
        ExprKind::UnaryApp { arg: expr, .. }
        | ExprKind::GetAttr { expr, .. }
        | ExprKind::HasAttr { expr, .. }
        | ExprKind::ExtHasAttr { expr, .. }
        | ExprKind::Like { expr, .. }
        | ExprKind::Is { expr, .. } => vec![expr],
        ExprKind::ExtensionFunctionApp { args, .. } => args.iter().collect(),
        ExprKind::Set(items) => items.iter().collect(),
        ExprKind::Record(fields) => fields.values().collect(),
        _ => Vec::new(),
    }
}
