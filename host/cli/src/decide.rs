//! `sod decide`: one request, one verdict.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::DateTime;
use clap::Args;
use sod_host::{Digest, Effect, EntityUid, RawValue, Request};

use crate::command_line::Format;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::{exit, explain, open, read};

/// Decide whether somebody may do something to something
///
/// Prints the verdict: allow or deny, every reason with the policy behind it, which sign-offs are missing and
/// who could give them. The exit code is 0 for allow, 2 for deny, and 1 if no decision could be reached.
///
/// With `--format json` the verdict is one object, complete enough to be kept as the record of the decision.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  # A request in one file, decided by a pack folder or by the component built from it.
  sod decide policies/protected-deploy --request request.json
  sod decide protected-deploy.wasm --request request.json --format json

  # A request in flags, on evidence from a git repository.
  sod evidence git --repo . --base origin/main --head HEAD \\
      --directory people.json -o evidence.json
  sod decide protected-deploy.wasm --principal 'Account::\"github:octocat\"' --action merge \\
      --resource 'Change::\"bank/payments#42\"' --evidence evidence.json

A request file is JSON; only the first three keys are always needed:
  {\"principal\": \"Person::\\\"bob\\\"\", \"action\": \"merge\", \"resource\": \"Change::\\\"bank/payments#42\\\"\",
   \"now\": \"2026-01-31T12:00:00Z\", \"evidence\": {...}, \"entities\": [...], \"context\": {...}}")]
pub(crate) struct Arguments {
    /// A component (a file) or a pack (a folder, compiled on first use)
    #[arg(value_name = "PACK_OR_COMPONENT")]
    policy: PathBuf,

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

    /// Use the component only if it has this SHA-256 digest, `sha256:...` as `sod build` prints it; else exit 5
    #[arg(long, value_name = "DIGEST", value_parser = digest)]
    expect_digest: Option<Digest>,
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Outcome<u8> {
    arguments.check_stdin()?;
    let policy = open::policy(&arguments.policy, arguments.expect_digest.as_ref(), output)?;
    let request = arguments.request()?;
    let verdict = policy.try_decide(&request)?;
    match output.format {
        Format::Json => output.json(&verdict)?,
        _ => {
            let mut page = output.page();
            explain::verdict(&mut page, &request, &verdict);
            output.text(&page)?;
        }
    }
    Ok(match verdict.effect {
        Effect::Allow => exit::OK,
        Effect::Deny => exit::DENY,
    })
}

impl Arguments {
    fn request(&self) -> Outcome<Request> {
        let mut request = match (&self.request, &self.principal, &self.action, &self.resource) {
            (Some(file), ..) => from_file(file)?,
            (None, Some(principal), Some(action), Some(resource)) => {
                Request::new(principal.clone(), action.clone(), resource.clone()).with_now(clock())
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
        Ok(request)
    }

    /// Stdin can be read once.
    fn check_stdin(&self) -> Outcome<()> {
        let files = [&self.request, &self.evidence, &self.entities, &self.context];
        let stdin = |file: &&&Option<PathBuf>| file.as_deref() == Some(Path::new("-"));
        if files.iter().filter(stdin).count() > 1 {
            let help = "keep all but one of them in files";
            return Err(Failure::usage("`-` is given more than once", help));
        }
        Ok(())
    }
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

fn digest(text: &str) -> Result<Digest, String> {
    text.parse()
        .map_err(|error| format!("{error}; write `sha256:` and 64 lower-case hex digits"))
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
