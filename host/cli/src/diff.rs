//! `sod diff`: what another version of a pack allows and denies that this one does not.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use serde_json::Value;
use sod_evidence::git;
use sod_host::{Effect, Policy, Request};
use sod_pack::{MANIFEST, Pack};
use sod_prove::{Change, Comparison, Difference, Solver};
use tempfile::TempDir;

use crate::command_line::Format;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::page::{Look, Page};
use crate::{counterexample, exit, open, read};

/// Compare what two versions of a pack allow, over all requests
///
/// For each action and role, what becomes allowed and what becomes denied, each with a request that shows it. All
/// requests are compared, not some: a solver (cvc5, on PATH or in CVC5) looks for one that is decided otherwise. Two
/// packs that are written differently and mean the same are the same.
///
/// A version is a folder, or `REVISION:FOLDER` of the git repository around the present folder, with the folder's path
/// from the repository's top. With --requests no solver is asked: recorded requests are decided by both.
///
/// The exit code is 0 if nothing is decided otherwise, and 4 if anything is.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  sod diff main:policies/protected-deploy policies/protected-deploy
  sod diff HEAD~1:policies/core-lanes HEAD:policies/core-lanes --only-tightens
  sod diff old/ new/ --requests last-month.jsonl")]
pub(crate) struct Arguments {
    /// The version before: a folder, or REVISION:FOLDER
    #[arg(value_name = "OLD")]
    before: String,

    /// The version after: a folder, or REVISION:FOLDER
    #[arg(value_name = "NEW")]
    after: String,

    /// Fail only if something becomes allowed
    #[arg(long)]
    only_tightens: bool,

    /// Compare over these requests instead of all: a file of JSON values, one after another
    #[arg(long, value_name = "FILE")]
    requests: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Outcome<u8> {
    let before = Version::open(&arguments.before)?;
    let after = Version::open(&arguments.after)?;
    let ends = match &arguments.requests {
        Some(file) => recorded(&before.pack, &after.pack, file, output)?,
        None => all(&before.pack, &after.pack, output)?,
    };
    Ok(match ends {
        Ends::Same => exit::OK,
        Ends::Tighter if arguments.only_tightens => exit::OK,
        Ends::Tighter | Ends::Otherwise => exit::TEST_FAILED,
        Ends::Undecided => exit::UNDECIDED,
    })
}

/// What a comparison comes to.
#[derive(Clone, Copy)]
enum Ends {
    Same,
    /// Some requests become denied, and none allowed.
    Tighter,
    Otherwise,
    /// No difference was found, and the solver was not sure.
    Undecided,
}

/// A pack, and the folder that it was written to if it is of a revision.
struct Version {
    pack: Pack,
    _folder: Option<TempDir>,
}

impl Version {
    fn open(text: &str) -> Outcome<Self> {
        let path = Path::new(text);
        let revision = text.split_once(':').filter(|_| !path.exists());
        let Some((revision, folder)) = revision else {
            return Ok(Version {
                pack: open::pack(path)?,
                _folder: None,
            });
        };
        let temporary = TempDir::new()
            .map_err(|error| Failure::file("make", Path::new("a temporary folder"), &error))?;
        git::export(Path::new("."), revision, is_of_a_pack, temporary.path())?;
        let pack = open::pack(&temporary.path().join(folder))
            .map_err(|failure| failure.about(format!("`{folder}` as of `{revision}`")))?;
        Ok(Version {
            pack,
            _folder: Some(temporary),
        })
    }
}

fn is_of_a_pack(name: &str) -> bool {
    let extensions = [".cedar", ".cedarschema"];
    name == MANIFEST || extensions.iter().any(|extension| name.ends_with(extension))
}

fn all(before: &Pack, after: &Pack, output: &Output) -> Outcome<Ends> {
    let comparison = sod_prove::diff(before, after, &Solver::from_environment())?;
    match output.format {
        Format::Json => output.json(&comparison)?,
        _ => {
            let mut page = output.page();
            explain(&mut page, &comparison);
            output.text(&page)?;
        }
    }
    Ok(match (comparison.is_same(), comparison.only_tightens()) {
        (true, _) => Ends::Same,
        (false, true) => Ends::Tighter,
        (false, false) if comparison.differences.is_empty() => Ends::Undecided,
        (false, false) => Ends::Otherwise,
    })
}

fn explain(page: &mut Page, comparison: &Comparison) {
    for difference in &comparison.differences {
        let (look, word) = match difference.change {
            Change::BecomesAllowed => (Look::Bad, "becomes allowed"),
            Change::BecomesDenied => (Look::Good, "becomes denied"),
        };
        page.put(look, word);
        page.line(&format!("  {}", who(difference)));
        if let Some(example) = &difference.after {
            page.line("    for example, on these facts:");
            counterexample::explain(page, example);
        }
    }
    for redefined in &comparison.redefined {
        page.line(&format!(
            "note: {redefined} is defined otherwise, so before and after are compared as two facts"
        ));
    }
    for undecided in &comparison.undecided {
        page.put(Look::Bad, "undecided");
        page.line(&format!(
            "  {undecided}: the solver knows no answer in time"
        ));
    }
    if comparison.is_same() {
        page.put(Look::Good, "same");
        page.line("  every request is decided as before");
    }
}

/// `deploy of a Deployment, by a Person with the role `operations` alone`
fn who(difference: &Difference) -> String {
    let Difference {
        action,
        principal,
        resource,
        role,
        ..
    } = difference;
    let role = match role {
        Some(role) => format!(" with the role `{role}`"),
        None => String::new(),
    };
    format!("{action} of a {resource}, by a {principal}{role}")
}

/// One request that is decided otherwise.
#[derive(Serialize)]
struct Changed {
    /// Position in the file, from 1.
    request: usize,
    principal: String,
    action: String,
    resource: String,
    before: Effect,
    after: Effect,
}

#[derive(Serialize)]
struct Recorded {
    requests: usize,
    changed: Vec<Changed>,
}

fn recorded(before: &Pack, after: &Pack, file: &Path, output: &Output) -> Outcome<Ends> {
    let runtime = open::runtime(output)?;
    let policies = [before, after].map(|pack| open::compiled(pack, &runtime));
    let [before, after] = policies;
    let (before, after) = (before?, after?);
    let bytes = read::bytes(file)?;
    let mut report = Recorded {
        requests: 0,
        changed: Vec::new(),
    };
    for value in serde_json::Deserializer::from_slice(&bytes).into_iter::<Value>() {
        report.requests += 1;
        let number = report.requests;
        let about = || format!("request {number} of `{}`", file.display());
        let malformed = |error: &dyn std::fmt::Display| {
            Failure::from(miette::miette!(code = "request", "{}: {error}", about()))
        };
        let value = value.map_err(|error| malformed(&error))?;
        let request = Request::from_json(value.to_string().as_bytes())
            .map_err(|error| malformed(&error.problem))?;
        report
            .changed
            .extend(decided(number, &request, &before, &after));
    }
    match output.format {
        Format::Json => output.json(&report)?,
        _ => {
            let mut page = output.page();
            report.explain(&mut page);
            output.text(&page)?;
        }
    }
    let allowed = |changed: &Changed| changed.after == Effect::Allow;
    Ok(match report.changed.as_slice() {
        [] => Ends::Same,
        changed if changed.iter().any(allowed) => Ends::Otherwise,
        _ => Ends::Tighter,
    })
}

/// `None` if both decide alike.
fn decided(number: usize, request: &Request, before: &Policy, after: &Policy) -> Option<Changed> {
    let (before, after) = (before.decide(request).effect, after.decide(request).effect);
    (before != after).then(|| Changed {
        request: number,
        principal: request.principal.to_string(),
        action: request.action.to_string(),
        resource: request.resource.to_string(),
        before,
        after,
    })
}

impl Recorded {
    fn explain(&self, page: &mut Page) {
        for changed in &self.changed {
            let (look, word) = match changed.after {
                Effect::Allow => (Look::Bad, "becomes allowed"),
                Effect::Deny => (Look::Good, "becomes denied"),
            };
            let Changed {
                request,
                principal,
                action,
                resource,
                ..
            } = changed;
            page.put(look, word);
            page.line(&format!(
                "  request {request}: {principal} {action} {resource}"
            ));
        }
        page.line(&format!(
            "{} requests, {} decided otherwise",
            self.requests,
            self.changed.len()
        ));
    }
}
