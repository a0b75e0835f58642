//! What the project claims, as tests. One binary: the sandbox is linked once.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod advice;
mod conformance;
mod controls;
mod definitions;
mod direct;
mod engines;
mod explain;
mod facts_page;
mod golden;
mod hostile_input;
mod index_equals_cedar;
mod inside_wasm;
mod invariants;
mod known;
mod modules;
mod obligations;
mod plain_cedar;
mod removal;
mod scale;
mod schema;
