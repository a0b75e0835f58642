//! A pack as a sealed artifact: a component, or a module for hosts that cannot load components.
//!
//! The engine is compiled once, with sod itself. A pack is made into an artifact by running the engine's load
//! function on it, deciding once to warm up, and keeping the memory: what comes out has the pack in its data
//! segments, and the function that loaded it is gone. No parser of Rust or Wasm text is involved, and the same
//! pack gives the same bytes.

mod ask;
mod lasting;
mod loading;
pub(crate) mod metadata;
mod sandbox;
mod seal;
mod snapshot;
mod target;

use miette::Diagnostic;
use wit_component::ComponentEncoder;

pub use self::ask::describe;
pub use self::sandbox::{Answer, AnswerReason, Loaded, NoAnswer, Sandbox};
pub use self::target::{INTERFACE, Target, engine, engine_module};
use crate::inspect::{self, InspectError};
use crate::pack::Pack;

/// What goes into an artifact besides the pack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CompileOptions {
    /// For which hosts.
    pub target: Target,
    /// Revision of the sources, as the version control names it.
    pub revision: Option<String>,
    /// Seconds since the Unix epoch: `SOURCE_DATE_EPOCH`. Without it there is no time in an artifact.
    pub created: Option<i64>,
}

/// Why a valid pack could not be compiled.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[non_exhaustive]
pub enum CompileError {
    /// The engine says what it does not like.
    #[error("the engine refuses the pack: {message}")]
    #[diagnostic(
        code("engine-refused"),
        help("the pack passed validation, so this is a defect of sod: please report it")
    )]
    Refused {
        /// In the engine's words.
        message: String,
    },
    /// The engine broke off.
    #[error("the engine failed on the pack: {message}")]
    #[diagnostic(
        code("engine-failed"),
        help("a pack that is too large for 32-bit memory or the engine's stack does this")
    )]
    Failed {
        /// In the sandbox's words.
        message: String,
    },
    /// The loaded pack takes more memory than hosts give.
    #[error("the loaded pack takes {pages} pages of 64 KiB, at most {limit} are accepted")]
    #[diagnostic(
        code("pack-too-large"),
        help("hosts cap the memory of a decision: split the pack")
    )]
    TooLarge {
        /// What it takes.
        pages: u64,
        /// What is accepted.
        limit: u64,
    },
    /// The engine is not one.
    #[error("the engine inside this build of sod is not usable: {message}")]
    #[diagnostic(code("engine-unusable"), help("build sod again from a clean clone"))]
    Engine {
        /// What is wrong with it.
        message: String,
    },
    /// The result is not what an artifact must be.
    #[error("the artifact is not sealed: {message}")]
    #[diagnostic(
        code("component-unsealed"),
        help("this is a defect of sod: please report it")
    )]
    Unsealed {
        /// What is wrong with it.
        message: String,
    },
}

impl CompileError {
    fn engine(message: impl std::fmt::Display) -> Self {
        CompileError::Engine {
            message: message.to_string(),
        }
    }
}

/// Compiles a pack to an artifact that can load nothing, and imports nothing but what a proxy gives to its plugins.
///
/// The same pack, options and build of sod give the same bytes.
///
/// # Errors
/// A defect of sod, or a pack beyond its limits.
pub fn compile(pack: &Pack, options: &CompileOptions) -> Result<Vec<u8>, CompileError> {
    let target = options.target;
    let bundle = serde_json::to_vec(&pack.bundle()).map_err(CompileError::engine)?;
    let loaded = snapshot::load(target, target.engine(), &bundle)?;
    let sealed = seal::seal(target, &loaded)?;
    let artifact = match target {
        Target::Component => encode(&sealed)?,
        Target::Core | Target::ProxyWasm => sealed,
    };
    let artifact = metadata::add(&artifact, pack, options)?;
    check(&artifact, target)?;
    Ok(artifact)
}

fn encode(module: &[u8]) -> Result<Vec<u8>, CompileError> {
    let mut encoder = ComponentEncoder::default();
    let encoder = encoder
        .validate(true)
        .module(module)
        .map_err(|error| CompileError::engine(format!("{error:#}")))?;
    encoder
        .encode()
        .map_err(|error| CompileError::engine(format!("{error:#}")))
}

/// Looks at the result with the eyes of those who get it.
fn check(artifact: &[u8], target: Target) -> Result<(), CompileError> {
    let unsealed = |message: String| CompileError::Unsealed { message };
    let inspection =
        inspect::inspect(artifact).map_err(|error: InspectError| unsealed(error.to_string()))?;
    if inspection.target != target {
        return Err(unsealed(format!("it looks like `{}`", inspection.target)));
    }
    let from = target.imports_from().map(|module| format!("{module}."));
    let strange = |import: &&String| !from.as_ref().is_some_and(|from| import.starts_with(from));
    if let Some(import) = inspection.imports.iter().find(strange) {
        return Err(unsealed(format!("it imports {import}")));
    }
    let strange = |export: &&String| {
        let export = export.as_str();
        export != target.interface() && (target == Target::Component || !target.keeps(export))
    };
    match inspection.exports.iter().find(strange) {
        Some(export) => Err(unsealed(format!("it exports {export}"))),
        None => Ok(()),
    }
}
