//! `sod`: separation-of-duties policies at the command line. One module per verb.

mod build;
mod check;
mod command_line;
mod completions;
mod decide;
mod evidence;
mod exit;
mod explain;
mod failure;
mod inspect;
mod matrix;
mod open;
mod output;
mod page;
mod read;
mod test;
mod write;

use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;

use command_line::{CommandLine, Format, Print, Verb};
use failure::Outcome;
use output::Output;

fn main() -> ExitCode {
    let code = match CommandLine::try_parse() {
        Ok(command_line) => run(command_line),
        Err(error) => {
            // Nobody is left to tell if even this cannot be written.
            let _ = error.print();
            match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => exit::OK,
                _ => exit::USAGE,
            }
        }
    };
    ExitCode::from(code)
}

fn run(command_line: CommandLine) -> u8 {
    let print = command_line.format;
    let output = Output::new(print.plain().unwrap_or(Format::Human));
    let result = match command_line.verb {
        Verb::Matrix(arguments) => matrix::run(&arguments, print, &output),
        verb => print.plain().and_then(|_| text(verb, &output)),
    };
    result.unwrap_or_else(|failure| {
        output.report(failure.report.as_ref());
        failure.exit
    })
}

/// The verbs whose results are text or JSON only.
fn text(verb: Verb, output: &Output) -> Outcome<u8> {
    match verb {
        Verb::Check(arguments) => check::run(&arguments, output),
        Verb::Test(arguments) => test::run(&arguments, output),
        Verb::Matrix(arguments) => matrix::run(&arguments, Print::Human, output),
        Verb::Build(arguments) => build::run(&arguments, output),
        Verb::Inspect(arguments) => inspect::run(&arguments, output),
        Verb::Decide(arguments) => decide::run(&arguments, output),
        Verb::Evidence(arguments) => evidence::run(arguments, output),
        Verb::Completions(arguments) => completions::run(&arguments, output),
    }
}
