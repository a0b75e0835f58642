//! Who there is, what they hold and how they are signed in.

use serde::{Deserialize, Serialize};

use crate::text::Text;

/// One human being in the directory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Person<'a> {
    /// Unique among people.
    #[serde(borrow)]
    pub id: Text<'a>,
    /// Still employed and not suspended.
    pub active: bool,
    /// RFC 3339. When somebody last confirmed that the roles are still needed.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub access_reviewed_at: Option<Text<'a>>,
    /// Account that confirmed it. Of nobody else, it confirms nothing.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub access_reviewed_by: Option<Text<'a>>,
    /// Names of the roles held.
    #[serde(borrow, default)]
    pub roles: Vec<Text<'a>>,
    /// Names of the teams belonged to.
    #[serde(borrow, default)]
    pub teams: Vec<Text<'a>>,
}

/// One machine in the directory: bot, CI, merge queue, coding agent, the forge itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Machine<'a> {
    /// Unique among machines.
    #[serde(borrow)]
    pub id: Text<'a>,
    /// `ci`, `bot`, `agent`, `forge`, ...
    #[serde(borrow)]
    pub kind: Text<'a>,
    /// Names of the roles held.
    #[serde(borrow, default)]
    pub roles: Vec<Text<'a>>,
    /// Ids of the people who can change its code or use its credentials. What
    /// the machine contributes, they contribute.
    #[serde(borrow, default)]
    pub owners: Vec<Text<'a>>,
}

/// An account and who is behind it: exactly one of `person` and `machine`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("oneOf" = [
    { "required": ["person"], "properties": { "person": { "type": "string" } } },
    { "required": ["machine"], "properties": { "machine": { "type": "string" } } },
])))]
pub struct Account<'a> {
    /// `github:octocat`, `email:ana@bank.example`: the issuer, a colon, the id
    /// there. Compared byte for byte, but ASCII case does not matter after `email:`.
    #[serde(borrow)]
    pub account: Text<'a>,
    /// Id of a person.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub person: Option<Text<'a>>,
    /// Id of a machine.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<Text<'a>>,
}

/// A role given to a person for a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Grant<'a> {
    /// Unique among grants.
    #[serde(borrow)]
    pub id: Text<'a>,
    /// Id of the person who holds it.
    #[serde(borrow)]
    pub person: Text<'a>,
    /// Name of the role.
    #[serde(borrow)]
    pub role: Text<'a>,
    /// Account that gave it.
    #[serde(borrow)]
    pub granted_by: Text<'a>,
    /// RFC 3339. Held from then on.
    #[serde(borrow)]
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub from: Text<'a>,
    /// RFC 3339. Not held from then on.
    #[serde(borrow)]
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub until: Text<'a>,
    /// RFC 3339. Taken back before its time: not held from then on.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub revoked_at: Option<Text<'a>>,
    /// What it was given for, in words.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text<'a>>,
    /// Id of the incident that it was given for.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<Text<'a>>,
    /// Account that reviewed its use afterwards.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub reviewed_by: Option<Text<'a>>,
}

/// Something that went wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Incident<'a> {
    /// Unique among incidents.
    #[serde(borrow)]
    pub id: Text<'a>,
    /// Not resolved yet.
    pub open: bool,
}

/// A shift.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OnCall<'a> {
    /// Id of the person.
    #[serde(borrow)]
    pub person: Text<'a>,
    /// RFC 3339. On call from then on.
    #[serde(borrow)]
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub from: Text<'a>,
    /// RFC 3339. Not on call from then on.
    #[serde(borrow)]
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub until: Text<'a>,
}

/// How somebody is signed in, as the identity provider says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Session<'a> {
    /// Account that is signed in.
    #[serde(borrow)]
    pub account: Text<'a>,
    /// Name of the network: `office`, `vpn`, `internet`.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Text<'a>>,
    /// ISO 3166-1 alpha-2: `CH`.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Text<'a>>,
    /// RFC 3339. The newest proof by a second factor.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub mfa_at: Option<Text<'a>>,
    /// RFC 3339, by the server's clock. When it was used; absent: now.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub at: Option<Text<'a>>,
}

/// That somebody approved a change of somebody else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PastReview<'a> {
    /// Account that approved.
    #[serde(borrow)]
    pub reviewer: Text<'a>,
    /// Accounts that contributed.
    #[serde(borrow)]
    pub contributors: Vec<Text<'a>>,
}
