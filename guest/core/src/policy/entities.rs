//! The one adapter between facts and Cedar: what the base schema declares, filled in.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use cedar_policy_core::ast::{
    Eid, Entity, EntityType, EntityUID, Literal, Name, PartialValue, Value,
};
use cedar_policy_core::entities::err::EntitiesError;
use cedar_policy_core::entities::{Entities, NoEntitiesSchema, TCComputation};
use cedar_policy_core::extensions::Extensions;
use smol_str::SmolStr;

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

/// The entities of one request, as far as rules can get at them.
pub(crate) struct Store<'a, 'e> {
    pub(super) types: &'a BaseTypes,
    wanted: &'a Wanted,
    pub(super) index: &'a Index<'e>,
    pub(super) standing: &'a Standing<'e>,
    pub(super) data: &'a PackData,
    people: People,
    machines: BTreeSet<MachineIx>,
    /// Those that nobody has asked for yet.
    new: Vec<Entity>,
}

impl<'a, 'e> Store<'a, 'e> {
    /// Of the base schema's entities with those attributes only that are `wanted`.
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
            new: Vec::new(),
        }
    }

    /// Adds an entity from elsewhere: an action, or what a pack's own schema declares.
    pub(crate) fn add<'i>(&mut self, entities: impl IntoIterator<Item = &'i Entity>) {
        self.new.extend(entities.into_iter().cloned());
    }

    pub(crate) fn add_person(&mut self, person: PersonIx) {
        if !self.people.insert(person) {
            return;
        }
        let Some(entry) = self.index.person(person) else {
            return;
        };
        let roles = self.standing.roles(self.index, person);
        let teams = entry.teams.iter().map(|team| uid(&self.types.team, team));
        let parents = roles.iter().map(|role| uid(&self.types.role, role));
        let parents = parents.chain(teams).collect();
        let uid = uid(&self.types.person, &entry.id);
        let entity = entity_of(uid, parents, &self.wanted.person, |name| {
            self.of_person(person, &roles, name)
        });
        self.new.push(entity);
    }

    pub(crate) fn add_machine(&mut self, machine: MachineIx) {
        if !self.machines.insert(machine) {
            return;
        }
        let Some(entry) = self.index.machine(machine) else {
            return;
        };
        let roles = entry.roles.iter().map(|role| uid(&self.types.role, role));
        let uid = uid(&self.types.machine, &entry.id);
        let entity = entity_of(uid, roles.collect(), &self.wanted.machine, |name| {
            self.of_machine(machine, name)
        });
        self.new.push(entity);
    }

    pub(crate) fn add_change(&mut self, facts: &ChangeFacts<'_>) {
        if let Some(person) = facts.last_pusher {
            self.add_person(person);
        }
        let change = facts.change;
        let parents = HashSet::from([uid(&self.types.repository, &change.repository)]);
        let uid = uid(&self.types.change, &change.id);
        let entity = entity_of(uid, parents, &self.wanted.change, |name| {
            self.of_change(facts, name)
        });
        self.new.push(entity);
    }

    pub(crate) fn add_deployment(&mut self, facts: &DeploymentFacts<'_>) {
        for change in &facts.changes {
            self.add_change(change);
        }
        self.add_artifact(facts);
        if let Some(person) = facts.requester {
            self.add_person(person);
        }
        let environment = uid(&self.types.environment, &facts.environment.id);
        let repository = uid(&self.types.repository, &facts.artifact.repository);
        let parents = HashSet::from([environment.clone(), repository]);
        let entity = entity_of(
            environment,
            HashSet::new(),
            &self.wanted.environment,
            |name| self.of_environment(facts.environment, name),
        );
        self.new.push(entity);
        let uid = uid(&self.types.deployment, &facts.deployment.id);
        let entity = entity_of(uid, parents, &self.wanted.deployment, |name| {
            self.of_deployment(facts, name)
        });
        self.new.push(entity);
    }

    fn add_artifact(&mut self, facts: &DeploymentFacts<'_>) {
        if let Some(builder) = facts.builder {
            self.add_machine(builder);
        }
        let uid = uid(&self.types.artifact, &facts.artifact.digest);
        let entity = entity_of(uid, HashSet::new(), &self.wanted.artifact, |name| {
            self.of_artifact(facts, name)
        });
        self.new.push(entity);
    }

    /// Everything added so far. Nothing of the base schema is in anything that
    /// is itself in something, so the hierarchy is its own transitive closure.
    pub(crate) fn entities(&mut self) -> Result<Entities, Fault> {
        closed(std::mem::take(&mut self.new).into_iter())
    }

    /// `known`, and everything added since.
    pub(crate) fn and_new(self, known: Entities) -> Result<Entities, Fault> {
        let all = known.add_entities(
            self.new.into_iter().map(Arc::new),
            None::<&NoEntitiesSchema>,
            TCComputation::AssumeAlreadyComputed,
            Extensions::all_available(),
        );
        all.map_err(|e| faulty(&e))
    }
}

/// With those of the `wanted` attributes that there are.
fn entity_of(
    uid: EntityUID,
    parents: HashSet<EntityUID>,
    wanted: &[SmolStr],
    value: impl Fn(&str) -> Option<Value>,
) -> Entity {
    let attributes = wanted
        .iter()
        .filter_map(|name| Some((name.clone(), PartialValue::Value(value(name)?))));
    let (ancestors, tags) = (HashSet::new(), []);
    Entity::new_with_attr_partial_value(uid, attributes, ancestors, parents, tags)
}

/// Entities that have all of their ancestors already.
pub(crate) fn closed(entities: impl Iterator<Item = Entity>) -> Result<Entities, Fault> {
    Entities::from_entities(
        entities,
        None::<&NoEntitiesSchema>,
        TCComputation::AssumeAlreadyComputed,
        Extensions::all_available(),
    )
    .map_err(|e| faulty(&e))
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
