//! `sod prove`
use std::path::PathBuf;

use clap::Args;
use sod_prove::{Solver, prove};

use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::{exit, open};

/// Prove
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Folders of packs
    #[arg(value_name = "PACK", required = true)]
    packs: Vec<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Outcome<u8> {
    let solver = Solver::from_environment();
    for path in &arguments.packs {
        let pack = open::pack(path)?;
        let start = std::time::Instant::now();
        let found = prove(&pack, &solver).map_err(|error| Failure::from(miette::Report::from(error)))?;
        eprintln!("{}: {} properties, {:?}", path.display(), found.len(), start.elapsed());
        output.json(&found)?;
    }
    Ok(exit::OK)
}
