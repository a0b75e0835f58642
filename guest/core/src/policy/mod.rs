//! Cedar: rules indexed by scope, facts handed over as entities, one evaluation.

pub(crate) mod actions;
pub(crate) mod entities;
mod index;
mod rule;

pub(crate) use index::{Outcome, Question, RuleSet};
pub(crate) use rule::Rule;
