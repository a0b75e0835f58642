//! What each attribute that the base schema declares is made of; `None` where it is absent, or nothing is known.

use std::borrow::Cow;
use std::collections::BTreeSet;

use cedar_policy_core::ast::{EntityType, Literal, Value};

use super::context;
use super::entities::{Store, set, uid};
use super::fact::{Fact, Names, Thing};
use crate::evidence::{Environment, MachineIx, PersonIx};
use crate::facts::people::{Held, conflicts};
use crate::facts::{ChangeFacts, DeploymentFacts, People};

impl<'e> Store<'_, 'e> {
    pub(super) fn of_person(&self, person: PersonIx, name: &str) -> Option<Fact<'_>> {
        let standing = self.standing;
        Some(match name {
            "active" => Fact::Bool(self.index.person(person)?.active),
            "conflict" => {
                let roles = standing.roles(self.index, person);
                Fact::Flags(Cow::Owned(conflicts(&self.data.conflicts, &roles)))
            }
            "days_since_access_review" => Fact::Long(standing.days_since_review(person)?),
            "grant" => Fact::Other(self.grants_value(person)),
            "granted_roles" => Fact::Names(Names::Roles, standing.granted(person).collect()),
            "granters" => Fact::people(standing.granters(person)),
            "on_call" => Fact::Bool(standing.is_on_call(person)),
            "unreviewed_grants" => {
                let unreviewed = standing.held(person).map(|(_, held)| held.unreviewed);
                Fact::Long(unreviewed.sum::<i64>())
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

    pub(super) fn of_machine(&self, machine: MachineIx, name: &str) -> Option<Fact<'_>> {
        Some(match name {
            "kind" => Fact::Text(&self.index.machine(machine)?.kind),
            "owners" => Fact::people(self.index.owners(machine).iter().copied()),
            _ => return None,
        })
    }

    pub(super) fn of_change<'s>(
        &'s self,
        facts: &'s ChangeFacts<'e>,
        name: &str,
    ) -> Option<Fact<'s>> {
        let change = facts.change;
        let who = &facts.contributors;
        Some(match name {
            "author_teams" => Fact::Names(Names::Teams, self.teams_of_some(&facts.authors)),
            "authors" => Fact::People(Cow::Borrowed(&facts.authors)),
            "base" => Fact::Text(&change.base),
            "co_authors" => Fact::People(Cow::Borrowed(&facts.co_authors)),
            "committers" => Fact::People(Cow::Borrowed(&facts.committers)),
            "common_contributor_teams" => Fact::Names(Names::Teams, self.teams_of_all(&who.people)),
            "contributor_teams" => Fact::Names(Names::Teams, self.teams_of_some(&who.people)),
            "contributors" => Fact::People(Cow::Borrowed(&who.people)),
            "empty" => Fact::Bool(facts.empty()),
            "every_author_verified" => Fact::Bool(facts.every_author_verified),
            "every_commit_signed" => Fact::Bool(facts.every_commit_signed),
            "files" => Fact::Long(i64::try_from(change.files.items.len()).unwrap_or(i64::MAX)),
            "head" => Fact::Text(&change.head),
            "iterations_observed" => Fact::Bool(facts.iterations_observed),
            "last_pusher" => Fact::One(Thing::Person(facts.last_pusher?)),
            "last_pushers" => Fact::People(Cow::Borrowed(&facts.last_pushers)),
            "machine_contributors" => Fact::Machines(Cow::Borrowed(&who.machines)),
            "minutes_waiting" => Fact::Long(facts.minutes_waiting?),
            "only" => Fact::Flags(Cow::Borrowed(&facts.paths.only)),
            "opener_observed" => Fact::Bool(change.opened_by.is_some()),
            "openers" => Fact::People(Cow::Borrowed(&facts.openers)),
            "ownerless_machine" => Fact::Bool(who.ownerless_machine),
            "passed_checks" => Fact::Names(Names::Strings, facts.passed_checks.clone()),
            "pushers" => Fact::People(Cow::Borrowed(&facts.pushers)),
            "pushes_observed" => Fact::Bool(facts.pushes_observed),
            "repository" => Fact::One(Thing::Repository(&change.repository)),
            "sponsors" => Fact::People(Cow::Borrowed(&facts.sponsors)),
            "target" => Fact::Text(&change.target),
            "touches" => Fact::Flags(Cow::Borrowed(&facts.paths.touches)),
            "unattributed" => Fact::Bool(who.unattributed),
            "unsponsored_machines" => Fact::Machines(Cow::Owned(facts.unsponsored_machines())),
            _ => return None,
        })
    }

    pub(super) fn of_artifact<'s>(
        &'s self,
        facts: &'s DeploymentFacts<'e>,
        name: &str,
    ) -> Option<Fact<'s>> {
        let artifact = facts.artifact;
        Some(match name {
            "branch" => Fact::Text(artifact.branch.as_deref()?),
            "builder" => Fact::One(Thing::Machine(facts.builder?)),
            "digest" => Fact::Text(&artifact.digest),
            "repository" => Fact::One(Thing::Repository(&artifact.repository)),
            "revision" => Fact::Text(&artifact.revision),
            "worst_vulnerability" => Fact::Text(facts.worst_vulnerability?),
            "yanked" => Fact::Bool(artifact.yanked?),
            _ => return None,
        })
    }

    pub(super) fn of_environment<'s>(
        &'s self,
        facts: &'s Environment<'_>,
        name: &str,
    ) -> Option<Fact<'s>> {
        (name == "tier").then(|| Fact::Text(&facts.tier))
    }

    pub(super) fn of_deployment<'s>(
        &'s self,
        facts: &'s DeploymentFacts<'e>,
        name: &str,
    ) -> Option<Fact<'s>> {
        let who = &facts.contributors;
        Some(match name {
            "artifact" => Fact::One(Thing::Artifact(facts)),
            "built_from_reviewed_head" => Fact::Bool(facts.built_from_reviewed_head),
            "built_from_target" => Fact::Bool(facts.built_from_target),
            "changes" => Fact::Changes(&facts.changes),
            "contributors" => Fact::People(Cow::Borrowed(&who.people)),
            "empty" => Fact::Bool(facts.empty),
            "environment" => Fact::One(Thing::Environment(facts.environment)),
            "every_commit_in_a_change" => Fact::Bool(facts.every_commit_in_a_change),
            "history_observed" => Fact::Bool(facts.history_observed),
            "machine_contributors" => Fact::Machines(Cow::Borrowed(&who.machines)),
            "minutes_waiting" => Fact::Long(facts.minutes_waiting?),
            "ownerless_machine" => Fact::Bool(who.ownerless_machine),
            "previously_live" => Fact::Bool(facts.previously_live),
            "pushes_observed" => Fact::Bool(facts.pushes_observed()),
            "requester" => Fact::One(Thing::Person(facts.requester?)),
            "unattributed" => Fact::Bool(who.unattributed),
            "unsponsored_machines" => Fact::Machines(Cow::Owned(facts.unsponsored_machines())),
            _ => return None,
        })
    }

    /// Teams that one of the people at least is in.
    pub(crate) fn teams_of_some(&self, people: &People) -> BTreeSet<&str> {
        let entries = people
            .iter()
            .filter_map(|person| self.index.person(*person));
        entries
            .flat_map(|entry| entry.teams.iter().map(|team| team.as_str()))
            .collect()
    }

    /// Teams that all of the people are in; none if there is nobody.
    fn teams_of_all(&self, people: &People) -> BTreeSet<&str> {
        let entries = people
            .iter()
            .filter_map(|person| self.index.person(*person));
        let teams = entries.map(|entry| -> BTreeSet<&str> {
            entry.teams.iter().map(|team| team.as_str()).collect()
        });
        let common = teams.reduce(|common, teams| &common & &teams);
        common.unwrap_or_default()
    }

    fn people_value(&self, people: impl Iterator<Item = PersonIx>) -> Value {
        set(people.filter_map(|person| self.uid(Thing::Person(person))))
    }

    fn named(&self, ty: &EntityType, names: BTreeSet<&str>) -> Value {
        set(names.into_iter().map(|name| uid(ty, name)))
    }

    /// As Cedar has it.
    pub(super) fn value(&self, fact: Fact<'_>) -> Option<Value> {
        Some(match fact {
            Fact::Bool(bool) => Value::from(bool),
            Fact::Long(long) => Value::from(long),
            Fact::Text(text) => Value::from(text),
            Fact::One(thing) => Value::from(self.uid(thing)?),
            Fact::People(people) => self.people_value(people.iter().copied()),
            Fact::Machines(machines) => {
                let machines = machines.iter().copied().map(Thing::Machine);
                set(machines.filter_map(|machine| self.uid(machine)))
            }
            Fact::Changes(changes) => {
                let changes = changes.iter().map(Thing::Change);
                set(changes.filter_map(|change| self.uid(change)))
            }
            Fact::Names(Names::Strings, names) => {
                Value::set_of_lits(names.into_iter().map(Literal::from), None)
            }
            Fact::Names(Names::Roles, names) => self.named(&self.types.role, names),
            Fact::Names(Names::Teams, names) => self.named(&self.types.team, names),
            Fact::Flags(flags) => context::flags(&flags),
            Fact::Options(chosen) => context::options(chosen),
            Fact::Session(session) => context::session(session),
            Fact::Other(value) => value,
        })
    }
}
