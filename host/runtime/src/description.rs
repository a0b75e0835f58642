//! What a component says that it is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::entity::EntityUid;
use crate::verdict::Effect;

/// Which requests a component takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Mode {
    /// Facts are derived from raw evidence.
    Evidence,
    /// Plain Cedar requests; a policy error still denies.
    Cedar,
}

/// One policy of the pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct PolicyInfo {
    /// `@id`
    pub id: String,
    /// Name of the pack that it comes from.
    pub pack: String,
    /// What it does when it applies.
    pub effect: Effect,
    /// Its annotations but `@id`.
    pub annotations: BTreeMap<String, String>,
    /// Digest of its text.
    pub digest: Digest,
}

/// One need of a quorum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Need {
    /// A role.
    pub role: String,
    /// How many different people.
    pub count: u32,
}

/// One quorum of the pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct QuorumInfo {
    /// `context.quorum.<name>` in policies.
    pub name: String,
    /// `change` or `deployment`: whose approvals are counted.
    pub of: String,
    /// Different people by role.
    pub needs: Vec<Need>,
}

/// One action of the pack's schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ActionInfo {
    /// `Action::"merge"`
    pub action: EntityUid,
    /// Types that may do it, sorted.
    pub principals: Vec<String>,
    /// Types that it may be done to, sorted.
    pub resources: Vec<String>,
}

/// What a component is, in its own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Description {
    /// Name of the pack.
    pub name: String,
    /// Version of the pack.
    pub version: String,
    /// Version of the engine inside.
    pub engine: String,
    /// Which requests it takes.
    pub mode: Mode,
    /// As in every verdict.
    pub policy_digest: Digest,
    /// Sorted by id, each id once.
    pub policies: Vec<PolicyInfo>,
    /// Sorted by name.
    pub quorums: Vec<QuorumInfo>,
    /// Sorted by action.
    #[serde(default)]
    pub actions: Vec<ActionInfo>,
}

impl Description {
    /// What the policy `id` does when it applies.
    pub(crate) fn effect_of(&self, id: &str) -> Option<Effect> {
        let found = self
            .policies
            .binary_search_by(|policy| policy.id.as_str().cmp(id))
            .ok()?;
        self.policies.get(found).map(|policy| policy.effect)
    }
}
