//! Routes: what they make of requests, and what is wrong with them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod evidence;
mod hostile;
mod identity;
mod invalid;
mod matching;
mod world;
