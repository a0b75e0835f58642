//! Decides whether someone may review, approve, merge or deploy a change, by
//! policies that were compiled into a sandboxed WebAssembly component.
//!
//! This is the library to put into your own runner, merge bot or deployment
//! service. It knows no policy language: all rules are inside the component,
//! and the component imports nothing, so that the same component and the same
//! request give the same verdict wherever and whenever they meet.
//!
//! The one type is [`Policy`]: an opened component that decides.
//!
//! 1. Make a [`Runtime`], once per process. It holds the sandbox, its limits
//!    and the cache of compiled code.
//! 2. [Open](Runtime::open_pinned) the component, with the digest that you
//!    expect it to have.
//! 3. Make a [`Request`], [from JSON](Request::from_json) or [in Rust](Request::new):
//!    who wants to do what to what, when, and the raw evidence.
//! 4. [Decide](Policy::decide). There is always a [`Verdict`].
//! 5. Go ahead on [`Effect::Allow`] and on nothing else, do what the
//!    [obligations](Verdict::obligations) say, and record the request, the
//!    verdict and the [digest](Policy::digest) of the component.
//!
//! ```no_run
//! use sod_host::{Digest, Effect, Request, Runtime};
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let runtime = Runtime::new()?;
//!     let expected: Digest = std::fs::read_to_string("protected-deploy.digest")?.trim().parse()?;
//!     let policy = runtime.open_pinned("protected-deploy.wasm", &expected)?;
//!
//!     let request = Request::from_json(&std::fs::read("request.json")?)?;
//!     let verdict = policy.decide(&request);
//!     println!("{}", serde_json::to_string_pretty(&verdict)?);
//!
//!     match verdict.effect {
//!         Effect::Allow => Ok(()),
//!         Effect::Deny => Err("denied".into()),
//!     }
//! }
//! ```
//!
//! # What is guaranteed
//!
//! * Every decision has a fresh instance, bounded in memory, instructions,
//!   stack, input and output. See [`RuntimeBuilder`] for the bounds.
//! * Whatever goes wrong (a crash, an exceeded limit, an answer that makes no
//!   sense) is a deny with one of the [`code`]s. [`Policy::try_decide`] tells
//!   such a deny from a decision.
//! * A component is sandboxed, not trusted. An allow is only believed with a
//!   permit of that component as its reason, nothing missing, and the digest of
//!   exactly the evidence that was sent.
//!
//! # What is not
//!
//! * That the policies are right, or the evidence true.
//! * A time limit in seconds: the limit is on instructions, so that a slow
//!   machine decides as a fast one does (docs/decisions/0001-deadline.md).
//!
//! wasmtime handles some traps by signals and installs process-wide handlers for them.

#![deny(unsafe_code)]

mod answer;
mod bindings;
mod cache;
pub mod code;
mod description;
mod digest;
mod entity;
mod error;
mod limits;
mod policy;
mod request;
mod runtime;
mod sandbox;
#[cfg(feature = "schema")]
mod schema;
mod verdict;

pub use cache::{CacheError, CacheLocation};
pub use description::{ActionInfo, Description, Mode, Need, PolicyInfo, QuorumInfo};
pub use digest::{Digest, DigestError};
pub use entity::{EntityUid, EntityUidError};
pub use error::{BuildError, DecideError, OpenError};
pub use policy::Policy;
pub use request::{Request, RequestError};
pub use runtime::{Runtime, RuntimeBuilder};
pub use serde_json::value::RawValue;
pub use verdict::{Approval, Effect, Fault, FaultKind, Missing, Obligation, Reason, Verdict};
