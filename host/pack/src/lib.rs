//! From a folder of Cedar policies to a sealed component: the authoring side of sod.
//!
//! ```text
//! folder -> Pack (read, merged, validated) -> component (engine with the pack in its memory)
//! ```
//!
//! 1. [`Pack::open`] reads a pack folder and all that it includes, and validates the whole strictly. What is
//!    wrong with it comes back as [`Findings`], each with a stable [`Code`], a place, and a help line.
//! 2. [`compile`] makes the pack a component that imports nothing and can load nothing, or a module for hosts that
//!    cannot load components.
//! 3. [`inspect`] reads back what is in a component, without running it.
//! 4. [`mod@format`] lays its rules out, and changes nothing of what they mean.
//! 5. [`cases`] are a pack's tests as data, and [`matrix`] is the pack as a table that people review. Running them
//!    is the caller's.
//! 6. [`mutants`] are small slips in a pack, which its cases should notice, and [`plain`] asks Cedar's own tests of the
//!    engine. Only these two decide anything here.
//!
//! ```no_run
//! use sod_pack::{CompileOptions, Pack, compile, inspect};
//!
//! let pack = Pack::open("policies/protected-deploy")?;
//! print!("{}", pack.warnings().render(false));
//! let component = compile(&pack, &CompileOptions::default())?;
//! println!("{}", inspect(&component)?.sha256);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod cases;
mod cedar_findings;
mod code;
mod compile;
mod difference;
mod editor;
pub mod explain;
mod finding;
mod folder;
pub mod format;
mod harmless;
mod inspect;
mod lint;
mod manifest;
pub mod matrix;
pub mod mutants;
mod nesting;
mod options;
mod pack;
pub mod plain;
mod rules;
mod schema;
mod settings;
mod source;

pub use code::{Code, Severity};
pub use compile::metadata::{EngineInfo, PackSection, PolicyEntry, SECTION};
pub use compile::{
    Answer, AnswerReason, CompileError, CompileOptions, INTERFACE, Loaded, NoAnswer, Sandbox,
    Target, compile, describe, engine, engine_module,
};
pub use difference::difference;
pub use editor::FACTS;
pub use finding::{Finding, Findings, Span};
pub use harmless::harmless;
pub use inspect::{InspectError, Inspection, inspect};
pub use manifest::{MANIFEST, is_kebab_case as is_name};
pub use nesting::MAX_DEPTH;
pub use options::{Choice, OpenOption};
pub use pack::Pack;
pub use rules::Rule;
pub use schema::BASE_SCHEMA;
pub use sod_core::Mode;
