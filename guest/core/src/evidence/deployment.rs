//! Artifacts, environments and deployments.

use serde::{Deserialize, Serialize};

use super::{ApprovalState, Listing, Session};
use crate::text::Text;

/// Something built.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Artifact<'a> {
    /// `sha256:` and 64 hex digits; unique among artifacts.
    #[serde(borrow)]
    pub digest: Text<'a>,
    /// Repository of the source, by its provenance.
    #[serde(borrow)]
    pub repository: Text<'a>,
    /// Commit that it was built from, by its provenance.
    #[serde(borrow)]
    pub revision: Text<'a>,
    /// Account of the builder, by its provenance.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub builder: Option<Text<'a>>,
    /// Branch that it was built from, by its provenance.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<Text<'a>>,
    /// Withdrawn by its owners. Absent if the source does not record it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yanked: Option<bool>,
    /// What is known against it. Absent if nobody looked.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub vulnerabilities: Option<Listing<Vulnerability<'a>>>,
}

/// Where artifacts are deployed to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Environment<'a> {
    /// Unique among environments.
    #[serde(borrow)]
    pub id: Text<'a>,
    /// `development`, `test`, `staging`, `production`.
    #[serde(borrow)]
    pub tier: Text<'a>,
    /// What was deployed there, first to last, as the environment recorded it.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub history: Option<Listing<Deployed<'a>>>,
}

/// A deployment that was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Deployed<'a> {
    /// Digest of the artifact.
    #[serde(borrow)]
    pub artifact: Text<'a>,
    /// Account that carried it out.
    #[serde(borrow)]
    pub account: Text<'a>,
}

/// A known vulnerability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Vulnerability<'a> {
    /// `CVE-2026-0001`
    #[serde(borrow)]
    pub id: Text<'a>,
    /// `low`, `medium`, `high`, `critical`, as the source rates it.
    #[serde(borrow)]
    pub severity: Text<'a>,
}

/// One artifact on its way to one environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Deployment<'a> {
    /// Unique among deployments.
    #[serde(borrow)]
    pub id: Text<'a>,
    /// Id of an environment.
    #[serde(borrow)]
    pub environment: Text<'a>,
    /// Digest of an artifact.
    #[serde(borrow)]
    pub artifact: Text<'a>,
    /// Account that asked for it.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub requester: Option<Text<'a>>,
    /// The commit that is live there now; absent if nothing is.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Text<'a>>,
    /// Commits reachable from `live` that are parents of listed commits.
    #[serde(borrow, default)]
    pub boundary: Vec<Text<'a>>,
    /// RFC 3339, by the server's clock. When approval was asked for.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub requested_at: Option<Text<'a>>,
    /// Ids of every change between what is live and the artifact.
    #[serde(borrow)]
    pub changes: Listing<Text<'a>>,
    /// Every sign-off, first to last.
    #[serde(borrow)]
    pub approvals: Listing<DeploymentApproval<'a>>,
}

/// A sign-off of a deployment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeploymentApproval<'a> {
    /// Account that gave it.
    #[serde(borrow)]
    pub account: Text<'a>,
    /// Where it stands.
    pub state: ApprovalState,
    /// Digest of the artifact that it was given for.
    #[serde(borrow)]
    pub artifact: Text<'a>,
    /// Id of the environment that it was given for.
    #[serde(borrow)]
    pub environment: Text<'a>,
    /// The action that it was given for: `deploy`, `rollback`. Absent: any.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Text<'a>>,
    /// Account that dismissed it, where `state` still says what it was.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub dismissed_by: Option<Text<'a>>,
    /// Its text was changed after it was given.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub edited: bool,
    /// How the one who gave it was signed in.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Session<'a>>,
    /// RFC 3339. It does not stand from then on.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub expires_at: Option<Text<'a>>,
}
