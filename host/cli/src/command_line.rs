//! Verbs and what they have in common.

use clap::{Parser, Subcommand, ValueEnum};

use crate::failure::{Failure, Outcome};
use crate::{
    audit, build, check, completions, decide, diff, evidence, exit, explain, fmt, inspect, man,
    matrix, new, prove, schema, serve, test,
};

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
        help = "How results are printed: `human` or `json`, and what else the verb's help names; errors and notes are text on stderr"
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
    /// Commands that put findings beside the lines of a change on GitHub.
    Github,
    /// SARIF 2.1.0, for the pages of forges.
    Sarif,
    /// JUnit XML, for the pages of CI systems.
    Junit,
    /// A page.
    Html,
    /// A picture.
    Svg,
}

impl Format {
    fn as_str(self) -> &'static str {
        match self {
            Format::Human => "human",
            Format::Json => "json",
            Format::Github => "github",
            Format::Sarif => "sarif",
            Format::Junit => "junit",
            Format::Html => "html",
            Format::Svg => "svg",
        }
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    New(new::Arguments),
    Schema(schema::Arguments),
    Check(check::Arguments),
    Fmt(fmt::Arguments),
    Test(test::Arguments),
    Matrix(matrix::Arguments),
    Prove(prove::Arguments),
    Diff(diff::Arguments),
    Build(build::Arguments),
    Inspect(inspect::Arguments),
    Decide(Box<decide::Arguments>),
    Explain(Box<explain::Arguments>),
    Serve(serve::Arguments),
    Audit(audit::Arguments),
    Evidence(evidence::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
}

impl Verb {
    /// Refuses a format that the verb does not print.
    pub(crate) fn printed_as(&self, format: Format) -> Outcome<()> {
        let more: &[Format] = match self {
            Verb::Check(_) => &[Format::Github, Format::Sarif],
            Verb::Matrix(_) => &[Format::Html, Format::Svg],
            Verb::Prove(_) => &[Format::Github, Format::Sarif, Format::Junit],
            Verb::Test(_) => &[Format::Junit],
            _ => &[],
        };
        let all: Vec<Format> = [Format::Human, Format::Json]
            .iter()
            .chain(more)
            .copied()
            .collect();
        if all.contains(&format) {
            return Ok(());
        }
        let words: Vec<String> = all
            .iter()
            .map(|format| format!("`{}`", format.as_str()))
            .collect();
        Err(Failure::usage(
            format!("`--format {}` is not for this verb", format.as_str()),
            &format!("choose one of {}", words.join(", ")),
        ))
    }
}
