//! The command as scripts see it: exit codes, streams, formats, files.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod build;
mod decide;
mod diff;
mod evidence;
mod exit_codes;
mod findings;
mod fmt;
mod explain;
mod matrix;
mod new;
mod packs;
mod prove;
mod plain;
mod readme;
mod reference;
mod run;
mod squash;
mod streams;
#[cfg(unix)]
mod tutorial;
