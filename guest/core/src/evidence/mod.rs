//! Raw evidence: what a collector observed, before anything is concluded from it.
//!
//! These types are the JSON format of the request's `evidence`. A field that
//! they do not have is left out of account and reported: a collector may be
//! newer than a pack. What is misspelt is then missing, and what is missing
//! never helps. docs/facts.md has each field with its unit and its attacker.

mod change;
mod check;
mod deployment;
mod known;
mod object;
mod people;
mod range;
mod read;

pub(crate) use check::{
    Directory, EvidenceError, Identity, Index, MachineIx, Names, PersonIx, timestamp,
};
pub use known::{Known, join};
pub(crate) use range::{CommitIx, Graph, Range};
pub(crate) use read::{Read, ReadError};

pub use change::{
    ApprovalState, Change, ChangeApproval, Check, Commit, Conclusion, File, FileStatus, Iteration,
    OwnedPath, Push, Signature,
};
pub use deployment::{
    Artifact, Deployed, Deployment, DeploymentApproval, Environment, Vulnerability,
};
pub use people::{Account, Grant, Incident, Machine, OnCall, PastReview, Person, Session};

use serde::{Deserialize, Serialize};

/// Everything observed that bears on one decision.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Evidence<'a> {
    /// The directory's human beings.
    #[serde(borrow, default)]
    pub people: Vec<Person<'a>>,
    /// The directory's machines.
    #[serde(borrow, default)]
    pub machines: Vec<Machine<'a>>,
    /// Which account belongs to whom. An account not listed belongs to nobody.
    #[serde(borrow, default)]
    pub accounts: Vec<Account<'a>>,
    /// The commits that the ranges of changes and deployments speak of, in any
    /// order. More than a range needs does no harm: ranges are computed.
    #[serde(borrow, default)]
    pub commits: Listing<Commit<'a>>,
    /// Changes under review or shipped.
    #[serde(borrow, default)]
    pub changes: Vec<Change<'a>>,
    /// Artifacts by digest.
    #[serde(borrow, default)]
    pub artifacts: Vec<Artifact<'a>>,
    /// Where artifacts are deployed to.
    #[serde(borrow, default)]
    pub environments: Vec<Environment<'a>>,
    /// Deployments asked for.
    #[serde(borrow, default)]
    pub deployments: Vec<Deployment<'a>>,
    /// Roles given for a time, first to last.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub grants: Option<Listing<Grant<'a>>>,
    /// Incidents that grants name.
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    pub incidents: Vec<Incident<'a>>,
    /// Who is on call when.
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    pub on_call: Vec<OnCall<'a>>,
    /// How the one who asks is signed in.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Session<'a>>,
    /// Reviews of other changes, in the time that the collector looks back.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub past_reviews: Option<Listing<PastReview<'a>>>,
}

/// A list and whether the source gave all of it. An incomplete list is a deny.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Listing_of_{T}"))]
pub struct Listing<T> {
    /// False if the source cut the list off or could not read all of it.
    pub complete: bool,
    /// In the order in which the server recorded them.
    pub items: Vec<T>,
}

impl<T> Default for Listing<T> {
    /// Empty, and not known to be complete.
    fn default() -> Self {
        Listing {
            complete: false,
            items: Vec::new(),
        }
    }
}

object::objects_only! {
    ['de, T: Deserialize<'de>] [T: Serialize] Listing<T>;
    ['de: 'a, 'a] ['a] Evidence<'a>;
    ['de: 'a, 'a] ['a] Person<'a>;
    ['de: 'a, 'a] ['a] Machine<'a>;
    ['de: 'a, 'a] ['a] Account<'a>;
    ['de: 'a, 'a] ['a] Commit<'a>;
    ['de: 'a, 'a] ['a] Signature<'a>;
    ['de: 'a, 'a] ['a] Change<'a>;
    ['de: 'a, 'a] ['a] Push<'a>;
    ['de: 'a, 'a] ['a] OwnedPath<'a>;
    ['de: 'a, 'a] ['a] PastReview<'a>;
    ['de: 'a, 'a] ['a] Session<'a>;
    ['de: 'a, 'a] ['a] OnCall<'a>;
    ['de: 'a, 'a] ['a] Incident<'a>;
    ['de: 'a, 'a] ['a] Grant<'a>;
    ['de: 'a, 'a] ['a] Vulnerability<'a>;
    ['de: 'a, 'a] ['a] Deployed<'a>;
    ['de: 'a, 'a] ['a] Check<'a>;
    ['de: 'a, 'a] ['a] Iteration<'a>;
    ['de: 'a, 'a] ['a] ChangeApproval<'a>;
    ['de: 'a, 'a] ['a] File<'a>;
    ['de: 'a, 'a] ['a] Artifact<'a>;
    ['de: 'a, 'a] ['a] Environment<'a>;
    ['de: 'a, 'a] ['a] Deployment<'a>;
    ['de: 'a, 'a] ['a] DeploymentApproval<'a>;
}
