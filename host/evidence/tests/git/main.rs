//! The git collector against repositories that each test builds with `git`
//! itself, hostile ones among them. Git is the oracle wherever it has an answer.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod damage;
mod deployment;
mod documented;
mod files;
mod hostile;
mod identity;
mod inputs;
mod merges;
mod owners;
mod patch_id;
mod range;
mod revision;
mod sandbox;
mod squash;
