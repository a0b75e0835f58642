//! The one adapter between facts and Cedar: what the base schema declares, filled in.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use cedar_policy_core::ast::{
    Eid, Entity, EntityType, EntityUID, Literal, Name, PartialValue, Value,
};
use cedar_policy_core::entities::err::EntitiesError;
use cedar_policy_core::entities::{Entities, NoEntitiesSchema, TCComputation};
use cedar_policy_core::extensions::Extensions;
use smol_str::SmolStr;

use super::fact::{Fact, Thing};
use super::wanted::Wanted;
use crate::bundle::PackData;
use crate::evidence::{Index, MachineIx, PersonIx};
use crate::facts::people::Standing;
use crate::facts::{ChangeFacts, DeploymentFacts, People};
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
    pub(super) datetime: Name,
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

/// The entities of one request, as far as rules can get at them. Cedar's are made when they are asked for.
pub(crate) struct Store<'a, 'e> {
    pub(super) types: &'a BaseTypes,
    pub(super) wanted: &'a Wanted,
    pub(super) index: &'a Index<'e>,
    pub(super) standing: &'a Standing<'e>,
    pub(super) data: &'a PackData,
    people: People,
    machines: BTreeSet<MachineIx>,
    changes: Vec<&'a ChangeFacts<'e>>,
    deployments: Vec<&'a DeploymentFacts<'e>>,
    /// From elsewhere: actions, and what a pack's own schema declares.
    others: Vec<&'a Entity>,
    made: OnceCell<Entities>,
}

impl<'a, 'e> Store<'a, 'e> {
    pub(crate) fn new(
        types: &'a BaseTypes,
        wanted: &'a Wanted,
        index: &'a Index<'e>,
        standing: &'a Standing<'e>,
        data: &'a PackData,
    ) -> Self {
        Store {
            types,
            wanted,
            index,
            standing,
            data,
            people: People::new(),
            machines: BTreeSet::new(),
            changes: Vec::new(),
            deployments: Vec::new(),
            others: Vec::new(),
            made: OnceCell::new(),
        }
    }

    /// Adds an entity from elsewhere: an action, or what a pack's own schema declares.
    pub(crate) fn add(&mut self, entities: impl IntoIterator<Item = &'a Entity>) {
        self.others.extend(entities);
    }

    pub(crate) fn add_person(&mut self, person: PersonIx) {
        self.people.insert(person);
    }

    pub(crate) fn add_machine(&mut self, machine: MachineIx) {
        self.machines.insert(machine);
    }

    pub(crate) fn add_change(&mut self, facts: &'a ChangeFacts<'e>) {
        self.people.extend(facts.last_pusher);
        self.changes.push(facts);
    }

    pub(crate) fn add_deployment(&mut self, facts: &'a DeploymentFacts<'e>) {
        for change in &facts.changes {
            self.add_change(change);
        }
        self.machines.extend(facts.builder);
        self.people.extend(facts.requester);
        self.deployments.push(facts);
    }

    /// The same, and the people.
    pub(crate) fn with(self, people: impl Iterator<Item = PersonIx>) -> Self {
        let mut more = Store {
            made: OnceCell::new(),
            ..self
        };
        more.people.extend(people);
        more
    }

    /// All of them. Nothing of the base schema is in anything that is itself in something, so the hierarchy is its own
    /// transitive closure.
    pub(crate) fn entities(&self) -> Result<&Entities, Fault> {
        if let Some(made) = self.made.get() {
            return Ok(made);
        }
        let made = closed(Entities::new(), self.list())?;
        Ok(self.made.get_or_init(|| made))
    }

    fn list(&self) -> Vec<Entity> {
        let mut list: Vec<Entity> = self.others.iter().map(|entity| (*entity).clone()).collect();
        let people = self.people.iter().copied().map(Thing::Person);
        let machines = self.machines.iter().copied().map(Thing::Machine);
        let changes = self.changes.iter().copied().map(Thing::Change);
        let of_deployments = self.deployments.iter().flat_map(|facts| {
            let environment = Thing::Environment(facts.environment);
            [
                Thing::Artifact(facts),
                environment,
                Thing::Deployment(facts),
            ]
        });
        let things = people.chain(machines).chain(changes);
        list.extend(
            things
                .chain(of_deployments)
                .filter_map(|thing| self.entity(thing)),
        );
        list
    }

    fn entity(&self, thing: Thing<'_>) -> Option<Entity> {
        let attribute = |name: &SmolStr| {
            let value = self.value(self.attribute(thing, name)?)?;
            Some((name.clone(), PartialValue::Value(value)))
        };
        let attributes = self.wanted_of(thing).iter().filter_map(attribute);
        let parents = self.parents(thing).into_iter().collect();
        let (ancestors, tags) = (HashSet::new(), []);
        let uid = self.uid(thing)?;
        Some(Entity::new_with_attr_partial_value(
            uid, attributes, ancestors, parents, tags,
        ))
    }

    /// All that it is in.
    pub(crate) fn parents(&self, thing: Thing<'_>) -> Vec<EntityUID> {
        let types = self.types;
        match thing {
            Thing::Person(person) => {
                let roles = self.standing.roles(self.index, person);
                let roles = roles.into_iter().map(|role| uid(&types.role, role));
                let teams = self
                    .index
                    .person(person)
                    .into_iter()
                    .flat_map(|person| &person.teams);
                roles
                    .chain(teams.map(|team| uid(&types.team, team)))
                    .collect()
            }
            Thing::Machine(machine) => {
                let machine = self.index.machine(machine).into_iter();
                let roles = machine.flat_map(|machine| &machine.roles);
                roles.map(|role| uid(&types.role, role)).collect()
            }
            Thing::Change(facts) => vec![uid(&types.repository, &facts.change.repository)],
            Thing::Deployment(facts) => vec![
                uid(&types.environment, &facts.environment.id),
                uid(&types.repository, &facts.artifact.repository),
            ],
            Thing::Artifact(_) | Thing::Environment(_) | Thing::Repository(_) => Vec::new(),
        }
    }

    /// Its type and its id.
    pub(crate) fn name<'s>(&'s self, thing: Thing<'s>) -> Option<(&'s EntityType, &'s str)> {
        let types = self.types;
        Some(match thing {
            Thing::Person(person) => (&types.person, &self.index.person(person)?.id),
            Thing::Machine(machine) => (&types.machine, &self.index.machine(machine)?.id),
            Thing::Change(facts) => (&types.change, &facts.change.id),
            Thing::Deployment(facts) => (&types.deployment, &facts.deployment.id),
            Thing::Artifact(facts) => (&types.artifact, &facts.artifact.digest),
            Thing::Environment(environment) => (&types.environment, &environment.id),
            Thing::Repository(name) => (&types.repository, name),
        })
    }

    pub(crate) fn uid(&self, thing: Thing<'_>) -> Option<EntityUID> {
        let (ty, id) = self.name(thing)?;
        Some(uid(ty, id))
    }

    /// The value of an attribute that some rule names; `None` where there is none.
    pub(crate) fn attribute<'s>(&'s self, thing: Thing<'s>, name: &str) -> Option<Fact<'s>> {
        let wanted = self.wanted_of(thing);
        if !wanted.iter().any(|wanted| wanted == name) {
            return None;
        }
        match thing {
            Thing::Person(person) => self.of_person(person, name),
            Thing::Machine(machine) => self.of_machine(machine, name),
            Thing::Change(facts) => self.of_change(facts, name),
            Thing::Deployment(facts) => self.of_deployment(facts, name),
            Thing::Artifact(facts) => self.of_artifact(facts, name),
            Thing::Environment(environment) => self.of_environment(environment, name),
            Thing::Repository(_) => None,
        }
    }

    fn wanted_of(&self, thing: Thing<'_>) -> &'a [SmolStr] {
        let wanted = self.wanted;
        match thing {
            Thing::Person(_) => &wanted.person,
            Thing::Machine(_) => &wanted.machine,
            Thing::Change(_) => &wanted.change,
            Thing::Deployment(_) => &wanted.deployment,
            Thing::Artifact(_) => &wanted.artifact,
            Thing::Environment(_) => &wanted.environment,
            Thing::Repository(_) => &[],
        }
    }
}

/// Those with further ones, all of which have all of their ancestors already.
pub(crate) fn closed(known: Entities, more: Vec<Entity>) -> Result<Entities, Fault> {
    let closed = known.add_entities(
        more.into_iter().map(Arc::new),
        None::<&NoEntitiesSchema>,
        TCComputation::AssumeAlreadyComputed,
        Extensions::all_available(),
    );
    closed.map_err(|e| faulty(&e))
}

fn faulty(error: &EntitiesError) -> Fault {
    Fault::internal(format!("entities: {error}"))
}

pub(crate) fn uid(ty: &EntityType, id: &str) -> EntityUID {
    EntityUID::from_components(ty.clone(), Eid::new(id), None)
}

pub(crate) fn set(uids: impl Iterator<Item = EntityUID>) -> Value {
    Value::set_of_lits(uids.map(Literal::from), None)
}
