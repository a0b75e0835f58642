//! `sod audit unused`: what retention has left beside the log.

use std::path::PathBuf;

use clap::Args;
use sod_server::audit::{self, Unused};

use super::counted;
use crate::command_line::Format;
use crate::exit;
use crate::failure::Outcome;
use crate::output::Output;
use crate::page::{Look, Page};

/// Which files of evidence and components does no record name any more?
///
/// `log.keep_files` and `log.keep_days` remove records; what these named stays beside the log until it is removed here.
/// A file whose digest is anywhere in the log stays.
///
/// The exit code is 0, whether or not there are such files; with `--remove` it is 5 if the log is not whole, and 1 if a
/// server writes to it or a file cannot be removed.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  sod audit unused /var/lib/sod/decisions

  # While no server writes to it.
  sod audit unused /var/lib/sod/decisions --remove")]
pub(super) struct Arguments {
    /// The folder of the log
    #[arg(value_name = "LOG")]
    log: PathBuf,

    /// Remove them: of a log that is whole, and that no server writes to
    #[arg(long)]
    remove: bool,
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Outcome<u8> {
    let unused = match arguments.remove {
        true => audit::remove_unused(&arguments.log)?,
        false => audit::unused(&arguments.log)?,
    };
    match output.format {
        Format::Json => output.json(&unused)?,
        _ => output.text(&page(&unused, output))?,
    }
    Ok(exit::OK)
}

fn page(unused: &Unused, output: &Output) -> Page {
    let mut page = output.page();
    let word = if unused.removed { "REMOVED" } else { "UNUSED" };
    let files = counted(unused.files.len() as u64, "file", "files");
    let bytes = counted(unused.bytes, "byte", "bytes");
    page.put(Look::Good, word)
        .line(&format!("  {files}, {bytes}"));
    for path in &unused.files {
        page.line(&format!("  {}", path.display()));
    }
    page
}
