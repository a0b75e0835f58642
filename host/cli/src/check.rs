//! `sod check`: what is wrong with a pack.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use sod_pack::{Finding, Findings, Pack, cases, matrix};

use crate::command_line::Format;
use crate::exit;
use crate::failure::Outcome;
use crate::findings;
use crate::output::Output;
use crate::page::{Look, Page};

/// Check packs: their manifest, schema, rules, cases and matrix
///
/// Rules are validated strictly against the schema: a misspelt role, fact or quorum is an error. What is valid and
/// still breaks a duty is a warning: a rule that may fail or never applies, a permit that is always forbidden, a
/// comparison with contributors who need not be known. Every finding has a place, a help line, and a code that
/// docs/diagnostics.md explains. Nothing is built or run.
///
/// `--format github` prints commands that put findings beside the lines of a change, `--format sarif` what forges read.
/// The exit code is 3 if there is an error; warnings alone leave it at 0.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  sod check policies/protected-deploy
  sod check policies/*/ --format json
  sod check policies/*/ --format github")]
pub(crate) struct Arguments {
    /// Folders of packs
    #[arg(value_name = "PACK", required = true)]
    packs: Vec<PathBuf>,
}

/// All packs.
#[derive(Serialize)]
struct Report<'a> {
    errors: usize,
    warnings: usize,
    packs: Vec<Checked<'a>>,
}

/// One pack.
#[derive(Serialize)]
struct Checked<'a> {
    path: &'a Path,
    /// Absent if the pack could not be read that far.
    #[serde(flatten)]
    contents: Option<Contents>,
    findings: Findings,
}

/// How much there is in a pack, so that "nothing wrong" is not "nothing there".
#[derive(Serialize)]
struct Contents {
    name: String,
    version: String,
    rules: usize,
    quorums: usize,
    cases: usize,
}

impl Report<'_> {
    fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.packs.iter().flat_map(|pack| &pack.findings)
    }
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Outcome<u8> {
    let packs: Vec<Checked<'_>> = arguments.packs.iter().map(|path| check(path)).collect();
    let report = Report {
        errors: packs.iter().map(|pack| pack.findings.errors()).sum(),
        warnings: packs.iter().map(|pack| pack.findings.warnings()).sum(),
        packs,
    };
    match output.format {
        Format::Json => output.json(&report)?,
        Format::Github => output.bytes(findings::github(report.findings()).as_bytes())?,
        Format::Sarif => output.json(&findings::sarif(report.findings()))?,
        _ => {
            let mut page = output.page();
            report
                .packs
                .iter()
                .for_each(|pack| explain(&mut page, pack));
            output.text(&page)?;
        }
    }
    Ok(match report.errors {
        0 => exit::OK,
        _ => exit::INVALID,
    })
}

fn check(path: &Path) -> Checked<'_> {
    let (contents, findings) = match Pack::open(path) {
        Err(findings) => (None, findings),
        Ok(pack) => {
            let mut findings = pack.warnings().clone();
            let cases = cases::read(&pack).map_or_else(
                |more| {
                    findings.append(more);
                    0
                },
                |cases| cases.len(),
            );
            if let Err(more) = matrix::read(&pack) {
                findings.append(more);
            }
            (Some(contents(&pack, cases)), findings)
        }
    };
    Checked {
        path,
        contents,
        findings,
    }
}

fn contents(pack: &Pack, cases: usize) -> Contents {
    Contents {
        name: pack.name().to_owned(),
        version: pack.version().to_owned(),
        rules: pack.rules().len(),
        quorums: pack.quorums().len(),
        cases,
    }
}

fn explain(page: &mut Page, pack: &Checked<'_>) {
    let (look, word) = match pack.findings.has_errors() {
        true => (Look::Bad, "invalid"),
        false => (Look::Good, "valid"),
    };
    page.put(look, word)
        .put(Look::Plain, "  ")
        .put(Look::Bold, &pack.path.display().to_string());
    if let Some(contents) = &pack.contents {
        let counts = [
            (contents.rules, "rule"),
            (contents.quorums, "quorum"),
            (contents.cases, "case"),
        ];
        let counts = counts.map(|(count, noun)| match count {
            1 => format!("1 {noun}"),
            count => format!("{count} {noun}s"),
        });
        page.put(Look::Plain, &format!(": {}", counts.join(", ")));
    }
    page.end();
    if !pack.findings.is_empty() {
        page.block(&pack.findings.render(false));
    }
}
