//! `sod man`: manual pages, from the same definition as the help.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Command, CommandFactory as _};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use miette::miette;

use crate::command_line::CommandLine;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::{exit, write};

/// Print a manual page, or write all of them into a folder
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  sod man | man -l -
  sod man evidence git | man -l -
  sod man -o /usr/local/share/man/man1")]
pub(crate) struct Arguments {
    /// The verb, and the verb below it if there is one [default: the page of sod itself]
    #[arg(value_name = "VERB")]
    verb: Vec<String>,

    /// The folder to write the pages of sod and of every verb to
    #[arg(short, long, value_name = "DIR", conflicts_with = "verb")]
    output: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Outcome<u8> {
    let mut command = CommandLine::command();
    // Gives each verb its whole name.
    command.build();
    match &arguments.output {
        Some(folder) => write_all(&command, folder, output)?,
        None => output.bytes(&page(find(&command, &arguments.verb)?)?)?,
    }
    Ok(exit::OK)
}

fn find<'c>(command: &'c Command, verb: &[String]) -> Outcome<&'c Command> {
    let found = verb
        .iter()
        .try_fold(command, |command, name| command.find_subcommand(name));
    found.ok_or_else(|| {
        let message = format!("there is no verb `{}`", verb.join(" "));
        Failure::usage(message, "`sod --help` lists the verbs")
    })
}

fn write_all(command: &Command, folder: &Path, output: &Output) -> Outcome<()> {
    fs::create_dir_all(folder).map_err(|error| Failure::file("make", folder, &error))?;
    let mut commands = vec![command];
    let mut pages = 0;
    while let Some(command) = commands.pop() {
        let name = command.get_display_name().unwrap_or("sod");
        write::atomically(&folder.join(format!("{name}.1")), &page(command)?)?;
        pages += 1;
        commands.extend(command.get_subcommands());
    }
    output.note(&format!("wrote {pages} pages to `{}`", folder.display()));
    Ok(())
}

/// In the language of `man`.
fn page(command: &Command) -> Outcome<Vec<u8>> {
    let version = format!("sod {}", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone()).source(version);
    let mut page = Vec::new();
    let sections = [
        Man::render_title,
        Man::render_name_section,
        Man::render_synopsis_section,
        Man::render_description_section,
        Man::render_options_section,
    ];
    let unwritten = |error| miette!("the manual page cannot be written: {error}");
    for section in sections {
        section(&man, &mut page).map_err(unwritten)?;
    }
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)
            .map_err(unwritten)?;
    }
    after(command).to_writer(&mut page).map_err(unwritten)?;
    Ok(page)
}

/// Examples and tables, line by line: running text would lose their layout.
fn after(command: &Command) -> Roff {
    let mut roff = Roff::new();
    let text = command
        .get_after_long_help()
        .or_else(|| command.get_after_help());
    if let Some(text) = text {
        roff.control("SH", ["NOTES"]);
        roff.control("nf", []);
        text.to_string()
            .lines()
            .for_each(|line| _ = roff.text([roman(line)]));
        roff.control("fi", []);
    }
    roff
}
