//! `sod`: separation-of-duties policies at the command line. One module per verb.

mod audit;
mod build;
mod check;
mod command_line;
mod completions;
mod counterexample;
mod decide;
mod diff;
mod evidence;
mod exit;
mod explain;
mod failure;
mod findings;
mod fmt;
mod inspect;
mod junit;
mod man;
mod matrix;
mod new;
mod open;
mod output;
mod page;
mod plain;
mod prove;
mod read;
mod request;
mod schema;
mod serve;
mod shipped;
mod test;
mod verdict;
mod write;

use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;

use command_line::{CommandLine, Verb};
use failure::Outcome;
use output::Output;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
    let output = Output::new(command_line.format);
    let verb = command_line.verb;
    let result = verb
        .printed_as(command_line.format)
        .and_then(|()| carry_out(verb, &output));
    result.unwrap_or_else(|failure| {
        output.report(failure.report.as_ref());
        failure.exit
    })
}

fn carry_out(verb: Verb, output: &Output) -> Outcome<u8> {
    match verb {
        Verb::New(arguments) => new::run(&arguments, output),
        Verb::Schema(arguments) => schema::run(&arguments, output),
        Verb::Check(arguments) => check::run(&arguments, output),
        Verb::Fmt(arguments) => fmt::run(&arguments, output),
        Verb::Test(arguments) => test::run(&arguments, output),
        Verb::Matrix(arguments) => matrix::run(&arguments, output),
        Verb::Prove(arguments) => prove::run(&arguments, output),
        Verb::Diff(arguments) => diff::run(&arguments, output),
        Verb::Build(arguments) => build::run(&arguments, output),
        Verb::Inspect(arguments) => inspect::run(&arguments, output),
        Verb::Decide(arguments) => decide::run(&arguments, output),
        Verb::Explain(arguments) => explain::run(&arguments, output),
        Verb::Serve(arguments) => serve::run(&arguments, output),
        Verb::Audit(arguments) => audit::run(&arguments, output),
        Verb::Evidence(arguments) => evidence::run(arguments, output),
        Verb::Completions(arguments) => completions::run(&arguments, output),
        Verb::Man(arguments) => man::run(&arguments, output),
    }
}
