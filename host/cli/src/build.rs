//! `sod build`: a pack as one sealed artifact.

use std::env;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde::Serialize;
use sod_host::Digest;
use sod_pack::CompileOptions;

use crate::command_line::Format;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::{exit, open, write};

/// Build a pack into one sandboxed WebAssembly component, or a module for other hosts
///
/// The component has the pack and all that it includes inside, imports nothing, and has no way to load other
/// policies. The same pack, revision and sod give the same bytes. Its file appears whole or not at all.
///
/// A module decides the same, for hosts that cannot load components: `core` for plain WebAssembly runtimes
/// (docs/modules.md), `proxy-wasm` for Envoy and other proxies (docs/proxy-wasm.md), which give it their interface
/// to import.
///
/// SOURCE_DATE_EPOCH, if it is set, is recorded as the time of the build; otherwise no time is.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  sod build policies/protected-deploy -o protected-deploy.wasm
  sod build policies/protected-deploy -o protected-deploy.wasm --revision v1.4.0 --format json
  sod build policies/protected-deploy --target proxy-wasm -o plugin.wasm")]
pub(crate) struct Arguments {
    /// The pack's folder
    #[arg(value_name = "PACK")]
    pack: PathBuf,

    /// Where to write the component or module to
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// For which hosts
    #[arg(long, value_enum, value_name = "TARGET", default_value = "component")]
    target: Target,

    /// Revision of the sources, to be recorded [default: the commit that is checked out in the pack's folder]
    #[arg(long, value_name = "REV")]
    revision: Option<String>,
}

/// For which hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Target {
    /// Hosts of components
    Component,
    /// Plain WebAssembly runtimes: wazero, Chicory, any engine
    Core,
    /// Proxies with proxy-wasm 0.2.1: Envoy
    ProxyWasm,
}

impl From<Target> for sod_pack::Target {
    fn from(target: Target) -> Self {
        match target {
            Target::Component => sod_pack::Target::Component,
            Target::Core => sod_pack::Target::Core,
            Target::ProxyWasm => sod_pack::Target::ProxyWasm,
        }
    }
}

/// What was built.
#[derive(Serialize)]
struct Built<'a> {
    target: sod_pack::Target,
    name: &'a str,
    version: &'a str,
    revision: Option<&'a str>,
    file: &'a Path,
    digest: Digest,
    size: usize,
    policies: usize,
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Outcome<u8> {
    let options = CompileOptions {
        target: arguments.target.into(),
        created: source_date()?,
        revision: arguments
            .revision
            .clone()
            .or_else(|| sod_evidence::git::head_revision(&arguments.pack)),
    };
    let pack = open::pack(&arguments.pack)?;
    let artifact = sod_pack::compile(&pack, &options)?;
    write::atomically(&arguments.output, &artifact)?;
    let built = Built {
        target: options.target,
        name: pack.name(),
        version: pack.version(),
        revision: options.revision.as_deref(),
        file: &arguments.output,
        digest: Digest::of(&artifact),
        size: artifact.len(),
        policies: pack.rules().len(),
    };
    print(&built, output)?;
    Ok(exit::OK)
}

/// The convention of reproducible builds: seconds since the Unix epoch.
fn source_date() -> Outcome<Option<i64>> {
    const NAME: &str = "SOURCE_DATE_EPOCH";
    let Some(value) = env::var_os(NAME) else {
        return Ok(None);
    };
    let seconds = value.to_str().and_then(|text| text.parse().ok());
    match seconds.filter(|seconds: &i64| *seconds >= 0) {
        Some(seconds) => Ok(Some(seconds)),
        None => {
            let message = format!("{NAME} is `{}`, no number of seconds", value.display());
            Err(Failure::usage(
                message,
                "unset it, or set it to seconds since 1970",
            ))
        }
    }
}

fn print(built: &Built<'_>, output: &Output) -> Outcome<()> {
    if output.format == Format::Json {
        return output.json(built);
    }
    let mut page = output.page();
    page.line(&format!(
        "{} {}: {} policies",
        built.name, built.version, built.policies
    ));
    page.entry("target", built.target.as_str());
    page.entry("file", &built.file.display().to_string());
    page.entry("digest", &built.digest.to_string());
    page.entry("size", &format!("{} bytes", built.size));
    page.entry("revision", built.revision.unwrap_or("none"));
    output.text(&page)
}
