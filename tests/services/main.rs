//! The HTTP APIs of a server, over sockets.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod attacker;
mod basic;
mod batch;
mod discovery;
mod evidence;
mod malformed;
mod mapping;
mod native;
mod openapi;
mod search;
mod server;
