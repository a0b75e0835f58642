//! What an artifact says about itself, for tools that do not run it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sod_core::bundle::sha256;
use sod_core::{Effect, Mode, Quorum};
use wasm_encoder::{ComponentSection, CustomSection};
use wasm_metadata::{AddMetadata, AddMetadataField};

use super::{CompileError, CompileOptions};
use crate::pack::Pack;

/// Name of the custom section with a [`PackSection`] as JSON.
pub const SECTION: &str = "sod:pack";

/// The format that this version writes and reads.
pub(crate) const FORMAT: u32 = 1;

/// The custom section `sod:pack`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackSection {
    /// 1. A reader refuses others; keys that it does not know it skips.
    pub format: u32,
    /// Name of the pack.
    pub name: String,
    /// Version of the pack.
    pub version: String,
    /// What it is for.
    pub description: Option<String>,
    /// An SPDX expression.
    pub license: Option<String>,
    /// Revision of the sources.
    pub revision: Option<String>,
    /// Seconds since the Unix epoch, if the build was given a time.
    pub created: Option<i64>,
    /// Which requests it takes.
    pub mode: Mode,
    /// The engine inside.
    pub engine: EngineInfo,
    /// As in every verdict.
    pub policy_digest: String,
    /// By id.
    pub policies: Vec<PolicyEntry>,
    /// By name.
    pub quorums: Vec<Quorum>,
}

/// The engine inside a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineInfo {
    /// Version of sod.
    pub version: String,
    /// Digest of the engine before a pack was loaded.
    pub sha256: String,
}

/// One policy of a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyEntry {
    /// `@id`
    pub id: String,
    /// Name of the pack that it comes from.
    pub pack: String,
    /// `allow` for a permit, `deny` for a forbid.
    pub effect: String,
    /// `sha256:` and 64 hex digits of its canonical text.
    pub digest: String,
    /// Its annotations but `@id`.
    pub annotations: BTreeMap<String, String>,
}

/// Adds name, version, description, licence and revision the way all Wasm tools read them, and the section `sod:pack`.
pub(super) fn add(
    component: &[u8],
    pack: &Pack,
    options: &CompileOptions,
) -> Result<Vec<u8>, CompileError> {
    let mut metadata = AddMetadata::default();
    metadata.name = AddMetadataField::Set(pack.name().to_owned());
    metadata.processed_by = vec![("sod".to_owned(), env!("CARGO_PKG_VERSION").to_owned())];
    let mut component = metadata
        .to_wasm(component)
        .map_err(|error| CompileError::engine(format!("{error:#}")))?;
    let section = serde_json::to_vec(&section(pack, options)).map_err(CompileError::engine)?;
    let texts = [
        ("description", pack.description()),
        ("licenses", pack.license()),
        ("revision", options.revision.as_deref()),
        ("version", Some(pack.version())),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            append(&mut component, name, text.as_bytes());
        }
    }
    append(&mut component, SECTION, &section);
    Ok(component)
}

fn append(component: &mut Vec<u8>, name: &str, data: &[u8]) {
    let section = CustomSection {
        name: Cow::Borrowed(name),
        data: Cow::Borrowed(data),
    };
    section.append_to_component(component);
}

fn section(pack: &Pack, options: &CompileOptions) -> PackSection {
    let bundle = pack.bundle();
    let policies = pack.rules().iter().map(|rule| PolicyEntry {
        id: rule.id.clone(),
        pack: rule.pack.clone(),
        effect: match rule.effect {
            Effect::Allow => "allow".to_owned(),
            Effect::Deny => "deny".to_owned(),
        },
        digest: sha256(rule.text.as_bytes()),
        annotations: rule.annotations.clone(),
    });
    PackSection {
        format: FORMAT,
        name: bundle.name.clone(),
        version: bundle.version.clone(),
        description: pack.description().map(str::to_owned),
        license: pack.license().map(str::to_owned),
        revision: options.revision.clone(),
        created: options.created,
        mode: bundle.mode,
        engine: options.target.engine_info(),
        policy_digest: bundle.digest(),
        policies: policies.collect(),
        quorums: bundle.quorums,
    }
}
