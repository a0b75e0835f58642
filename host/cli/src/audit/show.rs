//! `sod audit show`: one record.

use clap::Args;
use miette::miette;
use serde_json::Value;
use sod_server::audit::Uuid;

use super::Place;
use crate::exit;
use crate::failure::Outcome;
use crate::output::Output;

/// Print the record with this id, as JSON whatever `--format` says
///
/// The id of a decision is in its answer. The exit code is 1 if no
/// record has it.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The id
    #[arg(value_name = "ID")]
    id: Uuid,

    #[command(flatten)]
    place: Place,
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Outcome<u8> {
    let id = arguments.id;
    let Some(line) = arguments.place.open()?.find(id)? else {
        let help = "`sod audit verify` says from when to when the log goes";
        return Err(miette!(code = "record", help = help, "no record has the id {id}").into());
    };
    let record: Value = serde_json::from_str(&line)
        .map_err(|error| miette!("the record {id} cannot be read: {error}"))?;
    output.json(&record)?;
    Ok(exit::OK)
}
