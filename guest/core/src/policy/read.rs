//! Entities and contexts from JSON, without a detour.
//!
//! Cedar's own reader goes from text over JSON values, Cedar's JSON values and expressions to values. The schema
//! says what each value has to be, so that [`Reader`] makes it at once. It has no say in what is right: it reads
//! what plainly is, and whatever it does not know (extension values, tags, enumerated types) or finds wrong is left
//! to Cedar's reader, which has the last word, and the words for the error.

mod json;
mod shapes;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use cedar_policy_core::ast::{Context, Entity, EntityUID, PartialValue, Value};
use cedar_policy_core::validator::ValidatorSchema;
use smol_str::SmolStr;

use super::Shared;
use crate::hashing::Map;
use shapes::{EntityShape, Record, Shapes};

/// What the schema says of the values that this reader knows.
#[derive(Debug)]
pub(crate) struct Reader {
    /// By name as Cedar prints it.
    entities: Map<String, EntityShape>,
    contexts: Map<EntityUID, Record>,
}

/// An entity as it stands in the list.
struct Listed {
    uid: EntityUID,
    attributes: BTreeMap<SmolStr, Value>,
    parents: HashSet<EntityUID>,
}

impl Reader {
    pub(crate) fn load(schema: &ValidatorSchema, shared: &mut Shared) -> Self {
        let mut shapes = Shapes::new(schema, shared);
        let types = schema.entity_types().map(|ty| ty.name());
        let actions = schema.action_ids();
        Reader {
            entities: types
                .filter_map(|ty| Some((ty.to_string(), shapes.entity(ty)?)))
                .collect(),
            contexts: actions
                .filter_map(|id| Some((id.name().clone(), shapes.context(id.context_type()?)?)))
                .collect(),
        }
    }

    /// Whether any entity of the type will do as far as its id goes.
    pub(crate) fn knows(&self, type_name: &str) -> bool {
        self.entities.contains_key(type_name)
    }

    /// The entities of a JSON list, each with all that it is in. `None` leaves them to Cedar.
    pub(crate) fn entities(&self, json: &str) -> Option<Vec<Entity>> {
        let listed = json::read(json, json::Entities(self))?;
        // Few, mostly, and a tree has no names that collide.
        let mut places = BTreeMap::new();
        for (place, entity) in listed.iter().enumerate() {
            if places.insert(&entity.uid, place).is_some() {
                return None;
            }
        }
        let beyond = listed.iter().map(|entity| beyond(entity, &listed, &places));
        let beyond: Vec<_> = beyond.collect::<Option<_>>()?;
        let entities = listed.into_iter().zip(beyond);
        Some(
            entities
                .map(|(entity, beyond)| entity.with(beyond))
                .collect(),
        )
    }

    /// The context of an action from a JSON object. `None` leaves it to Cedar.
    pub(crate) fn context(&self, action: &EntityUID, json: &str) -> Option<Context> {
        let values = json::read(json, json::Attributes(self.contexts.get(action)?))?;
        Some(Context::Value(Arc::new(values)))
    }
}

/// What `entity` is in, besides its parents. `None` if it is in itself.
fn beyond(
    entity: &Listed,
    listed: &[Listed],
    places: &BTreeMap<&EntityUID, usize>,
) -> Option<HashSet<EntityUID>> {
    let mut beyond = HashSet::new();
    let mut todo: Vec<&EntityUID> = entity.parents.iter().collect();
    while let Some(uid) = todo.pop() {
        if *uid == entity.uid {
            return None;
        }
        let further = places.get(uid).and_then(|place| listed.get(*place));
        for parent in further.into_iter().flat_map(|entity| &entity.parents) {
            if !entity.parents.contains(parent) && beyond.insert(parent.clone()) {
                todo.push(parent);
            }
        }
    }
    Some(beyond)
}

impl Listed {
    fn with(self, beyond: HashSet<EntityUID>) -> Entity {
        let attributes = self.attributes.into_iter();
        let attributes = attributes.map(|(name, value)| (name, PartialValue::Value(value)));
        Entity::new_with_attr_partial_value(self.uid, attributes, beyond, self.parents, [])
    }
}
