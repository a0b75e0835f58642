//! What can be said of a rule's parts by the facts themselves.
//!
//! To ask Cedar takes entities and a context made of all facts that some rule names. Most of what rules say is whether
//! one fact is so, and that is looked up here. An answer is the one that Cedar would give; `None` is no answer: where
//! Cedar would err, where a fact is of a kind that it looks into, and for everything that is not written here.

use cedar_policy_core::ast::{BinaryOp, EntityUID, Expr, ExprKind, Literal, UnaryOp, Var};

use super::context::Situation;
use super::entities::Store;
use super::fact::{Fact, Names, Thing};
use crate::bundle::OptionValue;

/// Who asks for what, and what is known of it.
pub(crate) struct Direct<'d, 'e> {
    pub(crate) store: &'d Store<'d, 'e>,
    pub(crate) situation: &'d Situation<'d>,
    pub(crate) principal: Thing<'d>,
    /// None: of a type that the pack's own schema declares.
    pub(crate) resource: Option<Thing<'d>>,
}

impl Direct<'_, '_> {
    /// What an expression comes to, if it is a Bool.
    pub(crate) fn holds(&self, expr: &Expr) -> Option<bool> {
        match self.fact(expr)? {
            Fact::Bool(holds) => Some(holds),
            _ => None,
        }
    }

    fn fact<'x>(&'x self, expr: &'x Expr) -> Option<Fact<'x>> {
        Some(match expr.expr_kind() {
            ExprKind::Lit(Literal::Bool(bool)) => Fact::Bool(*bool),
            ExprKind::Lit(Literal::Long(long)) => Fact::Long(*long),
            ExprKind::Lit(Literal::String(text)) => Fact::Text(text),
            ExprKind::Var(Var::Principal) => Fact::One(self.principal),
            ExprKind::Var(Var::Resource) => Fact::One(self.resource?),
            ExprKind::GetAttr { expr, attr } => self.member(expr, attr)?,
            ExprKind::HasAttr { expr, attr } => Fact::Bool(self.has(expr, attr)?),
            ExprKind::Is { expr, entity_type } => {
                let (ty, _) = self.store.name(self.thing(expr)?)?;
                Fact::Bool(ty == entity_type)
            }
            ExprKind::UnaryApp { op, arg } => match op {
                UnaryOp::Not => Fact::Bool(!self.holds(arg)?),
                UnaryOp::IsEmpty => Fact::Bool(is_empty(&self.fact(arg)?)?),
                UnaryOp::Neg => return None,
            },
            ExprKind::BinaryApp { op, arg1, arg2 } => Fact::Bool(self.compare(*op, arg1, arg2)?),
            _ => return None,
        })
    }

    fn thing<'x>(&'x self, expr: &'x Expr) -> Option<Thing<'x>> {
        match self.fact(expr)? {
            Fact::One(thing) => Some(thing),
            _ => None,
        }
    }

    fn member<'x>(&'x self, of: &'x Expr, name: &str) -> Option<Fact<'x>> {
        if is_context(of) {
            return self.situation.fact(self.store, name);
        }
        if let ExprKind::GetAttr { expr, attr } = of.expr_kind()
            && attr == "quorum"
            && is_context(expr)
        {
            return Some(Fact::Bool(self.situation.met(name)?));
        }
        match self.fact(of)? {
            Fact::One(thing) => self.store.attribute(thing, name),
            Fact::Flags(flags) => Some(Fact::Bool(*flags.get(name)?)),
            Fact::Options(options) => {
                let option = options.iter().find(|option| option.name == name)?;
                match option.value {
                    OptionValue::Number(number) => Some(Fact::Long(number)),
                    OptionValue::Word { .. } => None,
                }
            }
            Fact::Session(session) => match name {
                "network" => Some(Fact::Text(session.network?)),
                "country" => Some(Fact::Text(session.country?)),
                "minutes_since_mfa" => Some(Fact::Long(session.minutes_since_mfa?)),
                _ => None,
            },
            _ => None,
        }
    }

    fn has(&self, of: &Expr, name: &str) -> Option<bool> {
        if is_context(of) {
            let takes = self.situation.takes(name);
            return takes.then(|| self.situation.fact(self.store, name).is_some());
        }
        match self.fact(of)? {
            Fact::One(thing) => Some(self.store.attribute(thing, name).is_some()),
            Fact::Session(session) => match name {
                "network" => Some(session.network.is_some()),
                "country" => Some(session.country.is_some()),
                "minutes_since_mfa" => Some(session.minutes_since_mfa.is_some()),
                _ => None,
            },
            _ => None,
        }
    }

    fn compare(&self, op: BinaryOp, left: &Expr, right: &Expr) -> Option<bool> {
        match op {
            BinaryOp::Eq => match entity(right) {
                Some(uid) => self.is_named(self.thing(left)?, uid),
                None => self.equal(&self.fact(left)?, &self.fact(right)?),
            },
            BinaryOp::Less => Some(self.long(left)? < self.long(right)?),
            BinaryOp::LessEq => Some(self.long(left)? <= self.long(right)?),
            BinaryOp::In => self.is_in(self.thing(left)?, entity(right)?),
            BinaryOp::Contains => self.contains(left, right),
            BinaryOp::ContainsAny => match (self.fact(left)?, self.fact(right)?) {
                (Fact::People(some), Fact::People(others)) => Some(!some.is_disjoint(&others)),
                (Fact::Machines(some), Fact::Machines(others)) => Some(!some.is_disjoint(&others)),
                (Fact::Names(of, some), Fact::Names(others_of, others)) if of == others_of => {
                    Some(!some.is_disjoint(&others))
                }
                _ => None,
            },
            BinaryOp::ContainsAll => match (self.fact(left)?, self.fact(right)?) {
                (Fact::People(all), Fact::People(some)) => Some(some.is_subset(&all)),
                (Fact::Machines(all), Fact::Machines(some)) => Some(some.is_subset(&all)),
                (Fact::Names(of, all), Fact::Names(some_of, some)) if of == some_of => {
                    Some(some.is_subset(&all))
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn long(&self, expr: &Expr) -> Option<i64> {
        match self.fact(expr)? {
            Fact::Long(long) => Some(long),
            _ => None,
        }
    }

    fn equal(&self, left: &Fact<'_>, right: &Fact<'_>) -> Option<bool> {
        match (left, right) {
            (Fact::Bool(left), Fact::Bool(right)) => Some(left == right),
            (Fact::Long(left), Fact::Long(right)) => Some(left == right),
            (Fact::Text(left), Fact::Text(right)) => Some(left == right),
            (Fact::One(left), Fact::One(right)) => {
                Some(self.store.name(*left)? == self.store.name(*right)?)
            }
            _ => None,
        }
    }

    fn contains(&self, all: &Expr, one: &Expr) -> Option<bool> {
        if let ExprKind::Set(items) = all.expr_kind() {
            let Fact::Text(one) = self.fact(one)? else {
                return None;
            };
            let texts: Option<Vec<&str>> = items.iter().map(text).collect();
            return Some(texts?.contains(&one));
        }
        match (self.fact(all)?, entity(one)) {
            (Fact::Names(names, all), Some(uid)) => {
                let ty = match names {
                    Names::Roles => &self.store.types.role,
                    Names::Teams => &self.store.types.team,
                    Names::Strings => return None,
                };
                Some(ty == uid.entity_type() && all.contains(uid.eid().as_ref() as &str))
            }
            (Fact::Names(Names::Strings, all), None) => match self.fact(one)? {
                Fact::Text(one) => Some(all.contains(one)),
                _ => None,
            },
            (Fact::People(people), None) => match self.thing(one)? {
                Thing::Person(person) => Some(people.contains(&person)),
                _ => Some(false),
            },
            (Fact::Machines(machines), None) => match self.thing(one)? {
                Thing::Machine(machine) => Some(machines.contains(&machine)),
                _ => Some(false),
            },
            _ => None,
        }
    }

    fn is_named(&self, thing: Thing<'_>, uid: &EntityUID) -> Option<bool> {
        let (ty, id) = self.store.name(thing)?;
        Some(ty == uid.entity_type() && id == uid.eid().as_ref() as &str)
    }

    fn is_in(&self, thing: Thing<'_>, uid: &EntityUID) -> Option<bool> {
        Some(self.is_named(thing, uid)? || self.store.parents(thing).contains(uid))
    }
}

fn is_context(expr: &Expr) -> bool {
    matches!(expr.expr_kind(), ExprKind::Var(Var::Context))
}

fn entity(expr: &Expr) -> Option<&EntityUID> {
    match expr.expr_kind() {
        ExprKind::Lit(Literal::EntityUID(uid)) => Some(uid),
        _ => None,
    }
}

fn text(expr: &Expr) -> Option<&str> {
    match expr.expr_kind() {
        ExprKind::Lit(Literal::String(text)) => Some(text),
        _ => None,
    }
}

fn is_empty(fact: &Fact<'_>) -> Option<bool> {
    match fact {
        Fact::People(people) => Some(people.is_empty()),
        Fact::Machines(machines) => Some(machines.is_empty()),
        Fact::Changes(changes) => Some(changes.is_empty()),
        Fact::Names(_, names) => Some(names.is_empty()),
        _ => None,
    }
}
