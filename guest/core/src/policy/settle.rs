//! Rules, copied so that deciding disturbs little memory.
//!
//! To evaluate a literal is to count one more reference to it, and to its place in the source text. As parsed, these
//! counts lie all over the memory of a large pack, and an instance pays for every page of it that it writes to.
//! Here equal literals become one, next to each other, and places are dropped: nobody reads them any more.

use std::collections::HashMap;
use std::sync::Arc;

use cedar_policy_core::ast::{EntityType, EntityUID, Expr, ExprBuilder, ExprKind, Literal, Name};
use cedar_policy_core::expr_builder::ExprBuilder as _;
use smol_str::SmolStr;

/// What expressions share.
#[derive(Default)]
pub(crate) struct Shared {
    types: HashMap<EntityType, EntityType>,
    entities: HashMap<EntityUID, Arc<EntityUID>>,
    strings: HashMap<SmolStr, SmolStr>,
}

impl Shared {
    /// The one copy of a type.
    pub(crate) fn entity_type(&mut self, ty: &EntityType) -> EntityType {
        let copy = || match ty.to_string().parse::<Name>() {
            Ok(name) => name.into(),
            Err(_) => ty.clone(),
        };
        self.types.entry(ty.clone()).or_insert_with(copy).clone()
    }

    /// The one copy of an entity's id.
    pub(crate) fn entity(&mut self, uid: &EntityUID) -> Arc<EntityUID> {
        if let Some(copy) = self.entities.get(uid) {
            return Arc::clone(copy);
        }
        let ty = self.entity_type(uid.entity_type());
        let copy = Arc::new(super::entities::uid(&ty, uid.eid().as_ref()));
        self.entities.insert(uid.clone(), Arc::clone(&copy));
        copy
    }

    fn string(&mut self, text: &SmolStr) -> SmolStr {
        let copy = || SmolStr::new(text.as_str());
        self.strings
            .entry(text.clone())
            .or_insert_with(copy)
            .clone()
    }

    fn literal(&mut self, literal: &Literal) -> Literal {
        match literal {
            Literal::EntityUID(uid) => Literal::EntityUID(self.entity(uid)),
            Literal::String(text) => Literal::String(self.string(text)),
            Literal::Bool(_) | Literal::Long(_) => literal.clone(),
        }
    }

    /// A copy that means the same.
    pub(crate) fn copy(&mut self, expr: &Expr) -> Expr {
        let mut arc = |expr: &Expr| Arc::new(self.copy(expr));
        let kind = match expr.expr_kind() {
            ExprKind::Lit(literal) => ExprKind::Lit(self.literal(literal)),
            ExprKind::Var(var) => ExprKind::Var(*var),
            ExprKind::Slot(slot) => ExprKind::Slot(*slot),
            ExprKind::Unknown(unknown) => ExprKind::Unknown(unknown.clone()),
            ExprKind::If {
                test_expr,
                then_expr,
                else_expr,
            } => ExprKind::If {
                test_expr: arc(test_expr),
                then_expr: arc(then_expr),
                else_expr: arc(else_expr),
            },
            ExprKind::And { left, right } => ExprKind::And {
                left: arc(left),
                right: arc(right),
            },
            ExprKind::Or { left, right } => ExprKind::Or {
                left: arc(left),
                right: arc(right),
            },
            ExprKind::UnaryApp { op, arg } => ExprKind::UnaryApp {
                op: *op,
                arg: arc(arg),
            },
            ExprKind::BinaryApp { op, arg1, arg2 } => ExprKind::BinaryApp {
                op: *op,
                arg1: arc(arg1),
                arg2: arc(arg2),
            },
            ExprKind::ExtensionFunctionApp { fn_name, args } => ExprKind::ExtensionFunctionApp {
                fn_name: fn_name.clone(),
                args: Arc::new(args.iter().map(|expr| self.copy(expr)).collect()),
            },
            ExprKind::GetAttr { expr, attr } => ExprKind::GetAttr {
                expr: arc(expr),
                attr: attr.clone(),
            },
            ExprKind::HasAttr { expr, attr } => ExprKind::HasAttr {
                expr: arc(expr),
                attr: attr.clone(),
            },
            ExprKind::ExtHasAttr { expr, attrs } => ExprKind::ExtHasAttr {
                expr: arc(expr),
                attrs: attrs.clone(),
            },
            ExprKind::Like { expr, pattern } => ExprKind::Like {
                expr: arc(expr),
                pattern: pattern.clone(),
            },
            ExprKind::Is { expr, entity_type } => ExprKind::Is {
                expr: arc(expr),
                entity_type: self.entity_type(entity_type),
            },
            ExprKind::Set(items) => {
                ExprKind::Set(Arc::new(items.iter().map(|expr| self.copy(expr)).collect()))
            }
            ExprKind::Record(members) => {
                let member = |(name, expr): (&SmolStr, &Expr)| (name.clone(), self.copy(expr));
                ExprKind::Record(Arc::new(members.iter().map(member).collect()))
            }
        };
        ExprBuilder::new().with_expr_kind(kind)
    }
}
