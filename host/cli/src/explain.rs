//! `sod explain`: why a request is decided as it is, rule by rule.

use std::path::PathBuf;

use clap::Args;
use miette::miette;
use serde::Serialize;
use sod_host::{Effect, Request, Verdict};
use sod_pack::Pack;
use sod_pack::explain::{self, Broken, Explainer, Explanation, Turning};

use crate::command_line::Format;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::request::Asked;
use crate::{exit, open};

mod print;

/// Say why a request is allowed or denied, rule by rule
///
/// For every rule that concerns the request: each of its demands, whether it held, and the facts that it looked at. An
/// `unless` holds if what it excepts is not so. Then who fills which place of each quorum, why an approval does not count,
/// and for a deny the smallest set of signatures or facts that would turn it: found by deciding again, and nothing is
/// named that was not seen to turn it. A signature can be asked for. A fact cannot: it says what the verdict hangs on.
///
/// This is for reading: the exit code is 0 if the request could be explained, whatever the verdict. Only 0 of `sod decide`
/// is permission.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  sod explain policies/protected-deploy --request request.json
  sod explain policies/protected-deploy --request request.json --format json

  # A counterexample of `sod prove`: facts, and no evidence for them.
  sod explain policies/protected-deploy --facts --request counterexample.json")]
pub(crate) struct Arguments {
    /// The folder of a pack
    #[arg(value_name = "PACK")]
    pack: PathBuf,

    #[command(flatten)]
    asked: Asked,

    /// List the rules about other principals, actions and resources too
    #[arg(long)]
    all: bool,
}

/// What `--format json` prints.
#[derive(Serialize)]
struct Explained<'e> {
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_on: Option<&'static str>,
    verdict: &'e Verdict,
    #[serde(flatten)]
    explanation: &'e Explanation,
    /// What would turn a deny.
    turning: Option<Turning>,
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Outcome<u8> {
    let Arguments { pack, asked, all } = arguments;
    asked.check_stdin()?;
    let pack = match asked.facts {
        true => open::facts_pack(pack)?,
        false => folder(pack)?,
    };
    let request = asked.request()?;
    let policy = open::compiled(&pack, &open::runtime(output)?)?;
    let verdict = policy.try_decide(&request)?;
    let explainer = Explainer::new(&pack).map_err(broken)?;
    let plain = plain(&request);
    let explanation = explainer.explain(&plain).map_err(broken)?;
    agree(&explanation, &verdict)?;
    let explained = Explained {
        decided_on: asked.facts.then_some("facts, not evidence"),
        verdict: &verdict,
        explanation: &explanation,
        turning: explainer.turning(&plain).map_err(broken)?,
    };
    match output.format {
        Format::Json => output.json(&explained)?,
        _ => {
            let mut page = output.page();
            if asked.facts {
                crate::verdict::on_facts(&mut page);
            }
            print::explanation(&mut page, &request, &explained, *all);
            output.text(&page)?;
        }
    }
    Ok(exit::OK)
}

fn broken(error: Broken) -> Failure {
    Failure::from(miette::Report::from(error))
}

fn folder(path: &std::path::Path) -> Outcome<Pack> {
    if !path.is_dir() {
        let help =
            "name the folder that the component was built from: a component holds no text of rules";
        return Err(Failure::usage("only a pack can be explained", help));
    }
    open::pack(path)
}

/// What the component decided is explained by the same core in this process.
fn agree(explanation: &Explanation, verdict: &Verdict) -> Outcome<()> {
    let allows = |effect: &str| effect == "allow";
    let explained = serde_json::to_value(explanation.effect).unwrap_or_default();
    if explained.as_str().is_some_and(allows) == (verdict.effect == Effect::Allow) {
        return Ok(());
    }
    let help = "please report it: a component and the core that it is made of decide the same";
    let message = "the explanation contradicts the verdict";
    Err(miette!(code = "not-explained", help = help, "{message}").into())
}

fn plain(request: &Request) -> explain::Request {
    let uid = |uid: &sod_host::EntityUid| explain::EntityUid::new(&uid.type_name, &uid.id);
    let text =
        |json: &Option<Box<sod_host::RawValue>>| json.as_ref().map(|json| json.get().to_owned());
    explain::Request {
        principal: uid(&request.principal),
        action: uid(&request.action),
        resource: uid(&request.resource),
        now: request.now,
        evidence: text(&request.evidence),
        entities: text(&request.entities),
        context: text(&request.context),
    }
}
