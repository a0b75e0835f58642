//! The gate, asked as proxies ask it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod configuration;
mod evidence;
mod grpc;
#[path = "../../../../runtime/tests/it/guest.rs"]
#[expect(dead_code, reason = "tests of the runtime need more of it")]
mod guest;
mod http;
mod tokens;
mod world;
