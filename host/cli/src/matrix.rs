//! `sod matrix`: a pack as a table of who may do what, in which state.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use miette::miette;
use serde::Serialize;
use sod_host::{Policy, Request, Runtime};
use sod_pack::Pack;
use sod_pack::matrix::{self, Answers, GOLDEN, Matrix, QUESTIONS};

use crate::command_line::Format;
use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::open;
use crate::output::Output;
use crate::page::{Look, Page};
use crate::write;

/// Show who may do what in which state, and hold the table to the one that was reviewed
///
/// The file `matrix.toml` of a pack names people, actions and states of a change or deployment; every cell is the
/// verdict of the component that the pack is built into. The table is kept as `matrix.txt` beside it, so that a
/// change of the rules shows as a diff of who may do what.
///
/// Roles and actions that the pack's rules name and the matrix leaves out are errors, unless it says why.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  sod matrix policies/protected-deploy
  sod matrix policies/protected-deploy --bless
  sod matrix policies/*/ --check
  sod matrix policies/protected-deploy --format html > protected-deploy.html
  sod matrix policies/protected-deploy --format svg > protected-deploy.svg")]
pub(crate) struct Arguments {
    /// Folders of packs
    #[arg(value_name = "PACK", required = true)]
    packs: Vec<PathBuf>,

    /// Write the table to `matrix.txt` in the pack's folder; its diff is to be reviewed
    #[arg(long, conflicts_with = "check")]
    bless: bool,

    /// Print only what differs from `matrix.txt`; exit code 4 if anything does
    #[arg(long)]
    check: bool,
}

/// A pack with its table.
struct Asked<'a> {
    path: &'a Path,
    answers: Answers,
}

/// Whether a table is the one that was reviewed.
#[derive(Serialize)]
pub(crate) struct Compared {
    /// How many verdicts it is made of.
    pub(crate) cells: usize,
    /// From `matrix.txt` to the table of now. Absent: they are the same.
    pub(crate) difference: Option<String>,
}

/// All packs, compared.
#[derive(Serialize)]
struct Report<'a> {
    differing: usize,
    packs: Vec<ComparedPack<'a>>,
}

#[derive(Serialize)]
struct ComparedPack<'a> {
    path: &'a Path,
    name: &'a str,
    #[serde(flatten)]
    compared: Compared,
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Outcome<u8> {
    if arguments.check && matches!(output.format, Format::Html | Format::Svg) {
        let help = "leave out `--check`, or choose `--format human` or `json`";
        return Err(Failure::usage(
            "a comparison is no page and no picture",
            help,
        ));
    }
    let runtime = open::runtime(output)?;
    let asked = arguments.packs.iter().map(|path| ask(path, &runtime));
    let asked = asked.collect::<Outcome<Vec<_>>>()?;
    if arguments.check {
        return check(&asked, output);
    }
    if arguments.bless {
        for asked in &asked {
            let golden = asked.path.join(GOLDEN);
            write::atomically(&golden, asked.answers.to_text().as_bytes())?;
            output.note(&format!("wrote `{}`", golden.display()));
        }
    }
    show(asked, output)?;
    Ok(exit::OK)
}

fn ask<'a>(path: &'a Path, runtime: &Runtime) -> Outcome<Asked<'a>> {
    let pack = open::pack(path)?;
    let Some(matrix) = matrix::read(&pack)? else {
        let file = path.join(QUESTIONS);
        let help = "docs/matrix.md says how to write one";
        let file = file.display();
        return Err(miette!(code = "file", help = help, "there is no `{file}`").into());
    };
    let policy = open::compiled(&pack, runtime)?;
    let answers = answer(&matrix, &policy)?;
    Ok(Asked { path, answers })
}

/// Asks all that a matrix asks.
pub(crate) fn answer(matrix: &Matrix, policy: &Policy) -> Outcome<Answers> {
    matrix.answer(|request| {
        let request = Request::from_json(request.to_string().as_bytes())
            .map_err(|error| miette!("a cell is not a request: {}", error.problem))?;
        serde_json::to_value(policy.decide(&request))
            .map_err(|error| miette!("a verdict cannot be read: {error}").into())
    })
}

/// The table of now against the one that was reviewed.
pub(crate) fn compare(pack: &Pack, matrix: &Matrix, policy: &Policy) -> Outcome<Compared> {
    Ok(compared(pack.folder(), &answer(matrix, policy)?))
}

/// Without a reviewed table all of it is new. One that cannot be read was not reviewed.
fn compared(folder: &Path, answers: &Answers) -> Compared {
    let golden = fs::read(folder.join(GOLDEN)).unwrap_or_default();
    let golden = String::from_utf8_lossy(&golden);
    Compared {
        cells: answers.cells(),
        difference: matrix::difference(&golden, &answers.to_text()),
    }
}

fn check(asked: &[Asked<'_>], output: &Output) -> Outcome<u8> {
    let packs: Vec<ComparedPack<'_>> = asked
        .iter()
        .map(|asked| ComparedPack {
            path: asked.path,
            name: &asked.answers.pack,
            compared: compared(asked.path, &asked.answers),
        })
        .collect();
    let report = Report {
        differing: packs.iter().filter(|pack| pack.compared.differs()).count(),
        packs,
    };
    match output.format {
        Format::Json => output.json(&report)?,
        _ => {
            let mut page = output.page();
            for pack in &report.packs {
                pack.compared.explain(pack.path, &mut page);
            }
            output.text(&page)?;
        }
    }
    Ok(match report.differing {
        0 => exit::OK,
        _ => exit::TEST_FAILED,
    })
}

impl Compared {
    pub(crate) fn differs(&self) -> bool {
        self.difference.is_some()
    }

    pub(crate) fn explain(&self, path: &Path, page: &mut Page) {
        match &self.difference {
            None => {
                page.put(Look::Good, "ok");
                page.line(&format!("  {}: {} cells", path.display(), self.cells));
            }
            Some(difference) => {
                page.put(Look::Bad, "FAIL");
                page.line(&format!("  {}: not as reviewed", path.display()));
                page.block(difference);
                page.line(&format!(
                    "if this is meant: sod matrix {} --bless, and have the diff reviewed",
                    path.display()
                ));
            }
        }
    }
}

fn show(asked: Vec<Asked<'_>>, output: &Output) -> Outcome<()> {
    let answers: Vec<Answers> = asked.into_iter().map(|asked| asked.answers).collect();
    match output.format {
        Format::Json => output.json(&answers),
        Format::Html => output.bytes(matrix::to_html(&answers).as_bytes()),
        Format::Svg => output.bytes(matrix::to_svg(&answers).as_bytes()),
        _ => {
            let mut page = output.page();
            answers.iter().for_each(|one| page.block(&one.to_text()));
            output.text(&page)
        }
    }
}
