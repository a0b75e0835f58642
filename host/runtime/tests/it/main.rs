//! The host against components that it has no reason to trust.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod cache;
mod decide;
mod guest;
mod hostile;
mod request;
