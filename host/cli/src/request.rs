//! The request, as a file or in flags.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::DateTime;
use clap::Args;
use sod_host::{EntityUid, RawValue, Request};

use crate::failure::{Failure, Outcome};
use crate::read;

// What is asked. Not a doc comment: it would become that of each verb that takes a request.
#[derive(Debug, Args)]
pub(crate) struct Asked {
    /// The request as a JSON file; `-` for stdin
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "principal",
        conflicts_with_all = ["principal", "action", "resource"]
    )]
    request: Option<PathBuf>,

    /// Who asks: 'Person::"bob"', 'Machine::"ci"' or 'Account::"github:octocat"'
    #[arg(long, value_name = "ENTITY", value_parser = entity, requires_all = ["action", "resource"])]
    principal: Option<EntityUid>,

    /// What they want to do: `merge`, or 'Action::"merge"'
    #[arg(long, value_name = "ACTION", value_parser = action, requires = "principal")]
    action: Option<EntityUid>,

    /// What they want to do it to: 'Change::"bank/payments#42"'
    #[arg(long, value_name = "ENTITY", value_parser = entity, requires = "principal")]
    resource: Option<EntityUid>,

    /// The time of the decision in RFC 3339, or `now` for this machine's clock
    ///
    /// Takes the place of the time in a request file. A request file is decided on its own time and never
    /// silently on the clock, so that it gives the same verdict tomorrow. A request in flags is decided on the
    /// clock unless this says otherwise.
    #[arg(long, value_name = "TIME", value_parser = time)]
    now: Option<i64>,

    /// Raw evidence as a JSON file, as `sod evidence` collects it; `-` for stdin
    #[arg(long, value_name = "FILE")]
    evidence: Option<PathBuf>,

    /// Further Cedar entities as a JSON file; `-` for stdin
    #[arg(long, value_name = "FILE")]
    entities: Option<PathBuf>,

    /// Further Cedar context as a JSON file; `-` for stdin
    #[arg(long, value_name = "FILE")]
    context: Option<PathBuf>,

    /// Decide on facts in place of evidence: what the rules of the pack say of the request's `context` and `entities`
    ///
    /// Both are in Cedar's JSON and hold all that rules look at, as the base schema has it: contributors, quorums that
    /// are met, the time. Nothing is derived, counted or checked against evidence, so the verdict is about the rules and
    /// no permission for anything. The policy is a pack folder, never a component.
    #[arg(long, conflicts_with_all = ["evidence", "now"])]
    pub(crate) facts: bool,
}

impl Asked {
    pub(crate) fn request(&self) -> Outcome<Request> {
        let mut request = match (&self.request, &self.principal, &self.action, &self.resource) {
            (Some(file), ..) => from_file(file)?,
            (None, Some(principal), Some(action), Some(resource)) => {
                let request = Request::new(principal.clone(), action.clone(), resource.clone());
                match self.facts {
                    true => request,
                    false => request.with_now(clock()),
                }
            }
            // The grammar above does not let it come to this.
            _ => {
                return Err(Failure::usage(
                    "no request",
                    "pass --request, or --principal, --action and --resource",
                ));
            }
        };
        request.now = self.now.or(request.now);
        supply(&mut request.evidence, self.evidence.as_deref(), "evidence")?;
        supply(&mut request.entities, self.entities.as_deref(), "entities")?;
        supply(&mut request.context, self.context.as_deref(), "context")?;
        if self.facts {
            only_facts(&request)?;
        }
        Ok(request)
    }

    /// Stdin can be read once.
    pub(crate) fn check_stdin(&self) -> Outcome<()> {
        let files = [&self.request, &self.evidence, &self.entities, &self.context];
        let stdin = |file: &&&Option<PathBuf>| file.as_deref() == Some(Path::new("-"));
        if files.iter().filter(stdin).count() > 1 {
            let help = "keep all but one of them in files";
            return Err(Failure::usage("`-` is given more than once", help));
        }
        Ok(())
    }
}

/// What is left out of account must not look as if it had been considered.
fn only_facts(request: &Request) -> Outcome<()> {
    let of_evidence = [
        ("evidence", request.evidence.is_some()),
        ("now", request.now.is_some()),
    ];
    for (key, present) in of_evidence {
        if present {
            let help = "leave out one of them: facts are all in `context` and `entities`, the time as `context.now`";
            return Err(Failure::usage(
                format!("`{key}` in the request, and `--facts`"),
                help,
            ));
        }
    }
    Ok(())
}

fn from_file(file: &Path) -> Outcome<Request> {
    let json = read::bytes(file)?;
    Request::from_json(&json).map_err(|error| {
        let context = format!("`{}` is not a request", file.display());
        Failure::from(miette::Report::from(error)).about(context)
    })
}

/// Two documents of a kind would leave it open which one is decided on.
fn supply(slot: &mut Option<Box<RawValue>>, file: Option<&Path>, name: &str) -> Outcome<()> {
    let Some(file) = file else {
        return Ok(());
    };
    if slot.is_some() {
        let message = format!("`{name}` is in the request file, and given by --{name}");
        return Err(Failure::usage(message, "leave one of them out"));
    }
    *slot = Some(read::json(file)?);
    Ok(())
}

fn entity(text: &str) -> Result<EntityUid, String> {
    text.parse().map_err(|error: sod_host::EntityUidError| {
        format!(
            "{}; write a type, two colons and the id in double quotes: 'Person::\"ana\"'",
            error.problem
        )
    })
}

/// A bare word is the id of an action.
fn action(text: &str) -> Result<EntityUid, String> {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if !text.is_empty() && text.chars().all(word) {
        Ok(EntityUid::new("Action", text))
    } else {
        entity(text)
    }
}

fn time(text: &str) -> Result<i64, String> {
    if text == "now" {
        return Ok(clock());
    }
    DateTime::parse_from_rfc3339(text)
        .map(|time| time.timestamp_millis())
        .map_err(|error| format!("{error}; write `2026-01-31T12:00:00Z`, or `now`"))
}

/// Milliseconds since the Unix epoch, by this machine.
fn clock() -> i64 {
    let since = |earlier: SystemTime, later: SystemTime| {
        let passed = later.duration_since(earlier).ok()?;
        i64::try_from(passed.as_millis()).ok()
    };
    let now = SystemTime::now();
    // A clock before 1970 is wrong, but not this command's to judge.
    since(UNIX_EPOCH, now)
        .or_else(|| since(now, UNIX_EPOCH).map(i64::saturating_neg))
        .unwrap_or_default()
}
