//! `sod inspect`: what is in a component, or in a module for other hosts.

use std::path::{Path, PathBuf};

use clap::Args;
use miette::miette;
use serde::Serialize;
use sod_host::{ActionInfo, Description, Digest, PolicyInfo, QuorumInfo};
use sod_pack::{EngineInfo, InspectError, Inspection, Target};

use crate::command_line::Format;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::page::Page;
use crate::{exit, open, read};

/// Show what is in a component or module: its policies, its quorums, its digests
///
/// Name, version, policies and quorums are what the component itself says when it is run in the sandbox. Its
/// metadata sections, which anybody can write, are compared with that: if they contradict it the exit code is 5.
/// The same goes for a module that `sod build --target` has written.
/// That the policies are the ones you want is shown by the digest: build the pack yourself and compare.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  sod inspect protected-deploy.wasm
  sod inspect protected-deploy.wasm --format json")]
pub(crate) struct Arguments {
    /// The component or module
    #[arg(value_name = "FILE")]
    component: PathBuf,
}

/// What is in it.
#[derive(Serialize)]
struct Contents<'a> {
    target: Target,
    digest: Digest,
    size: usize,
    imports: &'a [String],
    exports: &'a [String],
    name: &'a str,
    version: &'a str,
    description: Option<&'a str>,
    license: Option<&'a str>,
    revision: Option<&'a str>,
    /// Seconds since the Unix epoch.
    created: Option<i64>,
    engine: &'a EngineInfo,
    mode: sod_host::Mode,
    policy_digest: &'a Digest,
    quorums: &'a [QuorumInfo],
    actions: &'a [ActionInfo],
    policies: &'a [PolicyInfo],
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Outcome<u8> {
    let bytes = read::bytes(&arguments.component)?;
    let inspection = sod_pack::inspect(&bytes)?;
    let description = describe(&bytes, inspection.target, output)?;
    compare(&arguments.component, &inspection, &description)?;
    let contents = contents(Digest::of(&bytes), &inspection, &description);
    match output.format {
        Format::Json => output.json(&contents)?,
        _ => {
            let mut page = output.page();
            explain(&mut page, &contents);
            output.text(&page)?;
        }
    }
    Ok(exit::OK)
}

/// What the artifact says that it is.
fn describe(bytes: &[u8], target: Target, output: &Output) -> Outcome<Description> {
    match target {
        Target::Component => Ok(open::runtime(output)?.load(bytes)?.describe().clone()),
        _ => {
            let json = sod_pack::describe(bytes)?;
            let problem = |error: serde_json::Error| InspectError::NotDescribed(error.to_string());
            Ok(serde_json::from_slice(&json).map_err(problem)?)
        }
    }
}

/// Metadata that says something else than the component was put there to mislead.
fn compare(path: &Path, inspection: &Inspection, description: &Description) -> Outcome<()> {
    let metadata = &inspection.pack;
    let json = |value: serde_json::Result<serde_json::Value>| value.unwrap_or_default();
    let same = metadata.name == description.name
        && metadata.version == description.version
        && metadata.engine.version == description.engine
        && metadata.policy_digest == description.policy_digest.to_string()
        && json(serde_json::to_value(metadata.mode))
            == json(serde_json::to_value(description.mode))
        && json(serde_json::to_value(&metadata.policies))
            == json(serde_json::to_value(&description.policies));
    if same {
        return Ok(());
    }
    let path = path.display();
    Err(Failure {
        exit: exit::INTEGRITY,
        report: miette!(
            code = "metadata-mismatch",
            help = "do not use it; find out who changed the file",
            "the metadata of `{path}` contradicts what the component says that it is"
        ),
    })
}

fn contents<'a>(
    digest: Digest,
    inspection: &'a Inspection,
    description: &'a Description,
) -> Contents<'a> {
    let metadata = &inspection.pack;
    Contents {
        target: inspection.target,
        digest,
        size: inspection.size,
        imports: &inspection.imports,
        exports: &inspection.exports,
        name: &description.name,
        version: &description.version,
        description: metadata.description.as_deref(),
        license: metadata.license.as_deref(),
        revision: metadata.revision.as_deref(),
        created: metadata.created,
        engine: &metadata.engine,
        mode: description.mode,
        policy_digest: &description.policy_digest,
        quorums: &description.quorums,
        actions: &description.actions,
        policies: &description.policies,
    }
}

fn explain(page: &mut Page, contents: &Contents<'_>) {
    page.line(&format!("{} {}", contents.name, contents.version));
    if let Some(description) = contents.description {
        page.line(&format!("  {description}"));
    }
    let digest = contents.digest.to_string();
    let policy_digest = contents.policy_digest.to_string();
    for (word, meaning) in [
        ("target", contents.target.as_str()),
        ("digest", digest.as_str()),
        ("policies", &policy_digest),
        (
            "engine",
            &format!("{} {}", contents.engine.version, contents.engine.sha256),
        ),
        ("size", &format!("{} bytes", contents.size)),
        ("license", contents.license.unwrap_or("none")),
        ("revision", contents.revision.unwrap_or("none")),
        ("imports", &list(contents.imports)),
        ("exports", &list(contents.exports)),
    ] {
        page.entry(word, meaning);
    }
    if !contents.quorums.is_empty() {
        page.heading("Quorums");
        for quorum in contents.quorums {
            let needs = quorum
                .needs
                .iter()
                .map(|need| format!("{} {}", need.count, need.role));
            let needs = needs.collect::<Vec<_>>().join(", ");
            page.line(&format!("  {}: {needs} of each {}", quorum.name, quorum.of));
        }
    }
    page.heading("Actions");
    for action in contents.actions {
        let ActionInfo {
            action,
            principals,
            resources,
            ..
        } = action;
        let (who, what) = (principals.join(" or "), resources.join(" or "));
        page.line(&format!("  {action}: {who} to {what}"));
    }
    page.heading("Policies");
    for policy in contents.policies {
        let effect = match policy.effect {
            sod_host::Effect::Allow => "permit",
            sod_host::Effect::Deny => "forbid",
        };
        page.line(&format!("  {effect} {} ({})", policy.id, policy.pack));
        if let Some(reason) = policy.annotations.get("reason") {
            page.line(&format!("      {reason}"));
        }
        page.entry("digest", &policy.digest.to_string());
    }
}

fn list(names: &[String]) -> String {
    match names {
        [] => "none".to_owned(),
        names => names.join(", "),
    }
}
