//! Verbs and what they have in common.

use clap::{Parser, Subcommand, ValueEnum};

use crate::{build, check, completions, decide, evidence, exit, inspect, test};

/// Separation of duties for code changes and deployments.
///
/// A pack is a folder of Cedar policies that say who may review, approve, merge and deploy what. `sod` checks
/// and tests packs, builds them into sandboxed WebAssembly components, and decides requests with them.
#[derive(Debug, Parser)]
#[command(
    name = "sod",
    version,
    after_help = exit::HELP,
    max_term_width = 110,
    disable_help_subcommand = true
)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    pub(crate) verb: Verb,

    /// How results are printed; errors and notes are always text, on stderr
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "FORMAT",
        default_value = "human",
        hide_possible_values = true,
        help = "How results are printed: `human` or `json`; errors and notes are text on stderr"
    )]
    pub(crate) format: Format,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Human,
    /// For programs.
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    Check(check::Arguments),
    Test(test::Arguments),
    Build(build::Arguments),
    Inspect(inspect::Arguments),
    Decide(Box<decide::Arguments>),
    Evidence(evidence::Arguments),
    Completions(completions::Arguments),
}
