//! A deployment that ships the collected change.

use std::collections::HashSet;
use std::path::PathBuf;

use super::error::GitError;
use super::history::History;
use super::merge::Merges;
use super::range::Range;
use super::revision::Revision;
use crate::evidence::{Artifact, Deployment, Environment, Evidence, Listing};

/// What is to be deployed where. All but the commits is the caller's word.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DeploymentOptions {
    /// `sha256:` and 64 hex digits.
    pub artifact: String,
    /// REV that the artifact was built from, by its provenance.
    pub revision: String,
    /// Id of the environment.
    pub environment: String,
    /// Its tier: `development`, `test`, `staging`, `production`.
    pub tier: String,
    /// REV that is live there now; `None` if nothing is.
    pub live: Option<String>,
    /// Id of the deployment; default `ENVIRONMENT@ARTIFACT`.
    pub deployment: Option<String>,
    /// Account that asked for it.
    pub requester: Option<String>,
    /// Account of the builder, by the artifact's provenance.
    pub builder: Option<String>,
    /// Branch that it was built from, by its provenance.
    pub branch: Option<String>,
    /// File with the sign-offs; without it nobody signed off.
    pub approvals: Option<PathBuf>,
}

impl DeploymentOptions {
    /// The first deployment of an artifact to an environment.
    pub fn new(
        artifact: impl Into<String>,
        revision: impl Into<String>,
        environment: impl Into<String>,
        tier: impl Into<String>,
    ) -> Self {
        DeploymentOptions {
            artifact: artifact.into(),
            revision: revision.into(),
            environment: environment.into(),
            tier: tier.into(),
            live: None,
            deployment: None,
            requester: None,
            builder: None,
            branch: None,
            approvals: None,
        }
    }
}

/// Adds the deployment, its artifact, its environment, and the commits that it
/// ships beside those of the change.
pub(super) fn add(
    options: &DeploymentOptions,
    history: &mut History<'_>,
    merges: &mut Merges,
    repository_name: &str,
    evidence: &mut Evidence,
) -> Result<(), GitError> {
    let repository = history.repository;
    let revision = Revision::new("revision", &options.revision).resolve(repository)?;
    let live = match &options.live {
        Some(rev) => Some(Revision::new("live", rev).resolve(repository)?),
        None => None,
    };
    let range = Range::collect(history, merges, live, revision)?;
    let known: HashSet<String> = evidence
        .commits
        .items
        .iter()
        .map(|c| c.id.clone())
        .collect();
    let shipped = range.commits.into_iter().filter(|c| !known.contains(&c.id));
    evidence.commits.items.extend(shipped);

    evidence.artifacts.push(Artifact {
        digest: options.artifact.clone(),
        repository: repository_name.to_owned(),
        revision: revision.to_string(),
        builder: options.builder.clone(),
        branch: options.branch.clone(),
    });
    evidence.environments.push(Environment {
        id: options.environment.clone(),
        tier: options.tier.clone(),
    });
    evidence.deployments.push(Deployment {
        id: match &options.deployment {
            Some(id) => id.clone(),
            None => format!("{}@{}", options.environment, options.artifact),
        },
        environment: options.environment.clone(),
        artifact: options.artifact.clone(),
        requester: options.requester.clone(),
        live: live.map(|id| id.to_string()),
        boundary: range.boundary,
        // A commit outside of these changes is for the engine to find.
        changes: Listing::complete(evidence.changes.iter().map(|c| c.id.clone()).collect()),
        approvals: super::approvals(options.approvals.as_deref())?,
    });
    Ok(())
}
