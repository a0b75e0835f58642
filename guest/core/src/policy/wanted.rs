//! What rules look at. What no rule names is not worked out: nobody could tell.

use std::collections::BTreeSet;

use cedar_policy_core::ast::{EntityType, Expr, ExprKind, Var};
use cedar_policy_core::validator::ValidatorSchema;
use smol_str::SmolStr;

use super::RuleSet;
use super::entities::BaseTypes;

/// Attributes of the base schema's entities, of each type by name.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) person: Vec<SmolStr>,
    pub(crate) machine: Vec<SmolStr>,
    pub(crate) change: Vec<SmolStr>,
    pub(crate) artifact: Vec<SmolStr>,
    pub(crate) environment: Vec<SmolStr>,
    pub(crate) deployment: Vec<SmolStr>,
    /// Whether each commit was reviewed, which takes longest to find out.
    pub(crate) every_commit_reviewed: bool,
}

impl Wanted {
    /// Those that one of the rules names, of whatever it may be an attribute there.
    pub(crate) fn by(rules: &RuleSet, schema: &ValidatorSchema, types: &BaseTypes) -> Self {
        let all = || rules.parts().flat_map(Expr::subexpressions);
        let named: BTreeSet<&str> = all().flat_map(named).collect();
        // A context that is looked at as a whole has everything that it has.
        let contexts = all().filter(|expr| is_context(expr)).count();
        let looked_into = all().filter(|expr| looks_into_context(expr)).count();
        Wanted {
            every_commit_reviewed: contexts != looked_into
                || named.contains("every_commit_reviewed"),
            ..Wanted::of(schema, types, |name| named.contains(name))
        }
    }

    /// All of them, for people who look at facts.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn all(schema: &ValidatorSchema, types: &BaseTypes) -> Self {
        Wanted::of(schema, types, |_| true)
    }

    fn of(schema: &ValidatorSchema, types: &BaseTypes, wanted: impl Fn(&str) -> bool) -> Self {
        let of = |ty: &EntityType| -> Vec<SmolStr> {
            let declared = schema.get_entity_type(ty).into_iter();
            let names = declared.flat_map(|ty| ty.attributes().keys());
            let names = names.filter(|name| wanted(name));
            names.map(|name| SmolStr::new(name.as_str())).collect()
        };
        Wanted {
            person: of(&types.person),
            machine: of(&types.machine),
            change: of(&types.change),
            artifact: of(&types.artifact),
            environment: of(&types.environment),
            deployment: of(&types.deployment),
            every_commit_reviewed: true,
        }
    }
}

/// Names of attributes that the expression itself looks at. There is no other way to get at one: entities are equal if
/// their ids are.
fn named(expr: &Expr) -> Vec<&str> {
    match expr.expr_kind() {
        ExprKind::GetAttr { attr, .. } | ExprKind::HasAttr { attr, .. } => vec![attr.as_str()],
        ExprKind::ExtHasAttr { attrs, .. } => attrs.iter().map(SmolStr::as_str).collect(),
        _ => Vec::new(),
    }
}

fn is_context(expr: &Expr) -> bool {
    matches!(expr.expr_kind(), ExprKind::Var(Var::Context))
}

fn looks_into_context(expr: &Expr) -> bool {
    match expr.expr_kind() {
        ExprKind::GetAttr { expr, .. }
        | ExprKind::HasAttr { expr, .. }
        | ExprKind::ExtHasAttr { expr, .. } => is_context(expr),
        _ => false,
    }
}
