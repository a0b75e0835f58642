//! What the pack compiler hands to the engine: a validated pack as plain data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Which requests a pack takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Facts are derived from raw evidence; the base schema is part of the schema.
    Evidence,
    /// Plain Cedar requests with the pack's own schema.
    Cedar,
}

/// Whose approvals a quorum counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QuorumOf {
    /// A change's; for a deployment, every change that it ships must meet it.
    Change,
    /// A deployment's.
    Deployment,
}

/// Different people by role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quorum {
    /// `context.quorum.<name>` in policies.
    pub name: String,
    /// Whose approvals.
    pub of: QuorumOf,
    /// Role name to number of people, each at least 1.
    pub need: BTreeMap<String, u32>,
}

/// One policy with its origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicySource {
    /// `@id`
    pub id: String,
    /// Name of the pack that it comes from.
    pub pack: String,
    /// Cedar text of exactly one static policy.
    pub text: String,
}

/// A validated pack with everything that it includes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// Name of the pack.
    pub name: String,
    /// Version of the pack.
    pub version: String,
    /// Which requests it takes.
    pub mode: Mode,
    /// The whole schema in Cedar's schema syntax.
    pub schema: String,
    /// Sorted by id.
    pub policies: Vec<PolicySource>,
    /// Sorted by name.
    pub quorums: Vec<Quorum>,
}

impl Bundle {
    /// `sha256:` and 64 hex digits over the JSON of the bundle.
    pub fn digest(&self) -> String {
        // A struct of strings, numbers and maps with string keys has no way to fail.
        let json = serde_json::to_vec(self).unwrap_or_default();
        sha256(&json)
    }
}

/// `sha256:` and 64 hex digits.
pub fn sha256(bytes: &[u8]) -> String {
    hex_digest(Sha256::new_with_prefix(bytes))
}

pub(crate) fn hex_digest(hasher: Sha256) -> String {
    const HEX: [u8; 16] = *b"0123456789abcdef";
    let mut out = String::with_capacity(71);
    out.push_str("sha256:");
    for byte in hasher.finalize() {
        for nibble in [byte >> 4, byte & 15] {
            out.extend(HEX.get(usize::from(nibble)).map(|c| char::from(*c)));
        }
    }
    out
}
