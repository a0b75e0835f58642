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

/// A need of a quorum that a shift now fills.
pub const ON_CALL: &str = "on_call";
/// Before the name of a team, a need that its members fill.
pub const TEAM: &str = "team:";
/// Before the id of a person, a need that only they fill.
pub const PERSON: &str = "person:";

/// People by role, team, name or shift.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quorum {
    /// `context.quorum.<name>` in policies.
    pub name: String,
    /// Whose approvals.
    pub of: QuorumOf,
    /// A role, [`TEAM`] and the name of a team, [`PERSON`] and an id, or [`ON_CALL`], or several of them with `|`
    /// between them, to number of people, each at least 1.
    pub need: BTreeMap<String, u32>,
    /// One person may fill a place of several needs; otherwise all are different people.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub one_person_may_fill_several: bool,
    /// Whose approvals fill no place here, though they count elsewhere.
    #[serde(default, skip_serializing_if = "LeavesOut::is_nobody")]
    pub leaves_out: LeavesOut,
}

/// Approvals of changes that look like a favour, each by the name of an option of the pack, a number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeavesOut {
    /// Of people who approved a contributor's work, and had their own approved by them, as often as this; or of whom
    /// that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reciprocal_reviews: Option<String>,
    /// That came less than so many seconds after what they approve; or of which that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quicker_than_seconds: Option<String>,
}

impl LeavesOut {
    /// Nobody is left out.
    pub fn is_nobody(&self) -> bool {
        *self == LeavesOut::default()
    }
}

/// What of a change an approval is for, strictest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StandsFor {
    /// Its head: any push ends it.
    #[default]
    Head,
    /// The content of its head: a new head of the same tree, on the same base or not, keeps it.
    Tree,
    /// What it changes: a rebase that changes the same keeps it.
    Patch,
}

/// Files by path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PathClass {
    /// `resource.touches.<name>` and `resource.only.<name>` in policies.
    pub name: String,
    /// Globs, each against the whole path.
    pub include: Vec<String>,
    /// Globs of what is not in it nevertheless.
    #[serde(default)]
    pub exclude: Vec<String>,
}

/// Times of the week, and when they do not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// `context.window.<name>` in policies.
    pub name: String,
    /// Name in the IANA time zone database.
    pub zone: String,
    /// Where the zone's offset changes: from which millisecond since the Unix
    /// epoch on, and to how many seconds east. Sorted.
    pub offsets: Vec<(i64, i32)>,
    /// Days of the week, 1 (Monday) to 7.
    pub days: Vec<u8>,
    /// Minutes since midnight, inclusive.
    pub from: u16,
    /// Minutes since midnight, exclusive.
    pub until: u16,
    /// Milliseconds since the Unix epoch, from inclusive, until exclusive: closed whatever the day.
    pub closed: Vec<(i64, i64)>,
}

/// Roles that one person must not hold together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conflict {
    /// `principal.conflict.<name>` in policies.
    pub name: String,
    /// Names of roles.
    pub roles: Vec<String>,
    /// Of how many of them are too many.
    pub at: u32,
}

/// A role that is given for a time, and what of its grants rules look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantOf {
    /// `principal.grant.<name>` in policies.
    pub name: String,
    /// Name of the role.
    pub role: String,
}

/// What a pack leaves open for packs on top, with what was chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackOption {
    /// `context.option.<name>` in policies.
    pub name: String,
    /// What it is.
    pub value: OptionValue,
}

/// The value of an option.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum OptionValue {
    /// `context.option.<name>.<word>` is true for one of the words.
    Word {
        /// The one.
        chosen: String,
        /// All that it may be, strictest first.
        of: Vec<String>,
    },
    /// `context.option.<name>` is this.
    Number(i64),
}

/// What a pack says besides its rules.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackData {
    /// What of a change an approval is for.
    #[serde(default)]
    pub stands_for: StandsFor,
    /// Sorted by name.
    #[serde(default)]
    pub paths: Vec<PathClass>,
    /// Sorted by name.
    #[serde(default)]
    pub windows: Vec<Window>,
    /// Sorted by name.
    #[serde(default)]
    pub conflicts: Vec<Conflict>,
    /// Sorted by name.
    #[serde(default)]
    pub grants: Vec<GrantOf>,
    /// Sorted by name.
    #[serde(default)]
    pub options: Vec<PackOption>,
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
    /// In mode `cedar`: requests are taken as they are, whatever the schema says. Never in a pack; only for sets of
    /// policies that Cedar takes without a schema, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unchecked: bool,
    /// Sorted by id.
    pub policies: Vec<PolicySource>,
    /// Sorted by name.
    pub quorums: Vec<Quorum>,
    /// What else the pack says.
    #[serde(default)]
    pub data: PackData,
}

impl PackData {
    /// The option of that name, if it is a number.
    pub fn number(&self, name: &str) -> Option<i64> {
        let option = self.options.iter().find(|option| option.name == name)?;
        match option.value {
            OptionValue::Number(number) => Some(number),
            OptionValue::Word { .. } => None,
        }
    }
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
    hex_digest(&Sha256::digest(bytes))
}

pub(crate) fn hex_digest(digest: &[u8]) -> String {
    const HEX: [u8; 16] = *b"0123456789abcdef";
    let mut out = String::with_capacity(71);
    out.push_str("sha256:");
    for byte in digest {
        for nibble in [byte >> 4, byte & 15] {
            out.extend(HEX.get(usize::from(nibble)).map(|c| char::from(*c)));
        }
    }
    out
}
