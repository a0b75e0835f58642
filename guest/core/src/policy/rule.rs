//! One policy, taken apart once at load.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cedar_policy_core::ast::{
    self, EntityType, EntityUID, Expr, ExprBuilder, ExprKind, Literal, Var,
};
use cedar_policy_core::expr_builder::ExprBuilder as _;

use super::Shared;
use crate::bundle::PolicySource;
use crate::program::LoadError;
use crate::verdict::{Effect, Reason};

/// How deep an expression may nest. Cedar guards its recursion by the size of
/// the stack, which it cannot know inside Wasm.
const MAX_DEPTH: usize = 256;

/// A policy ready to evaluate.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) id: String,
    pub(crate) effect: Effect,
    /// All but `@id`.
    pub(crate) annotations: BTreeMap<String, String>,
    pub(crate) scope: Scope,
    /// What holds besides the scope: `true && (when and unless)`.
    pub(crate) condition: Expr,
    /// Names of the quorums that it looks at.
    pub(crate) quorums: BTreeSet<String>,
    /// Entities that it names.
    pub(crate) literals: BTreeSet<EntityUID>,
}

/// What the scope demands of one variable: `None` if nothing.
#[derive(Debug, Default)]
pub(crate) struct Demand {
    /// The variable must be, or be in, one of these.
    pub(crate) within: Option<Vec<EntityUID>>,
    /// It must be one of them itself.
    pub(crate) exact: bool,
    /// The variable must be of this type.
    pub(crate) is: Option<EntityType>,
}

/// What the scope demands.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    pub(crate) principal: Demand,
    pub(crate) action: Demand,
    pub(crate) resource: Demand,
}

impl Rule {
    pub(crate) fn load(source: &PolicySource) -> Result<Self, LoadError> {
        let id = cedar_policy::PolicyId::new(&source.id);
        let policy = cedar_policy::Policy::parse(Some(id), &source.text)
            .map_err(|e| LoadError::new(format!("policy `{}`: {e}", source.id)))?;
        let policy: &ast::Policy = policy.as_ref();
        let condition = policy.condition();
        if deeper_than(&condition, MAX_DEPTH) {
            return Err(LoadError::new(format!(
                "policy `{}` nests deeper than {MAX_DEPTH} levels",
                source.id
            )));
        }
        let annotations = policy
            .annotations()
            .map(|(key, value)| (key.to_string(), value.as_ref().to_owned()))
            .filter(|(key, _)| key != "id")
            .collect();
        Ok(Rule {
            id: source.id.clone(),
            effect: match policy.effect() {
                ast::Effect::Permit => Effect::Allow,
                ast::Effect::Forbid => Effect::Deny,
            },
            annotations,
            scope: Scope {
                principal: demand(policy.principal_constraint().as_inner()),
                action: action_demand(policy.action_constraint()),
                resource: demand(policy.resource_constraint().as_inner()),
            },
            quorums: quorums(&condition),
            literals: literals(&condition),
            condition: besides_scope(policy),
        })
    }

    /// The same rule, of what is shared.
    pub(crate) fn settle(self, shared: &mut Shared) -> Self {
        Rule {
            condition: shared.copy(&self.condition),
            ..self
        }
    }

    /// This rule as the reason `code`, in its author's words where there are any.
    pub(crate) fn reason(&self, code: &str, otherwise: &str) -> Reason {
        let message = self.annotations.get("reason").filter(|r| !r.is_empty());
        Reason {
            code: code.to_owned(),
            policy: Some(self.id.clone()),
            message: message.map_or_else(|| otherwise.to_owned(), String::clone),
            annotations: self.annotations.clone(),
        }
    }
}

/// With the same errors as the condition as a whole, whose scope comes first and is true or ends it.
fn besides_scope(policy: &ast::Policy) -> Expr {
    let Some(besides) = policy.non_scope_constraints() else {
        return Expr::val(true);
    };
    ExprBuilder::new().with_expr_kind(ExprKind::And {
        left: Arc::new(Expr::val(true)),
        right: Arc::new(besides.clone()),
    })
}

fn demand(constraint: &ast::PrincipalOrResourceConstraint) -> Demand {
    use ast::PrincipalOrResourceConstraint::{Any, Eq, In, Is, IsIn};
    let (is, within) = match constraint {
        Any => (None, None),
        Eq(reference) | In(reference) => (None, Some(reference)),
        Is(ty) => (Some(ty), None),
        IsIn(ty, reference) => (Some(ty), Some(reference)),
    };
    Demand {
        is: is.map(|ty| (**ty).clone()),
        within: within.and_then(|reference| match reference {
            ast::EntityReference::EUID(uid) => Some(vec![(**uid).clone()]),
            // Of templates, which `Policy::parse` refuses.
            ast::EntityReference::Slot(_) => None,
        }),
        exact: matches!(constraint, Eq(_)),
    }
}

fn action_demand(constraint: &ast::ActionConstraint) -> Demand {
    let within = match constraint {
        ast::ActionConstraint::Any => None,
        ast::ActionConstraint::Eq(uid) => Some(vec![(**uid).clone()]),
        ast::ActionConstraint::In(uids) => Some(uids.iter().map(|u| (**u).clone()).collect()),
    };
    Demand {
        is: None,
        within,
        exact: matches!(constraint, ast::ActionConstraint::Eq(_)),
    }
}

/// `context.quorum.NAME`
fn quorums(condition: &Expr) -> BTreeSet<String> {
    let name = |expr: &Expr| match expr.expr_kind() {
        ExprKind::GetAttr { expr, attr } if is_quorum(expr) => Some(attr.to_string()),
        _ => None,
    };
    condition.subexpressions().filter_map(name).collect()
}

/// `context.quorum`
fn is_quorum(expr: &Expr) -> bool {
    match expr.expr_kind() {
        ExprKind::GetAttr { expr, attr } if attr == "quorum" => {
            matches!(expr.expr_kind(), ExprKind::Var(Var::Context))
        }
        _ => false,
    }
}

fn literals(condition: &Expr) -> BTreeSet<EntityUID> {
    let uid = |expr: &Expr| match expr.expr_kind() {
        ExprKind::Lit(Literal::EntityUID(uid)) => Some((**uid).clone()),
        _ => None,
    };
    condition.subexpressions().filter_map(uid).collect()
}

fn deeper_than(expr: &Expr, limit: usize) -> bool {
    let Some(limit) = limit.checked_sub(1) else {
        return true;
    };
    let deeper = |expr: &Expr| deeper_than(expr, limit);
    match expr.expr_kind() {
        ExprKind::Lit(_) | ExprKind::Var(_) | ExprKind::Slot(_) | ExprKind::Unknown(_) => false,
        ExprKind::If {
            test_expr,
            then_expr,
            else_expr,
        } => deeper(test_expr) || deeper(then_expr) || deeper(else_expr),
        ExprKind::And { left, right } | ExprKind::Or { left, right } => {
            deeper(left) || deeper(right)
        }
        ExprKind::BinaryApp { arg1, arg2, .. } => deeper(arg1) || deeper(arg2),
        ExprKind::UnaryApp { arg: expr, .. }
        | ExprKind::GetAttr { expr, .. }
        | ExprKind::HasAttr { expr, .. }
        | ExprKind::ExtHasAttr { expr, .. }
        | ExprKind::Like { expr, .. }
        | ExprKind::Is { expr, .. } => deeper(expr),
        ExprKind::ExtensionFunctionApp { args, .. } => args.iter().any(deeper),
        ExprKind::Set(items) => items.iter().any(deeper),
        ExprKind::Record(fields) => fields.values().any(deeper),
    }
}
