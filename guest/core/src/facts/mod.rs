//! Facts: what follows from the evidence, as typed values.
//!
//! People, machines and commits are positions in the evidence's lists, sets
//! are sorted. Nothing here knows Cedar; `policy::entities` hands it over.

mod approvals;
mod change;
mod contributors;
mod deployment;
mod quorum;

use std::collections::BTreeSet;

use crate::evidence::PersonIx;

pub(crate) use approvals::{Judgement, SigningRules, count_change, count_deployment};
pub(crate) use change::{ChangeFacts, change_facts};
pub(crate) use deployment::{DeploymentFacts, deployment_facts};
pub(crate) use quorum::{Shortfall, Signer, shortfalls};

/// A set of people by position in the directory.
pub(crate) type People = BTreeSet<PersonIx>;
