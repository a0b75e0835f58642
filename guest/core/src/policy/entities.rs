//! The one adapter between facts and Cedar: what the base schema declares, filled in.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use cedar_policy_core::ast::{
    Context, Eid, Entity, EntityType, EntityUID, Expr, Literal, Name, PartialValue, RestrictedExpr,
    Value,
};
use cedar_policy_core::entities::{Entities, NoEntitiesSchema, TCComputation};
use cedar_policy_core::evaluator::RestrictedEvaluator;
use cedar_policy_core::extensions::Extensions;
use chrono::{DateTime, SecondsFormat};
use smol_str::SmolStr;

use super::actions::ContextShape;
use crate::bundle::{OptionValue, PackData, PackOption};
use crate::evidence::{Index, MachineIx, PersonIx};
use crate::facts::people::{Held, Standing, conflicts};
use crate::facts::{ChangeFacts, DeploymentFacts, People, SessionFacts};
use crate::program::LoadError;
use crate::verdict::Fault;

/// The entity types of the base schema, parsed once.
#[derive(Debug)]
pub(crate) struct BaseTypes {
    pub(crate) role: EntityType,
    pub(crate) team: EntityType,
    pub(crate) person: EntityType,
    pub(crate) machine: EntityType,
    pub(crate) repository: EntityType,
    pub(crate) change: EntityType,
    pub(crate) artifact: EntityType,
    pub(crate) environment: EntityType,
    pub(crate) deployment: EntityType,
    datetime: Name,
}

impl BaseTypes {
    pub(crate) fn load() -> Result<Self, LoadError> {
        let ty = |name: &str| -> Result<EntityType, LoadError> { Ok(parse(name)?.into()) };
        Ok(BaseTypes {
            role: ty("Role")?,
            team: ty("Team")?,
            person: ty("Person")?,
            machine: ty("Machine")?,
            repository: ty("Repository")?,
            change: ty("Change")?,
            artifact: ty("Artifact")?,
            environment: ty("Environment")?,
            deployment: ty("Deployment")?,
            datetime: parse("datetime")?,
        })
    }

    /// Types that only the evidence may fill.
    pub(crate) fn all(&self) -> [&EntityType; 9] {
        [
            &self.role,
            &self.team,
            &self.person,
            &self.machine,
            &self.repository,
            &self.change,
            &self.artifact,
            &self.environment,
            &self.deployment,
        ]
    }
}

fn parse(name: &str) -> Result<Name, LoadError> {
    name.parse()
        .map_err(|e| LoadError::new(format!("name `{name}`: {e}")))
}

/// The entities of one request, as far as rules can get at them.
pub(crate) struct Store<'a, 'e> {
    types: &'a BaseTypes,
    index: &'a Index<'e>,
    standing: &'a Standing<'e>,
    data: &'a PackData,
    people: People,
    machines: BTreeSet<MachineIx>,
    entities: Vec<Arc<Entity>>,
}

impl<'a, 'e> Store<'a, 'e> {
    pub(crate) fn new(
        types: &'a BaseTypes,
        index: &'a Index<'e>,
        standing: &'a Standing<'e>,
        data: &'a PackData,
    ) -> Self {
        Store {
            types,
            index,
            standing,
            data,
            people: People::new(),
            machines: BTreeSet::new(),
            entities: Vec::new(),
        }
    }

    /// Adds an entity from elsewhere: an action, or what a pack's own schema declares.
    pub(crate) fn add(&mut self, entities: impl IntoIterator<Item = Arc<Entity>>) {
        self.entities.extend(entities);
    }

    pub(crate) fn add_person(&mut self, person: PersonIx) {
        if !self.people.insert(person) {
            return;
        }
        let Some(entry) = self.index.person(person) else {
            return;
        };
        let teams = entry.teams.iter().map(|team| uid(&self.types.team, team));
        let roles = self.standing.roles(self.index, person);
        let role = |role: &&str| uid(&self.types.role, role);
        let standing = self.standing;
        let unreviewed = standing.held(person).map(|(_, held)| held.unreviewed);
        let granters = standing.granters(person);
        let attributes = [
            ("active", Value::from(entry.active)),
            ("on_call", Value::from(standing.is_on_call(person))),
            (
                "granted_roles",
                set(standing.granted(person).map(|name| role(&name))),
            ),
            ("granters", self.people_value(granters)),
            ("unreviewed_grants", Value::from(unreviewed.sum::<i64>())),
            ("grant", self.grants_value(person)),
            ("conflict", flags(&conflicts(&self.data.conflicts, &roles))),
        ];
        let reviewed = self.standing.days_since_review(person);
        let reviewed = reviewed.map(|days| ("days_since_access_review", Value::from(days)));
        self.push(
            uid(&self.types.person, &entry.id),
            roles.iter().map(role).chain(teams).collect(),
            attributes.into_iter().chain(reviewed),
        );
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

    pub(crate) fn add_machine(&mut self, machine: MachineIx) {
        if !self.machines.insert(machine) {
            return;
        }
        let Some(entry) = self.index.machine(machine) else {
            return;
        };
        let roles = entry.roles.iter().map(|role| uid(&self.types.role, role));
        let owners = self.index.owners(machine).iter().copied();
        let owners = self.people_value(owners);
        self.push(
            uid(&self.types.machine, &entry.id),
            roles.collect(),
            [
                ("kind", Value::from(entry.kind.as_str())),
                ("owners", owners),
            ],
        );
    }

    pub(crate) fn add_change(&mut self, facts: &ChangeFacts<'_>) {
        let types = self.types;
        let change = facts.change;
        let who = &facts.contributors;
        if let Some(person) = facts.last_pusher {
            self.add_person(person);
        }
        let repository = uid(&types.repository, &change.repository);
        let last_pushers = facts.last_pushers.iter().copied();
        let attributes = [
            ("repository", Value::from(repository.clone())),
            ("target", Value::from(change.target.as_str())),
            ("base", Value::from(change.base.as_str())),
            ("head", Value::from(change.head.as_str())),
            (
                "contributors",
                self.people_value(who.people.iter().copied()),
            ),
            ("authors", self.people_value(facts.authors.iter().copied())),
            (
                "committers",
                self.people_value(facts.committers.iter().copied()),
            ),
            (
                "co_authors",
                self.people_value(facts.co_authors.iter().copied()),
            ),
            ("pushers", self.people_value(facts.pushers.iter().copied())),
            ("last_pushers", self.people_value(last_pushers)),
            ("machine_contributors", self.machines_value(&who.machines)),
            ("openers", self.people_value(facts.openers.iter().copied())),
            ("opener_observed", Value::from(change.opened_by.is_some())),
            ("unattributed", Value::from(who.unattributed)),
            ("ownerless_machine", Value::from(who.ownerless_machine)),
            (
                "unsponsored_machines",
                self.machines_value(&facts.unsponsored_machines()),
            ),
            ("pushes_observed", Value::from(facts.pushes_observed)),
            (
                "every_commit_signed",
                Value::from(facts.every_commit_signed),
            ),
            (
                "every_author_verified",
                Value::from(facts.every_author_verified),
            ),
            ("empty", Value::from(facts.empty())),
            (
                "sponsors",
                self.people_value(facts.sponsors.iter().copied()),
            ),
            (
                "iterations_observed",
                Value::from(facts.iterations_observed),
            ),
            ("author_teams", self.teams_of_some(&facts.authors)),
            ("contributor_teams", self.teams_of_some(&who.people)),
            ("common_contributor_teams", self.teams_of_all(&who.people)),
            ("touches", flags(&facts.paths.touches)),
            ("only", flags(&facts.paths.only)),
            (
                "files",
                Value::from(i64::try_from(change.files.items.len()).unwrap_or(i64::MAX)),
            ),
            (
                "passed_checks",
                Value::set_of_lits(facts.passed_checks.iter().map(|c| Literal::from(*c)), None),
            ),
        ];
        let waiting = facts
            .minutes_waiting
            .map(|m| ("minutes_waiting", Value::from(m)));
        let last_pusher = facts.last_pusher.and_then(|p| self.person_uid(p));
        let last_pusher = last_pusher.map(|uid| ("last_pusher", Value::from(uid)));
        self.push(
            uid(&types.change, &change.id),
            HashSet::from([repository]),
            attributes.into_iter().chain(last_pusher).chain(waiting),
        );
    }

    pub(crate) fn add_deployment(&mut self, facts: &DeploymentFacts<'_>) {
        let types = self.types;
        let who = &facts.contributors;
        for change in &facts.changes {
            self.add_change(change);
        }
        self.add_artifact(facts);
        if let Some(person) = facts.requester {
            self.add_person(person);
        }
        let environment = uid(&types.environment, &facts.environment.id);
        self.push(
            environment.clone(),
            HashSet::new(),
            [("tier", Value::from(facts.environment.tier.as_str()))],
        );
        let changes = facts
            .changes
            .iter()
            .map(|c| uid(&types.change, &c.change.id));
        let attributes = [
            (
                "artifact",
                Value::from(uid(&types.artifact, &facts.artifact.digest)),
            ),
            ("environment", Value::from(environment.clone())),
            ("changes", set(changes)),
            (
                "contributors",
                self.people_value(who.people.iter().copied()),
            ),
            ("machine_contributors", self.machines_value(&who.machines)),
            ("unattributed", Value::from(who.unattributed)),
            ("ownerless_machine", Value::from(who.ownerless_machine)),
            (
                "unsponsored_machines",
                self.machines_value(&facts.unsponsored_machines()),
            ),
            ("pushes_observed", Value::from(facts.pushes_observed())),
            (
                "built_from_reviewed_head",
                Value::from(facts.built_from_reviewed_head),
            ),
            ("built_from_target", Value::from(facts.built_from_target)),
            (
                "every_commit_in_a_change",
                Value::from(facts.every_commit_in_a_change),
            ),
            ("empty", Value::from(facts.empty)),
            ("history_observed", Value::from(facts.history_observed)),
            ("previously_live", Value::from(facts.previously_live)),
        ];
        let waiting = facts
            .minutes_waiting
            .map(|m| ("minutes_waiting", Value::from(m)));
        let requester = facts.requester.and_then(|p| self.person_uid(p));
        let requester = requester.map(|uid| ("requester", Value::from(uid)));
        let repository = uid(&types.repository, &facts.artifact.repository);
        self.push(
            uid(&types.deployment, &facts.deployment.id),
            HashSet::from([environment, repository]),
            attributes.into_iter().chain(requester).chain(waiting),
        );
    }

    fn add_artifact(&mut self, facts: &DeploymentFacts<'_>) {
        let artifact = facts.artifact;
        let repository = uid(&self.types.repository, &artifact.repository);
        let builder = facts.builder.and_then(|b| {
            self.add_machine(b);
            let machine = self.index.machine(b)?;
            Some((
                "builder",
                Value::from(uid(&self.types.machine, &machine.id)),
            ))
        });
        let attributes = [
            ("digest", Value::from(artifact.digest.as_str())),
            ("repository", Value::from(repository)),
            ("revision", Value::from(artifact.revision.as_str())),
        ];
        self.push(
            uid(&self.types.artifact, &artifact.digest),
            HashSet::new(),
            attributes
                .into_iter()
                .chain(builder)
                .chain(
                    artifact
                        .branch
                        .as_deref()
                        .map(|b| ("branch", Value::from(b))),
                )
                .chain(
                    artifact
                        .yanked
                        .map(|yanked| ("yanked", Value::from(yanked))),
                )
                .chain(
                    facts
                        .worst_vulnerability
                        .map(|worst| ("worst_vulnerability", Value::from(worst))),
                ),
        );
    }

    /// Everything added so far. Nothing of the base schema is in anything that
    /// is itself in something, so the hierarchy is its own transitive closure.
    pub(crate) fn entities(&self) -> Result<Entities, Fault> {
        closed(self.entities.iter().map(|e| Entity::clone(e)))
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

    fn push(
        &mut self,
        uid: EntityUID,
        parents: HashSet<EntityUID>,
        attributes: impl IntoIterator<Item = (&'static str, Value)>,
    ) {
        let attributes = attributes
            .into_iter()
            .map(|(name, value)| (SmolStr::new_static(name), PartialValue::Value(value)));
        self.entities
            .push(Arc::new(Entity::new_with_attr_partial_value(
                uid,
                attributes,
                HashSet::new(),
                parents,
                [],
            )));
    }
}

/// Entities that have all of their ancestors already.
pub(crate) fn closed(entities: impl Iterator<Item = Entity>) -> Result<Entities, Fault> {
    Entities::from_entities(
        entities,
        None::<&NoEntitiesSchema>,
        TCComputation::AssumeAlreadyComputed,
        Extensions::all_available(),
    )
    .map_err(|e| Fault::internal(format!("entities: {e}")))
}

/// What the context of an action is made of.
#[derive(Clone)]
pub(crate) struct ContextFacts {
    /// Facts by name.
    pub(crate) facts: BTreeMap<&'static str, Value>,
    /// Quorums that are met.
    pub(crate) met: BTreeSet<String>,
    /// What the request brought for the attributes that are no facts.
    pub(crate) others: Option<Context>,
}

impl ContextFacts {
    /// For the question whether a signature of somebody else counts, of whose session nothing is known.
    pub(crate) fn for_counting(&self) -> Self {
        let mut facts = self.clone();
        facts.facts.remove("session");
        facts.facts.insert("counting", Value::from(true));
        facts
    }

    /// For somebody who was signed in like this.
    pub(crate) fn with_session(&self, signed_in: SessionFacts<'_>) -> Self {
        let mut facts = self.clone();
        facts.facts.insert("session", session(signed_in));
        facts
    }

    /// The context of `shape`, or as it would be with every quorum met.
    pub(crate) fn context(&self, shape: &ContextShape, all_quorums_met: bool) -> Context {
        let mut map = BTreeMap::new();
        if let Some(Context::Value(others)) = &self.others {
            map.extend(others.iter().map(|(k, v)| (k.clone(), v.clone())));
        }
        for name in &shape.facts {
            if let Some(value) = self.facts.get(name) {
                map.insert(SmolStr::new_static(name), value.clone());
            }
        }
        if let Some(names) = &shape.quorums {
            let met = |name: &String| all_quorums_met || self.met.contains(name);
            let pairs = names.iter().map(|name| (name.as_str(), met(name)));
            map.insert(SmolStr::new_static("quorum"), Value::record(pairs, None));
        }
        Context::Value(Arc::new(map))
    }
}

/// A Cedar `datetime` from milliseconds since the Unix epoch.
pub(crate) fn datetime(types: &BaseTypes, millis: i64) -> Result<Value, Fault> {
    let out_of_range = || {
        Fault::invalid_request(format!(
            "`now` is {millis} ms since 1970, which is outside the years 0000 to 9999"
        ))
    };
    let text = DateTime::from_timestamp_millis(millis)
        .ok_or_else(out_of_range)?
        .to_rfc3339_opts(SecondsFormat::Millis, true);
    let call = Expr::call_extension_fn(types.datetime.clone(), vec![Expr::val(text)]);
    RestrictedEvaluator::new(Extensions::all_available())
        .interpret(RestrictedExpr::new_unchecked(call).as_borrowed())
        .map_err(|_| out_of_range())
}

pub(crate) fn uid(ty: &EntityType, id: &str) -> EntityUID {
    EntityUID::from_components(ty.clone(), Eid::new(id), None)
}

/// How somebody was signed in.
pub(crate) fn session(facts: SessionFacts<'_>) -> Value {
    let texts = [("network", facts.network), ("country", facts.country)];
    let texts = texts
        .into_iter()
        .filter_map(|(name, text)| Some((name, Value::from(text?))));
    let minutes = facts.minutes_since_mfa;
    let mfa = minutes.map(|minutes| ("minutes_since_mfa", Value::from(minutes)));
    Value::record(texts.chain(mfa), None)
}

/// What packs chose.
pub(crate) fn options(options: &[PackOption]) -> Value {
    let pairs = options.iter().map(|option| {
        let value = match &option.value {
            OptionValue::Number(number) => Value::from(*number),
            OptionValue::Word { chosen, of } => {
                let words = of.iter().map(|word| (word.as_str(), word == chosen));
                Value::record(words, None)
            }
        };
        (option.name.as_str(), value)
    });
    Value::record(pairs, None)
}

/// A record of Bools.
pub(crate) fn flags(named: &BTreeMap<String, bool>) -> Value {
    Value::record(
        named.iter().map(|(name, flag)| (name.as_str(), *flag)),
        None,
    )
}

pub(crate) fn set(uids: impl Iterator<Item = EntityUID>) -> Value {
    Value::set_of_lits(uids.map(Literal::from), None)
}
