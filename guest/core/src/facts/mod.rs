//! Facts: what follows from the evidence, as typed values.
//!
//! People, machines and commits are positions in the evidence's lists, sets
//! are sorted. Nothing here knows Cedar; `policy::entities` hands it over.

mod approvals;
mod change;
pub(crate) mod clock;
mod contributors;
mod deployment;
mod files;
pub(crate) mod people;
mod quorum;
pub(crate) mod review;
mod session;

use std::collections::BTreeSet;

use crate::bundle::PackData;
use crate::evidence::PersonIx;

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use approvals::session_of;
pub(crate) use approvals::{Judgement, SigningRules, count_change, count_deployment};
pub(crate) use change::{ChangeFacts, change_facts};
pub(crate) use deployment::{DeploymentFacts, deployment_facts};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use quorum::filled;
pub(crate) use quorum::{Shortfall, Signer, separate_shortfalls, shortfalls};
pub(crate) use session::{SessionFacts, session_facts};

/// What facts depend on besides the evidence.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting<'p> {
    pub(crate) data: &'p PackData,
    /// Milliseconds since the Unix epoch.
    pub(crate) now: i64,
}

/// A set of people by position in the directory.
pub(crate) type People = BTreeSet<PersonIx>;
