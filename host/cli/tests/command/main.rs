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
mod explain;
mod findings;
mod fmt;
mod matrix;
mod new;
mod packs;
mod plain;
mod prove;
mod readme;
mod reference;
mod run;
mod squash;
mod streams;
mod test;
mod transcript;
#[cfg(unix)]
mod tutorial;
