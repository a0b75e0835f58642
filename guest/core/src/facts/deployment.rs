//! Facts of a deployment: what it ships, and who made that.

use std::collections::BTreeSet;

use super::change::{ChangeFacts, change_facts, require_complete, work};
use super::contributors::Contributors;
use super::people::minutes_between;
use super::{People, Setting};
use crate::evidence::{
    Artifact, Commit, CommitIx, Deployment, Environment, EvidenceError, Identity, Index, MachineIx,
    PersonIx, Range,
};

/// Facts of one deployment. Each is an attribute of `Deployment` in the base schema.
#[derive(Debug)]
pub(crate) struct DeploymentFacts<'e> {
    pub(crate) deployment: &'e Deployment<'e>,
    pub(crate) artifact: &'e Artifact<'e>,
    pub(crate) builder: Option<MachineIx>,
    pub(crate) environment: &'e Environment<'e>,
    pub(crate) requester: Option<PersonIx>,
    pub(crate) changes: Vec<ChangeFacts<'e>>,
    /// Of every change shipped and of every commit shipped besides.
    pub(crate) contributors: Contributors,
    pub(crate) built_from_reviewed_head: bool,
    pub(crate) every_commit_in_a_change: bool,
    /// Nothing lies between what is live and the artifact.
    pub(crate) empty: bool,
    /// Since approval was asked for.
    pub(crate) minutes_waiting: Option<i64>,
    pub(crate) history_observed: bool,
    /// The artifact was deployed there before.
    pub(crate) previously_live: bool,
    /// People and machines that deployed there before.
    pub(crate) deployers: People,
    pub(crate) machine_deployers: BTreeSet<MachineIx>,
    /// The provenance names the branch to which the change went that the artifact was built from.
    pub(crate) built_from_target: bool,
    /// The worst rating of a vulnerability, `none` without one; absent if nobody looked.
    pub(crate) worst_vulnerability: Option<&'static str>,
}

/// Derives the facts of `deployment`.
///
/// # Errors
/// A list that is cut off, a commit that is absent, a reference to nothing.
pub(crate) fn deployment_facts<'e>(
    index: &Index<'e>,
    setting: Setting<'_>,
    deployment: &'e Deployment<'e>,
) -> Result<DeploymentFacts<'e>, EvidenceError> {
    let of = format!("deployment `{}`", deployment.id);
    require_complete(&of, "approvals", &deployment.approvals)?;
    require_complete(&of, "changes", &deployment.changes)?;
    let artifact = index
        .artifact(&deployment.artifact)
        .ok_or_else(|| absent(&of, "artifact", &deployment.artifact))?;
    let environment = index
        .environment(&deployment.environment)
        .ok_or_else(|| absent(&of, "environment", &deployment.environment))?;
    let changes = changes(index, setting, &of, deployment)?;
    let shipped = index.graph.range(Range {
        of: &of,
        base: deployment.live.as_deref(),
        head: &artifact.revision,
        boundary: &deployment.boundary,
    })?;
    let reviewed = reviewed(index, artifact, &changes);
    let built_from_reviewed_head = tips(index, artifact, &changes).next().is_some();
    let built_from_target = tips(index, artifact, &changes)
        .any(|facts| artifact.branch.as_ref() == Some(&facts.change.target));
    let mut facts = DeploymentFacts {
        deployment,
        artifact,
        builder: builder(index, artifact),
        environment,
        requester: None,
        contributors: Contributors::default(),
        built_from_reviewed_head,
        built_from_target,
        every_commit_in_a_change: shipped.iter().all(|ix| reviewed.contains(ix)),
        empty: shipped.is_empty(),
        minutes_waiting: minutes_between(
            "requested_at",
            deployment.requested_at.as_deref(),
            setting.now,
        )?,
        history_observed: environment.history.is_some(),
        previously_live: false,
        deployers: People::new(),
        machine_deployers: BTreeSet::new(),
        worst_vulnerability: worst_vulnerability(artifact)?,
        changes,
    };
    facts.read_history(index)?;
    facts.read_requester(index);
    facts.read_contributors(index, &shipped);
    Ok(facts)
}

impl DeploymentFacts<'_> {
    /// Pushes are observed for every change shipped.
    pub(crate) fn pushes_observed(&self) -> bool {
        self.changes.iter().all(|change| change.pushes_observed)
    }

    /// Of any change shipped.
    pub(crate) fn unsponsored_machines(&self) -> BTreeSet<MachineIx> {
        let changes = self.changes.iter();
        changes
            .flat_map(ChangeFacts::unsponsored_machines)
            .collect()
    }

    fn read_history(&mut self, index: &Index<'_>) -> Result<(), EvidenceError> {
        let Some(history) = &self.environment.history else {
            return Ok(());
        };
        let of = format!("environment `{}`", self.environment.id);
        require_complete(&of, "history", history)?;
        for deployed in &history.items {
            self.previously_live |= deployed.artifact == self.artifact.digest;
            match index.identity(&deployed.account) {
                Identity::Person(person) => self.deployers.insert(person),
                Identity::Machine(machine) => self.machine_deployers.insert(machine),
                Identity::Nobody => false,
            };
        }
        Ok(())
    }

    fn read_contributors(&mut self, index: &Index<'_>, shipped: &[CommitIx]) {
        for change in &self.changes {
            self.contributors.merge(&change.contributors);
        }
        for commit in work(index, shipped) {
            self.contributors.add_commit(index, commit);
        }
        self.contributors.unattributed |= !self.empty && self.contributors.is_empty();
    }

    /// A requester whom nobody knows leaves the deployment unattributed: a
    /// rule that compares the signer with the requester must not pass by it.
    fn read_requester(&mut self, index: &Index<'_>) {
        match self
            .deployment
            .requester
            .as_deref()
            .map(|a| index.identity(a))
        {
            Some(Identity::Person(person)) => self.requester = Some(person),
            Some(Identity::Nobody) => self.contributors.unattributed = true,
            Some(Identity::Machine(_)) | None => {}
        }
    }
}

fn absent(of: &str, what: &str, id: &str) -> EvidenceError {
    EvidenceError::invalid(format!(
        "{of} names the {what} `{id}`, which the evidence does not have"
    ))
}

fn builder(index: &Index<'_>, artifact: &Artifact<'_>) -> Option<MachineIx> {
    match index.identity(artifact.builder.as_deref()?) {
        Identity::Machine(machine) => Some(machine),
        Identity::Person(_) | Identity::Nobody => None,
    }
}

/// A rating that is none of the usual ones is the worst.
fn worst_vulnerability(artifact: &Artifact<'_>) -> Result<Option<&'static str>, EvidenceError> {
    const RATINGS: [&str; 5] = ["none", "low", "medium", "high", "critical"];
    let Some(vulnerabilities) = &artifact.vulnerabilities else {
        return Ok(None);
    };
    let of = format!("artifact `{}`", artifact.digest);
    require_complete(&of, "vulnerabilities", vulnerabilities)?;
    let rating = |severity: &str| RATINGS.iter().position(|rating| *rating == severity);
    let ratings = vulnerabilities.items.iter();
    let worst = ratings.map(|v| rating(&v.severity).unwrap_or(4)).max();
    Ok(RATINGS.get(worst.unwrap_or(0)).copied())
}

fn changes<'e>(
    index: &Index<'e>,
    setting: Setting<'_>,
    of: &str,
    deployment: &'e Deployment<'e>,
) -> Result<Vec<ChangeFacts<'e>>, EvidenceError> {
    let mut seen = BTreeSet::new();
    let mut changes = Vec::with_capacity(deployment.changes.items.len());
    for id in &deployment.changes.items {
        if !seen.insert(id.as_str()) {
            return Err(EvidenceError::invalid(format!(
                "{of} lists change `{id}` twice"
            )));
        }
        let change = index.change(id).ok_or_else(|| absent(of, "change", id))?;
        changes.push(change_facts(index, setting, change)?);
    }
    Ok(changes)
}

/// Commits that belong to a change, and the merge commits that brought a
/// reviewed head into the target branch. A review in another repository, or
/// on the way to another branch than the artifact's, is no review of this.
fn reviewed(
    index: &Index<'_>,
    artifact: &Artifact<'_>,
    changes: &[ChangeFacts<'_>],
) -> BTreeSet<CommitIx> {
    let targets: BTreeSet<&str> = tips(index, artifact, changes)
        .map(|facts| facts.change.target.as_str())
        .collect();
    let here = changes.iter().filter(|facts| {
        facts.change.repository == artifact.repository
            && targets.contains(facts.change.target.as_str())
    });
    here.flat_map(|facts| {
        facts
            .commits
            .iter()
            .copied()
            .chain(merge_of_head(index, facts))
    })
    .collect()
}

/// The change's merge commit, if it brought the reviewed head and nothing else: as one of its parents, or by its content.
fn merge_of_head(index: &Index<'_>, facts: &ChangeFacts<'_>) -> Option<CommitIx> {
    let change = facts.change;
    let ix = index.graph.find(change.merge_commit.as_deref()?)?;
    let commit = index.graph.commit(ix)?;
    // What merging afresh does not give was put in, and nobody reviewed it.
    let doctored =
        commit.tree.is_some() && commit.merged_tree.is_some() && commit.tree != commit.merged_tree;
    let merged = commit.parents.contains(&change.head) && !doctored;
    (merged || is_squash(index, commit, facts)).then_some(ix)
}

/// Whether a commit is all of the change in one: with the tree that merging the head afresh gives, or, where that is
/// not known, on the base that the change grew from, with the tree that was reviewed.
fn is_squash(index: &Index<'_>, commit: &Commit<'_>, facts: &ChangeFacts<'_>) -> bool {
    let change = facts.change;
    let [parent] = commit.parents.as_slice() else {
        return false;
    };
    if change.merged_tree.is_some() {
        return change.merged_tree == commit.tree;
    }
    // On a base that the head does not reach, its tree would take back what the base got since.
    let commits = facts.commits.iter();
    let mut commits = commits.filter_map(|ix| index.graph.commit(*ix));
    let grew_from_it = commits.any(|commit| commit.parents.contains(&change.base));
    *parent == change.base && grew_from_it && change.tree.is_some() && change.tree == commit.tree
}

/// Changes whose head, or the merge of it, is what the artifact was built from.
fn tips<'c, 'e>(
    index: &Index<'_>,
    artifact: &Artifact<'_>,
    changes: &'c [ChangeFacts<'e>],
) -> impl Iterator<Item = &'c ChangeFacts<'e>> {
    changes.iter().filter(|facts| {
        let change = facts.change;
        let merged = change.merge_commit.as_ref() == Some(&artifact.revision)
            && merge_of_head(index, facts).is_some();
        change.repository == artifact.repository && (change.head == artifact.revision || merged)
    })
}
