//! What rules look at. What no rule names is not worked out: nobody could tell.

use std::collections::BTreeSet;

use cedar_policy_core::ast::{EntityType, Expr, ExprKind};
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
}

impl Wanted {
    /// Those that one of the rules names, of whatever it may be an attribute there.
    pub(crate) fn by(rules: &RuleSet, schema: &ValidatorSchema, types: &BaseTypes) -> Self {
        let named: BTreeSet<&str> = rules
            .parts()
            .flat_map(|part| part.subexpressions().flat_map(named))
            .collect();
        Wanted::of(schema, types, |name| named.contains(name))
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
