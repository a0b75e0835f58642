//! `sod audit`: what is in a decision log.

mod replay;
mod show;
mod unused;
mod verify;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use sod_server::audit::{AuditError, Log};

use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Verify a decision log, or decide everything in it again
///
/// `sod serve` writes a decision log; docs/decision-log.md says what is in it and what the chain of digests is worth.
/// All of this reads the log line by line, while a server writes to it if need be.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Verify(verify::Arguments),
    Replay(replay::Arguments),
    Show(show::Arguments),
    Unused(unused::Arguments),
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Outcome<u8> {
    match &arguments.verb {
        Verb::Verify(arguments) => verify::run(arguments, output),
        Verb::Replay(arguments) => replay::run(arguments, output),
        Verb::Show(arguments) => show::run(arguments, output),
        Verb::Unused(arguments) => unused::run(arguments, output),
    }
}

/// The log that a verb is about.
#[derive(Debug, Args)]
struct Place {
    /// The folder of the log, or its files in their order
    #[arg(value_name = "LOG", required = true)]
    log: Vec<PathBuf>,
}

impl Place {
    fn open(&self) -> Outcome<Log> {
        Ok(Log::open(&self.log)?)
    }
}

impl From<AuditError> for Failure {
    fn from(error: AuditError) -> Self {
        let exit = match error {
            AuditError::Broken => exit::INTEGRITY,
            _ => exit::UNDECIDED,
        };
        let report = error.into();
        Failure { exit, report }
    }
}

/// `1 record`, `2 records`
fn counted(number: u64, one: &str, many: &str) -> String {
    let word = if number == 1 { one } else { many };
    format!("{number} {word}")
}
