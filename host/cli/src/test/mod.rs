//! `sod test`: a pack's cases, decided by the component that the pack is built into.

mod junit;
mod mutate;
mod progress;
mod report;
mod watch;

use std::path::{Path, PathBuf};

use clap::Args;
use sod_host::{Policy, Request, Runtime};
use sod_pack::cases::{self, Case};
use sod_pack::{Findings, Pack, matrix};

use crate::command_line::Format;
use crate::failure::{Failure, Outcome};
use crate::matrix::compare;
use crate::output::Output;
use crate::{exit, open, plain};
use progress::Progress;
use report::{Coverage, Ran, Report, Tested};

/// Run the cases of packs, and compare their matrices
///
/// A case is a request with the verdict that it must get: allowed, or denied for exactly the reasons listed.
/// Each is decided by the component that the pack is built into, in the sandbox, as in production. Cases are JSON or
/// YAML, one in a file or many in a suite; docs/testing.md has both.
///
/// A rule of the pack that no passing case names as a reason fails the run: nobody would notice if it were
/// deleted (--min-coverage says how many percent of the rules are enough). So does a pack without cases. The rules
/// of an included pack are not looked at here; they are that pack's own business, so test it too. So does a matrix
/// (`sod matrix`) that is not the one that was reviewed. With --filter none of this is looked at.
///
/// With --mutate the cases are tested, too: each of many small slips in the pack, a condition dropped or a quorum
/// short of a person, must make some case fail.
///
/// The last line counts cases, and each rule and pack without a case, each matrix that differs, and each slip that
/// no case notices, as failed.
///
/// Files `*.json` in the place of packs are Cedar's own tests: its integration tests, or with --policies those of
/// `cedar run-tests`. They are decided by the engine that components are made of, and compared with what Cedar says.
///
/// Formats: human, json, and junit for the pages of CI systems.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  sod test policies/protected-deploy
  sod test policies/core-lanes policies/two-person-change policies/protected-deploy
  sod test policies/protected-deploy --filter deny/contributor
  sod test policies/protected-deploy --watch
  sod test policies/*/ --mutate --format junit > tests.xml
  sod test --root cedar-integration-tests cedar-integration-tests
  sod test --policies rules.cedar --schema app.cedarschema tests.json")]
pub(crate) struct Arguments {
    /// Folders of packs, or files of Cedar's own tests
    #[arg(value_name = "PACK", required = true)]
    packs: Vec<PathBuf>,

    /// Run only the cases with this in their name, `deny/author-approves`
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,

    /// How many percent of a pack's own rules must decide a case that passes
    #[arg(
        long,
        value_name = "PERCENT",
        default_value_t = 100,
        conflicts_with = "filter",
        value_parser = clap::value_parser!(u8).range(0..=100)
    )]
    min_coverage: u8,

    /// Try small slips in the pack, and fail for each that no case notices
    #[arg(long, conflicts_with = "filter")]
    mutate: bool,

    /// Stay, and run the packs that are concerned again whenever a file changes; Ctrl-C ends it
    #[arg(long)]
    watch: bool,

    #[command(flatten)]
    plain: plain::PlainCedar,
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Outcome<u8> {
    if arguments.watch && output.format != Format::Human {
        return Err(Failure::usage(
            "`--watch` never ends, so its result is no file",
            "leave out `--watch` or `--format`",
        ));
    }
    if arguments.plain.asked(&arguments.packs) {
        if arguments.watch || arguments.mutate {
            return Err(Failure::usage(
                "Cedar's own tests are of no pack",
                "leave out `--watch` and `--mutate`, or name the folder of a pack",
            ));
        }
        let filter = arguments.filter.as_deref();
        return plain::run(&arguments.plain, &arguments.packs, filter, output);
    }
    let runtime = open::runtime(output)?;
    if arguments.watch {
        return watch::watch(arguments, &runtime, output);
    }
    let packs = arguments.packs.iter();
    let tested = packs.map(|path| test(path, &open::pack(path)?, &runtime, arguments));
    report(tested.collect::<Outcome<Vec<_>>>()?, output)
}

fn report(packs: Vec<Tested>, output: &Output) -> Outcome<u8> {
    let report = Report::new(packs);
    match output.format {
        Format::Json => output.json(&report)?,
        Format::Junit => output.bytes(junit::xml(&report)?.as_bytes())?,
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

fn test(path: &Path, pack: &Pack, runtime: &Runtime, arguments: &Arguments) -> Outcome<Tested> {
    let mut cases = cases::read(pack)?;
    let matrix = matrix::read(pack)?;
    if let Some(filter) = &arguments.filter {
        cases.retain(|case| case.name.contains(filter));
    }
    let ran = ask_all(pack, &cases, runtime)?;
    let passed = ran.iter().filter(|(_, ran)| ran.passed());
    let passed: Vec<&Case> = passed.map(|(case, _)| *case).collect();
    let whole = arguments.filter.is_none();
    let undecided = match whole {
        true => cases::undecided(pack, passed.iter().copied()),
        false => Findings::default(),
    };
    let matrix = match matrix.filter(|_| whole) {
        Some(matrix) => {
            let policy = open::compiled(pack, runtime)?;
            Some(compare(pack, &matrix, &policy)?)
        }
        None => None,
    };
    let mutants = match arguments.mutate {
        true => Some(mutate::mutate(pack, &passed)?),
        false => None,
    };
    Ok(Tested {
        path: path.to_owned(),
        name: pack.name().to_owned(),
        version: pack.version().to_owned(),
        policy_digest: pack.bundle().digest(),
        coverage: whole.then(|| Coverage::new(pack, &undecided, arguments.min_coverage)),
        undecided,
        matrix,
        mutants,
        cases: ran.into_iter().map(|(_, ran)| ran).collect(),
    })
}

/// Every case by the policy that it chooses, in the order of their names.
fn ask_all<'c>(pack: &Pack, cases: &'c [Case], runtime: &Runtime) -> Outcome<Vec<(&'c Case, Ran)>> {
    let progress = Progress::new(pack.name(), "cases", cases.len());
    let mut ran = Vec::new();
    for (chosen, cases) in cases::by_choice(pack, cases) {
        let policy = open::compiled(&chosen, runtime)?;
        for case in cases {
            ran.push((case, decide(case, &policy)));
            progress.one_more();
        }
    }
    ran.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
    Ok(ran)
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
