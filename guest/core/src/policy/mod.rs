//! Cedar: rules indexed by scope, facts handed over as entities, one evaluation.

pub(crate) mod actions;
mod attributes;
mod condition;
pub(crate) mod context;
pub(crate) mod direct;
pub(crate) mod entities;
pub(crate) mod fact;
mod index;
pub(crate) mod read;
mod rule;
mod settle;
mod wanted;

pub(crate) use index::{Outcome, Position, Question, RuleSet, World};
pub(crate) use rule::Rule;
pub(crate) use settle::Shared;
pub(crate) use wanted::Wanted;
