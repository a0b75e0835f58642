//! The command as scripts see it: exit codes, streams, formats, files.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod build;
mod decide;
mod evidence;
mod exit_codes;
mod matrix;
mod packs;
mod readme;
mod run;
mod squash;
mod streams;
mod test;
