//! From a folder of Cedar policies to a sealed component: the authoring side of sod.
//!
//! ```text
//! folder -> Pack (read, merged, validated) -> component (engine with the pack in its memory)
//! ```
//!
//! 1. [`Pack::open`] reads a pack folder and all that it includes, and validates the whole strictly. What is
//!    wrong with it comes back as [`Findings`], each with a stable [`Code`], a place, and a help line.
//! 2. [`compile`] makes the pack a component that imports nothing and can load nothing.
//! 3. [`inspect`] reads back what is in a component, without running it.
//! 4. [`cases`] are a pack's tests as data, and [`matrix`] is the pack as a table that people review. Running them
//!    is the caller's.
//! 5. [`mutants`] are small slips in a pack, which its cases should notice. Only these are decided here.
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
mod finding;
mod folder;
mod harmless;
mod inspect;
mod manifest;
pub mod matrix;
pub mod mutants;
mod nesting;
mod options;
mod pack;
mod rules;
mod schema;
mod settings;
mod source;

pub use code::{Code, Severity};
pub use compile::metadata::{EngineInfo, PackSection, PolicyEntry, SECTION};
pub use compile::{CompileError, CompileOptions, INTERFACE, compile, engine, engine_module};
pub use finding::{Finding, Findings, Span};
pub use harmless::harmless;
pub use inspect::{InspectError, Inspection, inspect};
pub use manifest::MANIFEST;
pub use nesting::MAX_DEPTH;
pub use options::Choice;
pub use pack::Pack;
pub use rules::Rule;
pub use schema::BASE_SCHEMA;
