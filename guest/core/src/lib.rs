//! From a request with raw evidence to a verdict, in one pure function.
//!
//! ```text
//! evidence (raw) -> facts (derived) -> Cedar -> verdict
//! ```
//!
//! No I/O, no clock, no randomness. [`Program::load`] turns a [`Bundle`] (a
//! validated pack) into something that decides; [`Program::decide`] is all
//! that it does afterwards.

pub mod bundle;
mod decide;
pub mod evidence;
mod facts;
mod hashing;
#[cfg(not(target_arch = "wasm32"))]
mod plain_facts;
mod policy;
mod program;
pub mod request;
mod text;
pub mod verdict;
mod warm_up;

/// The Cedar that this engine runs, for the pack compiler to validate with.
pub use cedar_policy as cedar;
/// Its syntax trees, for the pack compiler to look into rules with.
pub use cedar_policy_core::ast;

pub use bundle::{
    Bundle, Conflict, GrantOf, LeavesOut, Mode, OptionValue, PackData, PackOption, PathClass,
    PolicySource, Quorum, QuorumOf, StandsFor, Window,
};
#[cfg(not(target_arch = "wasm32"))]
pub use plain_facts::{Facts, Place, Signing};
pub use program::{ActionInfo, Description, LoadError, Parsed, PolicyInfo, Program};
pub use request::{EntityUid, Request};
pub use text::Text;
pub use verdict::{Effect, Fault, FaultKind, Verdict};
