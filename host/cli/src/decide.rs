//! `sod decide`: one request, one verdict.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use sod_host::{Digest, Effect, Verdict};

use crate::command_line::Format;
use crate::failure::Outcome;
use crate::output::Output;
use crate::request::Asked;
use crate::{exit, open, verdict};

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

  # What the rules say of facts, whatever evidence there is for them: a counterexample of `sod prove`.
  sod decide policies/protected-deploy --facts --request counterexample.json

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

    #[command(flatten)]
    asked: Asked,

    /// Use the component only if it has this SHA-256 digest, `sha256:...` as `sod build` prints it; else exit 5
    #[arg(long, value_name = "DIGEST", value_parser = digest, conflicts_with = "facts")]
    expect_digest: Option<Digest>,
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Outcome<u8> {
    let facts = arguments.asked.facts;
    arguments.asked.check_stdin()?;
    let policy = match facts {
        true => open::on_facts(&arguments.policy, output)?,
        false => open::policy(&arguments.policy, arguments.expect_digest.as_ref(), output)?,
    };
    let request = arguments.asked.request()?;
    let decided = policy.try_decide(&request)?;
    match output.format {
        Format::Json if facts => output.json(&OnFacts::new(&decided))?,
        Format::Json => output.json(&decided)?,
        _ => {
            let mut page = output.page();
            if facts {
                verdict::on_facts(&mut page);
            }
            verdict::explain(&mut page, &request, &decided);
            if !facts {
                verdict::next(&mut page, &decided);
            }
            output.text(&page)?;
        }
    }
    Ok(match decided.effect {
        Effect::Allow => exit::OK,
        Effect::Deny => exit::DENY,
    })
}

/// A verdict on facts, not to be mistaken for one on evidence.
#[derive(Serialize)]
struct OnFacts<'v> {
    decided_on: &'static str,
    #[serde(flatten)]
    verdict: &'v Verdict,
}

impl<'v> OnFacts<'v> {
    fn new(verdict: &'v Verdict) -> Self {
        OnFacts {
            decided_on: "facts, not evidence",
            verdict,
        }
    }
}

fn digest(text: &str) -> Result<Digest, String> {
    text.parse()
        .map_err(|error| format!("{error}; write `sha256:` and 64 lower-case hex digits"))
}
