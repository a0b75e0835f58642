//! What goes wrong on a network, over real sockets: no allow that the policy does not give, a clear answer where
//! there can be one, and a server that goes on.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod ending;
mod grpc;
#[path = "../../../runtime/tests/it/guest.rs"]
mod guest;
mod http2;
mod large;
mod malformed;
mod many;
mod reload;
mod serving;
mod slow;
mod telemetry;
mod time;
mod tls;
mod tokens;
mod unrecorded;
mod waiting;
