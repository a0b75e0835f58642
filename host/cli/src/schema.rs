//! `sod schema`: what the rules of a pack can speak of.

use std::path::PathBuf;

use clap::Args;
use sod_pack::Pack;

use crate::failure::Outcome;
use crate::output::Output;
use crate::{exit, write};

/// Print all that the rules of a pack can speak of: its whole Cedar schema
///
/// The base schema with a line on each fact, the names that `pack.toml` defines (quorums, classes of paths, windows,
/// conflicts, grants, options), and what the pack and those that it includes add. It is in Cedar's schema syntax,
/// whatever `--format` says.
///
/// Rules that are wrong are no obstacle: it is for whoever puts them right.
///
/// An editor reads it from a file: `sod new` makes one, `sod check` says when it is to be written anew.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  sod schema policies/protected-deploy
  sod schema . -o .vscode/facts.cedarschema")]
pub(crate) struct Arguments {
    /// The pack's folder
    #[arg(value_name = "PACK")]
    pack: PathBuf,

    /// Where to write it to [default: stdout]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Outcome<u8> {
    let schema = Pack::schema_of(&arguments.pack)?;
    match &arguments.output {
        Some(file) => write::atomically(file, schema.as_bytes())?,
        None => output.bytes(schema.as_bytes())?,
    }
    Ok(exit::OK)
}
