//! Verbs and what they have in common.

use clap::{Parser, Subcommand, ValueEnum};

use crate::failure::{Failure, Outcome};
use crate::{build, check, completions, decide, evidence, exit, inspect, matrix, test};

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
        help = "How results are printed: `human` or `json`, `html` or `svg` too for a matrix; errors and notes are text on stderr"
    )]
    pub(crate) format: Print,
}

/// What `--format` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Print {
    /// For people.
    Human,
    /// For programs.
    Json,
    /// A page.
    Html,
    /// A picture.
    Svg,
}

impl Print {
    /// For the verbs whose results are no tables.
    pub(crate) fn plain(self) -> Outcome<Format> {
        match self {
            Print::Human => Ok(Format::Human),
            Print::Json => Ok(Format::Json),
            Print::Html | Print::Svg => {
                let help = "`--format human` or `--format json`";
                Err(Failure::usage(
                    "pages and pictures are of a matrix only",
                    help,
                ))
            }
        }
    }
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    Matrix(matrix::Arguments),
    Build(build::Arguments),
    Inspect(inspect::Arguments),
    Decide(Box<decide::Arguments>),
    Evidence(evidence::Arguments),
    Completions(completions::Arguments),
}
