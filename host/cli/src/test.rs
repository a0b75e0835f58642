//! `sod test`: a pack's cases, decided by the component that the pack is built into.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use sod_host::{Policy, Request, Runtime};
use sod_pack::cases::{self, Case};
use sod_pack::{Findings, Pack, matrix};

use crate::command_line::Format;
use crate::failure::Outcome;
use crate::matrix::{Compared, compare};
use crate::output::Output;
use crate::page::{Look, Page};
use crate::{exit, open, plain};

/// Run the cases of packs, and compare their matrices
///
/// A case is a request with the verdict that it must get: allowed, or denied for exactly the reasons listed.
/// Each is decided by the component that the pack is built into, in the sandbox, as in production.
///
/// A rule of the pack that no passing case names as a reason fails the run: nobody would notice if it were
/// deleted. So does a pack without cases. The rules of an included pack are not looked at here; they are that
/// pack's own business, so test it too. So does a matrix (`sod matrix`) that is not the one that was reviewed.
/// With --filter neither is looked at.
///
/// Files `*.json` in the place of packs are Cedar's own tests: its integration tests, or with --policies those of
/// `cedar run-tests`. They are decided by the engine that components are made of, and compared with what Cedar says.
///
/// The last line counts cases, and each rule and pack without a case, and each matrix that differs, as failed.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  sod test policies/protected-deploy
  sod test policies/core-lanes policies/two-person-change policies/protected-deploy
  sod test policies/protected-deploy --filter deny/contributor
  sod test --root cedar-integration-tests cedar-integration-tests
  sod test --policies rules.cedar --schema app.cedarschema tests.json")]
pub(crate) struct Arguments {
    /// Folders of packs, or files of Cedar's own tests
    #[arg(value_name = "PACK", required = true)]
    packs: Vec<PathBuf>,

    /// Run only the cases with this in their name, `deny/author-approves`
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,

    #[command(flatten)]
    plain: plain::PlainCedar,
}

/// The whole run.
#[derive(Serialize)]
struct Report<'a> {
    passed: usize,
    failed: usize,
    packs: Vec<Tested<'a>>,
}

/// One pack.
#[derive(Serialize)]
struct Tested<'a> {
    path: &'a Path,
    name: String,
    version: String,
    /// Of the policies that decided.
    policy_digest: String,
    cases: Vec<Ran>,
    /// Own rules that decided none of the cases which passed.
    undecided: Findings,
    /// Absent if the pack has none, or only some of the cases are run.
    matrix: Option<Compared>,
}

/// One case.
#[derive(Serialize)]
struct Ran {
    name: String,
    file: String,
    description: String,
    /// In which ways the verdict is not the expected one. None: the case passed.
    mismatches: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Outcome<u8> {
    let filter = arguments.filter.as_deref();
    if arguments.plain.asked(&arguments.packs) {
        return plain::run(&arguments.plain, &arguments.packs, filter, output);
    }
    let runtime = open::runtime(output)?;
    let mut packs = Vec::new();
    for path in &arguments.packs {
        let pack = open::pack(path)?;
        let cases = cases::read(&pack)?;
        let matrix = matrix::read(&pack)?;
        let matrix = match matrix.filter(|_| filter.is_none()) {
            Some(matrix) => {
                let policy = open::compiled(&pack, &runtime)?;
                Some(compare(&pack, &matrix, &policy)?)
            }
            None => None,
        };
        packs.push(Tested {
            matrix,
            ..test(path, &pack, cases, &runtime, filter)?
        });
    }
    let report = Report {
        passed: packs.iter().map(Tested::passed).sum(),
        failed: packs.iter().map(Tested::failed).sum(),
        packs,
    };
    match output.format {
        Format::Json => output.json(&report)?,
        _ => {
            let mut page = output.page();
            report.explain(&mut page);
            output.text(&page)?;
        }
    }
    Ok(match report.failed {
        0 => exit::OK,
        _ => exit::TEST_FAILED,
    })
}

fn test<'a>(
    path: &'a Path,
    pack: &Pack,
    mut cases: Vec<Case>,
    runtime: &Runtime,
    filter: Option<&str>,
) -> Outcome<Tested<'a>> {
    if let Some(filter) = filter {
        cases.retain(|case| case.name.contains(filter));
    }
    let mut ran = Vec::new();
    for (chosen, cases) in cases::by_choice(pack, &cases) {
        let policy = open::compiled(&chosen, runtime)?;
        ran.extend(cases.into_iter().map(|case| (case, decide(case, &policy))));
    }
    ran.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
    let passed = ran.iter().filter(|(_, ran)| ran.passed());
    let undecided = match filter {
        None => cases::undecided(pack, passed.map(|(case, _)| *case)),
        Some(_) => Findings::default(),
    };
    Ok(Tested {
        path,
        name: pack.name().to_owned(),
        version: pack.version().to_owned(),
        policy_digest: pack.bundle().digest(),
        cases: ran.into_iter().map(|(_, ran)| ran).collect(),
        undecided,
        matrix: None,
    })
}

fn decide(case: &Case, policy: &Policy) -> Ran {
    let mismatches = match Request::from_json(case.request.to_string().as_bytes()) {
        Err(error) => vec![format!("not a request: {}", error.problem)],
        Ok(request) => {
            let verdict = serde_json::to_value(policy.decide(&request)).unwrap_or_default();
            let mismatches = case.judge(&verdict);
            mismatches.iter().map(ToString::to_string).collect()
        }
    };
    Ran {
        name: case.name.clone(),
        file: case.file.clone(),
        description: case.description.clone(),
        mismatches,
    }
}

impl Ran {
    fn passed(&self) -> bool {
        self.mismatches.is_empty()
    }
}

impl Tested<'_> {
    fn passed(&self) -> usize {
        self.cases.iter().filter(|case| case.passed()).count()
    }

    /// A pack without cases is a failure, too: a run that ran nothing has shown nothing.
    fn failed(&self) -> usize {
        let cases = self.cases.iter().filter(|case| !case.passed()).count();
        let matrix = self.matrix.as_ref().is_some_and(Compared::differs);
        cases + self.undecided.errors() + usize::from(self.cases.is_empty()) + usize::from(matrix)
    }

    fn explain(&self, page: &mut Page) {
        for case in self.cases.iter().filter(|case| !case.passed()) {
            page.put(Look::Bad, "FAIL");
            page.line(&format!(
                "  {} {}: {}",
                self.name, case.name, case.description
            ));
            page.entry("file", &case.file);
            for mismatch in &case.mismatches {
                page.line(&format!("      - {mismatch}"));
            }
        }
        if self.cases.is_empty() {
            page.put(Look::Bad, "FAIL");
            page.line(&format!("  {}: no case was run", self.name));
        }
        if !self.undecided.is_empty() {
            page.block(&self.undecided.render(false));
        }
        if let Some(matrix) = self.matrix.as_ref().filter(|matrix| matrix.differs()) {
            matrix.explain(self.path, page);
        }
        if self.failed() == 0 {
            page.put(Look::Good, "ok");
            let cells = self.matrix.iter().map(|matrix| matrix.cells);
            let cells = cells.map(|cells| format!(", {cells} cells of the matrix"));
            page.line(&format!(
                "  {}: {} cases{}",
                self.path.display(),
                self.cases.len(),
                cells.collect::<String>()
            ));
        }
    }
}

impl Report<'_> {
    fn explain(&self, page: &mut Page) {
        self.packs.iter().for_each(|pack| pack.explain(page));
        page.line(&format!("{} passed, {} failed", self.passed, self.failed));
    }
}
