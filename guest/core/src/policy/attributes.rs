//! What each attribute that the base schema declares is made of; `None` where it is absent, or nothing is known.

use std::collections::BTreeSet;

use cedar_policy_core::ast::{EntityUID, Literal, Value};

use super::context::flags;
use super::entities::{Store, set, uid};
use crate::evidence::{Environment, MachineIx, PersonIx};
use crate::facts::people::{Held, conflicts};
use crate::facts::{ChangeFacts, DeploymentFacts, People};

impl Store<'_, '_> {
    pub(super) fn of_person(
        &self,
        person: PersonIx,
        roles: &BTreeSet<&str>,
        name: &str,
    ) -> Option<Value> {
        let standing = self.standing;
        let role = |role| uid(&self.types.role, role);
        Some(match name {
            "active" => Value::from(self.index.person(person)?.active),
            "conflict" => flags(&conflicts(&self.data.conflicts, roles)),
            "days_since_access_review" => Value::from(standing.days_since_review(person)?),
            "grant" => self.grants_value(person),
            "granted_roles" => set(standing.granted(person).map(role)),
            "granters" => self.people_value(standing.granters(person)),
            "on_call" => Value::from(standing.is_on_call(person)),
            "unreviewed_grants" => {
                let unreviewed = standing.held(person).map(|(_, held)| held.unreviewed);
                Value::from(unreviewed.sum::<i64>())
            }
            _ => return None,
        })
    }

    /// For each role that the pack looks at, what is known of its grants.
    fn grants_value(&self, person: PersonIx) -> Value {
        let none = Held::default();
        let pairs = self.data.grants.iter().map(|of| {
            let mut held = self.standing.held(person);
            let held = held.find(|(role, _)| *role == of.role);
            let held = held.map_or(&none, |(_, held)| held);
            let record = [
                ("held", Value::from(held.now)),
                ("minutes", Value::from(held.minutes)),
                ("without_incident", Value::from(held.without_incident)),
                ("without_reason", Value::from(held.without_reason)),
                ("unreviewed", Value::from(held.unreviewed)),
                ("granters", self.people_value(held.granters.iter().copied())),
            ];
            (of.name.as_str(), Value::record(record, None))
        });
        Value::record(pairs, None)
    }

    pub(super) fn of_machine(&self, machine: MachineIx, name: &str) -> Option<Value> {
        Some(match name {
            "kind" => Value::from(self.index.machine(machine)?.kind.as_str()),
            "owners" => self.people_value(self.index.owners(machine).iter().copied()),
            _ => return None,
        })
    }

    pub(super) fn of_change(&self, facts: &ChangeFacts<'_>, name: &str) -> Option<Value> {
        let change = facts.change;
        let who = &facts.contributors;
        let people = |people: &People| self.people_value(people.iter().copied());
        Some(match name {
            "author_teams" => self.teams_of_some(&facts.authors),
            "authors" => people(&facts.authors),
            "base" => Value::from(change.base.as_str()),
            "co_authors" => people(&facts.co_authors),
            "committers" => people(&facts.committers),
            "common_contributor_teams" => self.teams_of_all(&who.people),
            "contributor_teams" => self.teams_of_some(&who.people),
            "contributors" => people(&who.people),
            "empty" => Value::from(facts.empty()),
            "every_author_verified" => Value::from(facts.every_author_verified),
            "every_commit_signed" => Value::from(facts.every_commit_signed),
            "files" => Value::from(i64::try_from(change.files.items.len()).unwrap_or(i64::MAX)),
            "head" => Value::from(change.head.as_str()),
            "iterations_observed" => Value::from(facts.iterations_observed),
            "last_pusher" => Value::from(self.person_uid(facts.last_pusher?)?),
            "last_pushers" => people(&facts.last_pushers),
            "machine_contributors" => self.machines_value(&who.machines),
            "minutes_waiting" => Value::from(facts.minutes_waiting?),
            "only" => flags(&facts.paths.only),
            "opener_observed" => Value::from(change.opened_by.is_some()),
            "openers" => people(&facts.openers),
            "ownerless_machine" => Value::from(who.ownerless_machine),
            "passed_checks" => {
                let checks = facts.passed_checks.iter();
                Value::set_of_lits(checks.map(|check| Literal::from(*check)), None)
            }
            "pushers" => people(&facts.pushers),
            "pushes_observed" => Value::from(facts.pushes_observed),
            "repository" => Value::from(uid(&self.types.repository, &change.repository)),
            "sponsors" => people(&facts.sponsors),
            "target" => Value::from(change.target.as_str()),
            "touches" => flags(&facts.paths.touches),
            "unattributed" => Value::from(who.unattributed),
            "unsponsored_machines" => self.machines_value(&facts.unsponsored_machines()),
            _ => return None,
        })
    }

    pub(super) fn of_artifact(&self, facts: &DeploymentFacts<'_>, name: &str) -> Option<Value> {
        let artifact = facts.artifact;
        Some(match name {
            "branch" => Value::from(artifact.branch.as_deref()?),
            "builder" => {
                let builder = self.index.machine(facts.builder?)?;
                Value::from(uid(&self.types.machine, &builder.id))
            }
            "digest" => Value::from(artifact.digest.as_str()),
            "repository" => Value::from(uid(&self.types.repository, &artifact.repository)),
            "revision" => Value::from(artifact.revision.as_str()),
            "worst_vulnerability" => Value::from(facts.worst_vulnerability?),
            "yanked" => Value::from(artifact.yanked?),
            _ => return None,
        })
    }

    pub(super) fn of_environment(&self, facts: &Environment<'_>, name: &str) -> Option<Value> {
        (name == "tier").then(|| Value::from(facts.tier.as_str()))
    }

    pub(super) fn of_deployment(&self, facts: &DeploymentFacts<'_>, name: &str) -> Option<Value> {
        let types = self.types;
        let who = &facts.contributors;
        Some(match name {
            "artifact" => Value::from(uid(&types.artifact, &facts.artifact.digest)),
            "built_from_reviewed_head" => Value::from(facts.built_from_reviewed_head),
            "built_from_target" => Value::from(facts.built_from_target),
            "changes" => {
                let changes = facts.changes.iter();
                set(changes.map(|facts| uid(&types.change, &facts.change.id)))
            }
            "contributors" => self.people_value(who.people.iter().copied()),
            "empty" => Value::from(facts.empty),
            "environment" => Value::from(uid(&types.environment, &facts.environment.id)),
            "every_commit_in_a_change" => Value::from(facts.every_commit_in_a_change),
            "history_observed" => Value::from(facts.history_observed),
            "machine_contributors" => self.machines_value(&who.machines),
            "minutes_waiting" => Value::from(facts.minutes_waiting?),
            "ownerless_machine" => Value::from(who.ownerless_machine),
            "previously_live" => Value::from(facts.previously_live),
            "pushes_observed" => Value::from(facts.pushes_observed()),
            "requester" => Value::from(self.person_uid(facts.requester?)?),
            "unattributed" => Value::from(who.unattributed),
            "unsponsored_machines" => self.machines_value(&facts.unsponsored_machines()),
            _ => return None,
        })
    }

    pub(crate) fn person_uid(&self, person: PersonIx) -> Option<EntityUID> {
        let entry = self.index.person(person)?;
        Some(uid(&self.types.person, &entry.id))
    }

    /// Teams that one of the people at least is in.
    pub(crate) fn teams_of_some(&self, people: &People) -> Value {
        let entries = people
            .iter()
            .filter_map(|person| self.index.person(*person));
        let teams: BTreeSet<&str> = entries
            .flat_map(|entry| entry.teams.iter().map(|team| team.as_str()))
            .collect();
        set(teams.into_iter().map(|team| uid(&self.types.team, team)))
    }

    /// Teams that all of the people are in; none if there is nobody.
    fn teams_of_all(&self, people: &People) -> Value {
        let entries = people
            .iter()
            .filter_map(|person| self.index.person(*person));
        let teams = entries.map(|entry| -> BTreeSet<&str> {
            entry.teams.iter().map(|team| team.as_str()).collect()
        });
        let common = teams.reduce(|common, teams| &common & &teams);
        let common = common.unwrap_or_default();
        set(common.into_iter().map(|team| uid(&self.types.team, team)))
    }

    fn people_value(&self, people: impl Iterator<Item = PersonIx>) -> Value {
        set(people.filter_map(|person| self.person_uid(person)))
    }

    pub(crate) fn machines_value(&self, machines: &BTreeSet<MachineIx>) -> Value {
        let entries = machines.iter().filter_map(|m| self.index.machine(*m));
        set(entries.map(|machine| uid(&self.types.machine, &machine.id)))
    }
}
