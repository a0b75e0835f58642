//! Every host that loads the component says the same, and believes as little. The server says it over HTTP and gRPC.
//!
//! The hosts in JavaScript and Python are run as they are shipped (host/js, host/python), at pinned versions that
//! `tests/node/install` and `tests/python/install` put in place.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod checked;
mod conformance;
#[path = "../../host/runtime/tests/it/hostile/files.rs"]
mod files;
#[path = "../../host/runtime/tests/it/guest.rs"]
#[expect(dead_code, reason = "the tests of the Rust host need more of it")]
mod guest;
#[path = "../../host/runtime/tests/it/hostile/guests.rs"]
mod guests;
mod hosts;
mod packages;
mod served;
mod suspicion;
