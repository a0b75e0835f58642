//! A pack as a sealed component.
//!
//! The engine is compiled once, with sod itself. A pack is made into a component by running the engine's load
//! function on it, deciding once to warm up, and keeping the memory: what comes out has the pack in its data
//! segments, and the function that loaded it is gone. No parser of Rust or Wasm text is involved, and the same
//! pack gives the same bytes.

mod loading;
pub(crate) mod metadata;
mod sandbox;
mod seal;
mod snapshot;

use miette::Diagnostic;
use wit_component::ComponentEncoder;

use self::metadata::EngineInfo;
pub use self::sandbox::{Answer, AnswerReason, Loaded, NoAnswer, Sandbox};
use crate::inspect::{self, InspectError};
use crate::pack::Pack;

/// The engine, as build.rs made it.
const ENGINE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/engine.wasm"));

/// The engine that this build of sod puts into components.
pub fn engine() -> EngineInfo {
    EngineInfo {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        sha256: env!("SOD_ENGINE_SHA256").to_owned(),
    }
}

/// The engine itself: a core module without imports that holds no pack yet. For those who test or measure it.
pub fn engine_module() -> &'static [u8] {
    ENGINE
}

/// The one thing that a component exports.
pub const INTERFACE: &str = "sod:policy/authorizer@0.1.0";

/// What goes into a component besides the pack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CompileOptions {
    /// Revision of the sources, as the version control names it.
    pub revision: Option<String>,
    /// Seconds since the Unix epoch: `SOURCE_DATE_EPOCH`. Without it there is no time in a component.
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
    /// The result is not what a component must be.
    #[error("the component is not sealed: {message}")]
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

/// Compiles a pack to a component that imports nothing and can load nothing.
///
/// The same pack, options and build of sod give the same bytes.
///
/// # Errors
/// A defect of sod, or a pack beyond its limits.
pub fn compile(pack: &Pack, options: &CompileOptions) -> Result<Vec<u8>, CompileError> {
    let bundle = serde_json::to_vec(&pack.bundle()).map_err(CompileError::engine)?;
    let loaded = snapshot::load(ENGINE, &bundle)?;
    let sealed = seal::seal(&loaded)?;
    let component = encode(&sealed)?;
    let component = metadata::add(&component, pack, options)?;
    check(&component)?;
    Ok(component)
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
fn check(component: &[u8]) -> Result<(), CompileError> {
    let unsealed = |message: String| CompileError::Unsealed { message };
    let inspection =
        inspect::inspect(component).map_err(|error: InspectError| unsealed(error.to_string()))?;
    if !inspection.imports.is_empty() {
        return Err(unsealed(format!(
            "it imports {}",
            inspection.imports.join(", ")
        )));
    }
    if inspection.exports != [INTERFACE] {
        return Err(unsealed(format!(
            "it exports {}",
            inspection.exports.join(", ")
        )));
    }
    Ok(())
}
