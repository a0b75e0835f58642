//! What holds for every request: invariants of a pack, and what a change of it allows or denies.
//!
//! Policies, schema and question are translated to logic by Cedar's own symbolic compiler, whose translation is proved
//! right, and put to a solver. What comes back is a proof, or a request that breaks the property, with the facts
//! that it needs. This crate asks; whether such a request is what the component answers to is the caller's to replay.

mod assumptions;
mod common;
mod counterexample;
mod diff;
mod error;
mod prove;
mod question;
mod rewrite;
mod simplify;
mod solver;

pub use assumptions::definitions;
pub use counterexample::Counterexample;
pub use diff::{Change, Comparison, Difference, diff};
pub use error::ProveError;
pub use prove::{Kind, Outcome, Property, REVISION, prove};
pub use solver::Solver;
