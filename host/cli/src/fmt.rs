//! `sod fmt`: rules laid out as Cedar's own formatter does it.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use sod_pack::format::{Formatted, files, format};
use sod_pack::{Findings, difference};

use crate::command_line::Format;
use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::page::Look;
use crate::write;

/// Lay rules out, as Cedar's own formatter does
///
/// Of a pack, its own rules and invariants; those of included packs are theirs. What the rules mean stays the same,
/// and comments stay where they are. If a file does not parse, none is changed, and the exit code is 3.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  sod fmt policies/protected-deploy
  sod fmt --check policies/*/
  sod fmt rules/approve.cedar")]
pub(crate) struct Arguments {
    /// Folders of packs, and files of rules
    #[arg(value_name = "PACK|FILE", required = true)]
    paths: Vec<PathBuf>,

    /// Change nothing: show what would change, and exit with 4 if anything would
    #[arg(long)]
    check: bool,
}

/// All files.
#[derive(Serialize)]
struct Report<'a> {
    /// How many are, or would be, changed.
    changed: usize,
    files: Vec<File<'a>>,
}

/// One file.
#[derive(Serialize)]
struct File<'a> {
    path: &'a Path,
    /// A unified diff; null if it is as it should be.
    difference: Option<String>,
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Outcome<u8> {
    let formatted = lay_out(&arguments.paths)?;
    let files: Vec<File<'_>> = formatted.iter().map(File::of).collect();
    let changed = files
        .iter()
        .filter(|file| file.difference.is_some())
        .count();
    let report = Report { changed, files };
    if !arguments.check {
        let mut others = formatted.iter().filter(|file| file.before != file.after);
        others.try_for_each(replace)?;
    }
    match output.format {
        Format::Json => output.json(&report)?,
        _ => explain(&report, arguments.check, output)?,
    }
    Ok(match arguments.check && changed > 0 {
        true => exit::TEST_FAILED,
        false => exit::OK,
    })
}

/// All of them before any is written: half a pack in another layout helps nobody.
fn lay_out(paths: &[PathBuf]) -> Outcome<Vec<Formatted>> {
    let mut findings = Findings::default();
    let mut formatted = Vec::new();
    for path in paths {
        let listed = match path.is_dir() {
            true => files(path),
            false => Ok(vec![path.clone()]),
        };
        for file in listed.unwrap_or_else(|found| {
            findings.append(found);
            Vec::new()
        }) {
            match format(&file) {
                Ok(file) => formatted.push(file),
                Err(found) => findings.append(found),
            }
        }
    }
    match findings.is_empty() {
        true => Ok(formatted),
        false => Err(Failure::from(findings).about("no file was changed")),
    }
}

/// A link stays one: the file that it leads to is written.
fn replace(file: &Formatted) -> Outcome<()> {
    let real = file.path.canonicalize();
    let real = real.map_err(|error| Failure::file("write", &file.path, &error))?;
    write::atomically(&real, file.after.as_bytes())
}

impl<'a> File<'a> {
    fn of(file: &'a Formatted) -> Self {
        let name = file.path.display().to_string();
        File {
            path: &file.path,
            difference: difference((&name, &file.before), (&name, &file.after)),
        }
    }
}

fn explain(report: &Report<'_>, check: bool, output: &Output) -> Outcome<()> {
    let mut page = output.page();
    for file in &report.files {
        match &file.difference {
            Some(difference) if check => page.block(difference),
            Some(_) => page.line(&file.path.display().to_string()),
            None => {}
        }
    }
    let (look, verb) = match check {
        true if report.changed > 0 => (Look::Bad, "to change"),
        true => (Look::Good, "to change"),
        false => (Look::Good, "changed"),
    };
    let all = report.files.len();
    page.put(look, &format!("{} of {all} files {verb}", report.changed));
    page.end();
    output.text(&page)
}
