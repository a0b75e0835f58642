//! `sod serve` as a process: what it is started with, and what ends it.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod ending;
mod routes;
mod serving;
mod starting;
mod stdout;
