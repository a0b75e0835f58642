//! `sod audit`: what is in a decision log.

use clap::{Args, Subcommand};

use crate::exit;
use crate::failure::Outcome;
use crate::output::Output;

/// Verify a decision log, or decide everything in it again
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Is the log whole: nothing changed, taken out or put in?
    Verify,
    /// Would every decision come out the same, byte for byte?
    Replay,
}

pub(crate) fn run(arguments: &Arguments, _: &Output) -> Outcome<u8> {
    match arguments.verb {
        Verb::Verify | Verb::Replay => Ok(exit::UNDECIDED),
    }
}
