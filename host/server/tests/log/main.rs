//! The decision log as files: what every kind of accident and tampering leaves, and what an audit says of it.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod batch;
mod chain;
mod failure;
#[path = "../../../runtime/tests/it/guest.rs"]
mod guest;
mod mask;
mod replay;
mod restart;
mod rotation;
mod settings;
mod unused;
mod world;
