//! What the schema says of each action: who and what it applies to, and
//! which facts its context takes.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy_core::ast::{Eid, EntityType, EntityUID};
use cedar_policy_core::entities::{Dereference, Entities};
use cedar_policy_core::validator::ValidatorSchema;
use cedar_policy_core::validator::types::{Attributes, Type};

use super::Shared;
use crate::hashing::Map;
use crate::program::{ActionInfo, LoadError};
use crate::request::{EntityUid, Request};

/// The names that the schema knows, ready to use.
#[derive(Debug)]
pub(crate) struct Vocabulary {
    types: Map<String, EntityType>,
    actions: Map<EntityUID, Action>,
    /// Every action with the groups that it is in.
    pub(crate) action_entities: Entities,
}

/// One action.
#[derive(Debug)]
pub(crate) struct Action {
    principals: BTreeSet<EntityType>,
    resources: BTreeSet<EntityType>,
    pub(crate) context: ContextShape,
    /// Groups that it is in.
    pub(crate) groups: Vec<EntityUID>,
}

/// Facts about a request that are no entities. With `quorum` all that the base schema has in contexts.
const CONTEXT_FACTS: [&str; 16] = [
    "now",
    "window",
    "session",
    "option",
    "counting",
    "approvers",
    "objectors",
    "machine_objectors",
    "approver_teams",
    "change_approvers",
    "every_commit_reviewed",
    "owners_covered",
    "reciprocal_reviews",
    "quickest_approval_seconds",
    "deployed_before",
    "signer_count",
];

/// Those that are made from approvals.
const OF_APPROVALS: [&str; 10] = [
    "approvers",
    "objectors",
    "machine_objectors",
    "approver_teams",
    "change_approvers",
    "every_commit_reviewed",
    "owners_covered",
    "reciprocal_reviews",
    "quickest_approval_seconds",
    "signer_count",
];

/// Which facts the context of an action takes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ContextShape {
    /// Facts that it takes, by name.
    pub(crate) facts: BTreeSet<&'static str>,
    /// Names of `context.quorum`, if it has one.
    pub(crate) quorums: Option<BTreeSet<String>>,
    /// Attributes that are no facts, so that the request must bring them.
    pub(crate) others: BTreeSet<String>,
}

impl Vocabulary {
    pub(crate) fn load(schema: &ValidatorSchema, shared: &mut Shared) -> Result<Self, LoadError> {
        let entities = schema
            .action_entities()
            .map_err(|e| LoadError::new(format!("schema: {e}")))?;
        let mut actions = Map::default();
        for id in schema.action_ids() {
            let principals = id.principals().cloned().collect();
            let resources = id.resources().cloned().collect();
            let context = ContextShape::of(id.context_type());
            let mut groups: Vec<EntityUID> = match entities.entity(id.name()) {
                Dereference::Data(entity) => entity.ancestors().cloned().collect(),
                _ => Vec::new(),
            };
            groups.sort();
            let action = Action {
                principals,
                resources,
                context,
                groups,
            };
            actions.insert(id.name().clone(), action);
        }
        let types = schema.entity_types().map(|ty| ty.name().clone());
        let types = types.chain(actions.keys().map(|uid| uid.entity_type().clone()));
        Ok(Vocabulary {
            types: types
                .map(|ty| (ty.to_string(), shared.entity_type(&ty)))
                .collect(),
            actions,
            action_entities: entities,
        })
    }

    /// The Cedar entity of that type and id, if the schema has the type.
    pub(crate) fn uid(&self, type_name: &str, id: &str) -> Option<EntityUID> {
        let ty = self.types.get(type_name)?.clone();
        Some(EntityUID::from_components(ty, Eid::new(id), None))
    }

    /// Every action that somebody can do to something, in order.
    pub(crate) fn describe(&self) -> Vec<ActionInfo> {
        let names = |types: &BTreeSet<EntityType>| {
            let mut names: Vec<String> = types.iter().map(ToString::to_string).collect();
            names.sort();
            names
        };
        let info = |(uid, action): (&EntityUID, &Action)| ActionInfo {
            action: EntityUid::new(uid.entity_type().to_string(), uid.eid().as_ref()),
            principals: names(&action.principals),
            resources: names(&action.resources),
        };
        let somebody =
            |info: &ActionInfo| !info.principals.is_empty() && !info.resources.is_empty();
        let mut actions: Vec<_> = self.actions.iter().map(info).filter(somebody).collect();
        actions.sort_by(|a, b| a.action.cmp(&b.action));
        actions
    }

    /// One made-up request for each action, of types that it applies to.
    pub(crate) fn examples(&self) -> Vec<Request> {
        let example = |(uid, action): (&EntityUID, &Action)| {
            let principal = action.principals.first()?.to_string();
            let resource = action.resources.first()?.to_string();
            Some(Request {
                principal: EntityUid::new(principal, "warm-up"),
                action: EntityUid::new(uid.entity_type().to_string(), uid.eid().as_ref()),
                resource: EntityUid::new(resource, "warm-up"),
                now: None,
                evidence: None,
                entities: None,
                context: None,
            })
        };
        // In one order: what is allocated first is part of the snapshot.
        let sorted: BTreeMap<_, _> = self.actions.iter().collect();
        sorted.into_iter().filter_map(example).collect()
    }

    /// Whether the context of every action that somebody can do takes a fact.
    pub(crate) fn all_take(&self, fact: &str) -> bool {
        let actions = self.actions.values();
        let mut done = actions.filter(|action| !action.principals.is_empty());
        done.all(|action| action.context.facts.contains(fact))
    }

    pub(crate) fn action(&self, uid: &EntityUID) -> Option<&Action> {
        self.actions.get(uid)
    }
}

impl Action {
    pub(crate) fn applies_to(&self, principal: &EntityUID, resource: &EntityUID) -> bool {
        self.principals.contains(principal.entity_type())
            && self.resources.contains(resource.entity_type())
    }
}

impl ContextShape {
    /// Whether the action's rules look at signatures at all.
    pub(crate) fn counts(&self) -> bool {
        self.quorums.is_some() || OF_APPROVALS.iter().any(|fact| self.facts.contains(fact))
    }

    fn of(context: Option<&Type>) -> Self {
        let mut shape = ContextShape::default();
        let Some(Type::Record { attrs, .. }) = context else {
            return shape;
        };
        for (name, attribute) in attrs.iter() {
            match name.as_str() {
                "quorum" => shape.quorums = Some(names(&attribute.attr_type)),
                name => match CONTEXT_FACTS.iter().find(|fact| **fact == name) {
                    Some(fact) => drop(shape.facts.insert(fact)),
                    None => drop(shape.others.insert(name.to_owned())),
                },
            }
        }
        shape
    }
}

fn names(ty: &Type) -> BTreeSet<String> {
    let keys = |attrs: &Attributes| attrs.iter().map(|(name, _)| name.to_string()).collect();
    match ty {
        Type::Record { attrs, .. } => keys(attrs),
        _ => BTreeSet::new(),
    }
}
