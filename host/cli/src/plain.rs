//! `sod test` with Cedar's own tests: does the engine decide as Cedar does?

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use clap::Args;
use miette::{Report as Error, miette};
use serde::Serialize;
use sod_pack::plain::{Outcome as Tested, PlainError, Policies, Suite, Tried};
use sod_pack::{MANIFEST, Sandbox};

use crate::command_line::Format;
use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::page::{Look, Page};

/// Cedar's parser goes as deep as what it reads, and a thread has little stack by default.
const STACK: usize = 64 << 20;

/// How many differences people read before they look at the JSON.
const MOST_SHOWN: usize = 50;

const HEADING: &str = "Cedar's own tests";

/// What Cedar's own tests need besides their files.
#[derive(Debug, Args)]
pub(crate) struct PlainCedar {
    /// Folder that the paths in Cedar's integration tests start from [default: the nearest one above each file from
    /// which they lead somewhere]. With it a folder stands for all tests in it
    #[arg(long, help_heading = HEADING, value_name = "DIR", conflicts_with = "policies")]
    root: Option<PathBuf>,

    /// Policies, in Cedar's syntax or JSON, for tests of `cedar run-tests`
    #[arg(long, help_heading = HEADING, value_name = "FILE")]
    policies: Option<PathBuf>,

    /// Their schema, in Cedar's syntax or JSON; without one, requests are taken as they are
    #[arg(long, help_heading = HEADING, value_name = "FILE", requires = "policies")]
    schema: Option<PathBuf>,

    /// Links of their templates, as Cedar's command writes them
    #[arg(long, help_heading = HEADING, value_name = "FILE", requires = "policies")]
    template_linked: Option<PathBuf>,
}

/// The whole run.
#[derive(Default, Serialize)]
struct Report {
    /// Files of tests.
    files: usize,
    /// JSON files in folders that hold no tests.
    skipped: usize,
    requests: usize,
    /// Answered as Cedar answers.
    agreed: usize,
    /// Denied for the errors of policies that Cedar passes over.
    error_denies: usize,
    /// Answered otherwise, or not at all.
    failed: usize,
    /// All but what agreed.
    differences: Vec<Difference>,
}

#[derive(Serialize)]
struct Difference {
    file: String,
    /// Absent: it is the file.
    test: Option<String>,
    outcome: &'static str,
    /// Cedar's answer.
    expected: Option<String>,
    /// The engine's, or why there is none.
    actual: String,
}

impl PlainCedar {
    /// Whether Cedar's tests are named, and no packs.
    pub(crate) fn asked(&self, paths: &[PathBuf]) -> bool {
        let is_json = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "json");
        self.root.is_some() || self.policies.is_some() || paths.iter().any(is_json)
    }

    fn of(&self) -> Option<Policies> {
        Some(Policies {
            policies: self.policies.clone()?,
            schema: self.schema.clone(),
            template_linked: self.template_linked.clone(),
        })
    }
}

pub(crate) fn run(
    arguments: &PlainCedar,
    paths: &[PathBuf],
    filter: Option<&str>,
    output: &Output,
) -> Outcome<u8> {
    if !matches!(output.format, Format::Human | Format::Json) {
        let help = "choose one of `human`, `json`";
        return Err(Failure::usage(
            "Cedar's own tests have no such format",
            help,
        ));
    }
    let (named, found) = files(paths, arguments)?;
    let sandbox = Sandbox::new()?;
    let trial = Trial {
        arguments,
        filter,
        sandbox,
    };
    let report = trial.all(&named, &found)?;
    match output.format {
        Format::Json => output.json(&report)?,
        _ => {
            let mut page = output.page();
            report.explain(&mut page);
            output.text(&page)?;
        }
    }
    Ok(match report.failed {
        0 if report.requests > 0 => exit::OK,
        _ => exit::TEST_FAILED,
    })
}

/// Files as named, and files found in folders.
fn files(paths: &[PathBuf], arguments: &PlainCedar) -> Outcome<(Vec<PathBuf>, Vec<PathBuf>)> {
    let (mut named, mut found) = (Vec::new(), BTreeSet::new());
    for path in paths {
        if path.join(MANIFEST).exists() {
            let message = format!("`{}` is a pack", path.display());
            return Err(Failure::usage(
                message,
                "test packs and Cedar's own tests apart",
            ));
        }
        if path.is_dir() && arguments.root.is_some() {
            find(path, &mut found)?;
        } else {
            named.push(path.clone());
        }
    }
    // What a shell makes of `*.json` has the entities among the tests.
    named.retain(|path| paths.len() == 1 || !is_companion(path));
    Ok((named, found.into_iter().collect()))
}

/// What lies beside tests in Cedar's repositories.
fn is_companion(path: &Path) -> bool {
    let name = path.to_string_lossy();
    let endings = [".entities.json", ".cedarschema.json", ".cedar.json"];
    endings.iter().any(|ending| name.ends_with(ending))
}

fn find(folder: &Path, found: &mut BTreeSet<PathBuf>) -> Outcome<()> {
    let unreadable = |error| Failure::file("read", folder, &error);
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(unreadable)?);
        let is_json = path.extension().is_some_and(|ending| ending == "json");
        if kind.is_dir() {
            find(&path, found)?;
        } else if is_json && !is_companion(&path) {
            found.insert(path);
        }
    }
    Ok(())
}

struct Trial<'a> {
    arguments: &'a PlainCedar,
    filter: Option<&'a str>,
    sandbox: Sandbox,
}

impl Trial<'_> {
    fn all(&self, named: &[PathBuf], found: &[PathBuf]) -> Outcome<Report> {
        let named = named.iter().map(|path| (path, true));
        let files = Mutex::new(named.chain(found.iter().map(|path| (path, false))));
        let next = || files.lock().ok().and_then(|mut files| files.next());
        let some = || {
            let mut report = Report::default();
            while let Some((path, named)) = next() {
                self.one(path, named, &mut report);
            }
            report
        };
        let reports = thread::scope(|scope| {
            let threads = thread::available_parallelism().map_or(1, usize::from);
            let spawn = |_| {
                thread::Builder::new()
                    .stack_size(STACK)
                    .spawn_scoped(scope, some)
            };
            let threads: Vec<_> = (0..threads).map(spawn).collect();
            let join = |thread: std::io::Result<thread::ScopedJoinHandle<'_, Report>>| {
                let thread = thread.map_err(|error| miette!("no thread: {error}"))?;
                thread.join().map_err(|_| miette!("a test crashed"))
            };
            threads
                .into_iter()
                .map(join)
                .collect::<Result<Vec<_>, Error>>()
        })?;
        let mut whole = Report::default();
        reports.into_iter().for_each(|report| whole.add(report));
        whole.differences.sort_by(|a, b| a.file.cmp(&b.file));
        Ok(whole)
    }

    fn one(&self, path: &Path, named: bool, report: &mut Report) {
        let suite = match self.arguments.of() {
            Some(policies) => Suite::run_tests(path, &policies),
            None => Suite::integration(path, self.arguments.root.as_deref()),
        };
        let file = path.display().to_string();
        match suite {
            Ok(mut suite) => {
                if let Some(filter) = self.filter {
                    suite.retain(|name| format!("{file}: {name}").contains(filter));
                }
                report.files += 1;
                report.requests += suite.requests();
                for tried in suite.run(&self.sandbox) {
                    report.put(&file, tried);
                }
            }
            Err(PlainError::NoTests(_)) if !named => report.skipped += 1,
            Err(error) => {
                report.files += 1;
                report.failed += 1;
                report.differences.push(Difference {
                    file,
                    test: None,
                    outcome: "undecided",
                    expected: None,
                    actual: error.to_string(),
                });
            }
        }
    }
}

impl Report {
    fn put(&mut self, file: &str, tried: Tried) {
        let (outcome, expected, actual) = match tried.outcome {
            Tested::Agrees => {
                self.agreed += usize::from(!tried.is_of_policies);
                return;
            }
            Tested::ErrorDenies(difference) => {
                self.error_denies += 1;
                ("error-denies", Some(difference.expected), difference.actual)
            }
            Tested::Differs(difference) => {
                self.failed += 1;
                ("differs", Some(difference.expected), difference.actual)
            }
            Tested::Undecided(message) => {
                self.failed += 1;
                ("undecided", None, message)
            }
        };
        self.differences.push(Difference {
            file: file.to_owned(),
            test: Some(tried.name),
            outcome,
            expected,
            actual,
        });
    }

    fn add(&mut self, other: Report) {
        self.files += other.files;
        self.skipped += other.skipped;
        self.requests += other.requests;
        self.agreed += other.agreed;
        self.error_denies += other.error_denies;
        self.failed += other.failed;
        self.differences.extend(other.differences);
    }

    fn explain(&self, page: &mut Page) {
        let (noted, failed): (Vec<_>, Vec<_>) = self
            .differences
            .iter()
            .partition(|difference| difference.outcome == "error-denies");
        for (differences, look, word) in [(noted, Look::Bold, "NOTE"), (failed, Look::Bad, "FAIL")]
        {
            for difference in differences.iter().take(MOST_SHOWN) {
                page.put(look, word);
                difference.explain(page);
            }
            if let Some(more) = differences.len().checked_sub(MOST_SHOWN + 1) {
                page.line(&format!("and {} more: `--format json` lists all", more + 1));
            }
        }
        let skipped = match self.skipped {
            0 => String::new(),
            skipped => format!(" ({skipped} files without tests skipped)"),
        };
        page.line(&format!(
            "{} requests in {} files{skipped}",
            self.requests, self.files
        ));
        page.line(&format!(
            "{} as Cedar decides them, {} denied for errors that Cedar passes over, {} failed",
            self.agreed, self.error_denies, self.failed
        ));
        if self.requests == 0 {
            page.line("nothing was asked, so nothing is shown");
        }
    }
}

impl Difference {
    fn explain(&self, page: &mut Page) {
        let test = self.test.iter().map(|test| format!(": {test}"));
        page.line(&format!("  {}{}", self.file, test.collect::<String>()));
        if let Some(expected) = &self.expected {
            page.entry("Cedar", expected);
        }
        page.entry("sod", &self.actual);
    }
}
