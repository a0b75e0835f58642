//! What is inside an artifact of sod, without running it.

use miette::Diagnostic;
use serde::Serialize;
use sod_core::bundle::sha256;
use wasmparser::{Encoding, Parser, Payload, Validator};

use crate::compile::metadata::{FORMAT, PackSection, SECTION};
use crate::compile::{INTERFACE, Target};

/// What an artifact is and says about itself. Nothing of it is proven but `sha256`, `size`, `imports` and `exports`:
/// its author can write anything into the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Inspection {
    /// `sha256:` and 64 hex digits over all bytes.
    pub sha256: String,
    /// In bytes.
    pub size: usize,
    /// For which hosts it is, by what it exports.
    pub target: Target,
    /// What the host would have to give it. Only a proxy's plugin has any.
    pub imports: Vec<String>,
    /// What it gives the host.
    pub exports: Vec<String>,
    /// Standard metadata: version.
    pub version: Option<String>,
    /// Standard metadata: description.
    pub description: Option<String>,
    /// Standard metadata: SPDX expression.
    pub licenses: Option<String>,
    /// Standard metadata: revision of the sources.
    pub revision: Option<String>,
    /// The section `sod:pack`.
    pub pack: PackSection,
}

/// Why something is not a component made by sod.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Diagnostic)]
#[non_exhaustive]
pub enum InspectError {
    /// Not WebAssembly at all.
    #[error("this is not WebAssembly: {0}")]
    #[diagnostic(code("not-wasm"), help("`sod build PACK -o FILE` writes one"))]
    NotWasm(String),
    /// A core module that is none of sod's.
    #[error(
        "this is a WebAssembly module, and neither a component nor one that `sod build` writes"
    )]
    #[diagnostic(
        code("not-a-component"),
        help("`sod build PACK -o FILE` writes a component, and with `--target` a module")
    )]
    NotAComponent,
    /// Another component.
    #[error("this component does not export `{INTERFACE}`")]
    #[diagnostic(
        code("not-a-policy"),
        help("it was not made by `sod build`, or by a version with another contract")
    )]
    NotAPolicy,
    /// No section `sod:pack`, or several, or one that cannot be read.
    #[error("the section `{SECTION}` {0}")]
    #[diagnostic(
        code("bad-metadata"),
        help("it was not made by `sod build`, or has been changed since")
    )]
    BadMetadata(String),
    /// A module that was asked, and did not say what it is.
    #[error("the module does not say what it is: {0}")]
    #[diagnostic(
        code("not-described"),
        help("it was not made by `sod build`, or has been changed since")
    )]
    NotDescribed(String),
}

/// Reads an artifact. Any bytes are safe to give to it.
///
/// # Errors
/// What it is instead, if it is none that sod has made.
pub fn inspect(bytes: &[u8]) -> Result<Inspection, InspectError> {
    let sections = Sections::read(bytes)?;
    let target = sections.target()?;
    let pack = sections.pack()?;
    let text = |name: &str| {
        let (_, data) = sections.custom.iter().find(|(found, _)| *found == name)?;
        Some(String::from_utf8_lossy(data).into_owned())
    };
    Ok(Inspection {
        sha256: sha256(bytes),
        size: bytes.len(),
        target,
        version: text("version"),
        description: text("description"),
        licenses: text("licenses"),
        revision: text("revision"),
        pack,
        imports: sections.imports,
        exports: sections.exports,
    })
}

/// The outermost sections that matter.
#[derive(Default)]
struct Sections<'a> {
    is_module: bool,
    imports: Vec<String>,
    exports: Vec<String>,
    custom: Vec<(&'a str, &'a [u8])>,
}

impl<'a> Sections<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, InspectError> {
        let not_wasm =
            |error: wasmparser::BinaryReaderError| InspectError::NotWasm(error.to_string());
        Validator::new().validate_all(bytes).map_err(not_wasm)?;
        let mut sections = Sections::default();
        // Modules and components inside have sections of their own.
        let mut depth = 0usize;
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.map_err(not_wasm)? {
                Payload::Version { encoding, .. } if depth == 0 => {
                    sections.is_module = encoding == Encoding::Module;
                }
                Payload::ImportSection(imports) if depth == 0 => {
                    for import in imports.into_imports() {
                        let import = import.map_err(not_wasm)?;
                        sections
                            .imports
                            .push(format!("{}.{}", import.module, import.name));
                    }
                }
                Payload::ExportSection(exports) if depth == 0 => {
                    for export in exports {
                        sections
                            .exports
                            .push(export.map_err(not_wasm)?.name.to_owned());
                    }
                }
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(imports) if depth == 0 => {
                    for import in imports {
                        sections
                            .imports
                            .push(import.map_err(not_wasm)?.name.name.to_owned());
                    }
                }
                Payload::ComponentExportSection(exports) if depth == 0 => {
                    for export in exports {
                        sections
                            .exports
                            .push(export.map_err(not_wasm)?.name.name.to_owned());
                    }
                }
                Payload::CustomSection(custom) if depth == 0 => {
                    sections.custom.push((custom.name(), custom.data()))
                }
                _ => {}
            }
        }
        Ok(sections)
    }

    fn target(&self) -> Result<Target, InspectError> {
        let known = |target: &Target| {
            let is_module = *target != Target::Component;
            let interface = target.interface();
            is_module == self.is_module && self.exports.iter().any(|export| export == interface)
        };
        let mut targets = Target::ALL.into_iter().filter(known);
        match (targets.next(), targets.next()) {
            (Some(target), None) => Ok(target),
            _ if self.is_module => Err(InspectError::NotAComponent),
            _ => Err(InspectError::NotAPolicy),
        }
    }

    fn pack(&self) -> Result<PackSection, InspectError> {
        let bad = |problem: String| InspectError::BadMetadata(problem);
        let mut found = self.custom.iter().filter(|(name, _)| *name == SECTION);
        let (_, data) = found.next().ok_or_else(|| bad("is absent".to_owned()))?;
        if found.next().is_some() {
            return Err(bad("is there more than once".to_owned()));
        }
        let pack: PackSection = serde_json::from_slice(data)
            .map_err(|error| bad(format!("cannot be read: {error}")))?;
        match pack.format {
            FORMAT => Ok(pack),
            other => Err(bad(format!(
                "has format {other}; this version of sod reads {FORMAT}"
            ))),
        }
    }
}
