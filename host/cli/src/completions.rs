//! `sod completions`: what a shell needs to complete verbs and flags.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::command_line::CommandLine;
use crate::exit;
use crate::failure::Outcome;
use crate::output::Output;

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  sod completions bash > /etc/bash_completion.d/sod
  sod completions zsh > \"${fpath[1]}/_sod\"
  sod completions fish > ~/.config/fish/completions/sod.fish")]
pub(crate) struct Arguments {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Outcome<u8> {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut CommandLine::command(),
        "sod",
        &mut script,
    );
    output.bytes(&script)?;
    Ok(exit::OK)
}
