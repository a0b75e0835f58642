//! JSON to values, each read as what it has to be. Any error ends the attempt.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use cedar_policy_core::ast::{Eid, EntityUID, Value};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use smol_str::SmolStr;

use super::shapes::{EntityShape, Record, Shape};
use super::{Listed, Reader};
use crate::policy::entities::uid;
use crate::text::Text;

/// The whole of `json`.
pub(super) fn read<'j, S: DeserializeSeed<'j>>(json: &'j str, seed: S) -> Option<S::Value> {
    let mut from = serde_json::Deserializer::from_str(json);
    let value = seed.deserialize(&mut from).ok()?;
    from.end().ok()?;
    Some(value)
}

fn no<T, E: Error>() -> Result<T, E> {
    Err(E::custom("left to Cedar"))
}

/// The type and id of an entity.
struct Uid<'j> {
    type_name: Text<'j>,
    id: Text<'j>,
}

/// `{"type": ..., "id": ...}`, or that as the value of `__entity` where that `may_wrap`.
struct UidMembers {
    may_wrap: bool,
}

impl<'j> Deserialize<'j> for Uid<'j> {
    fn deserialize<D: Deserializer<'j>>(from: D) -> Result<Self, D::Error> {
        UidMembers { may_wrap: true }.deserialize(from)
    }
}

impl<'j> DeserializeSeed<'j> for UidMembers {
    type Value = Uid<'j>;

    fn deserialize<D: Deserializer<'j>>(self, from: D) -> Result<Uid<'j>, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'j> Visitor<'j> for UidMembers {
    type Value = Uid<'j>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an entity")
    }

    fn visit_map<A: MapAccess<'j>>(self, mut members: A) -> Result<Uid<'j>, A::Error> {
        let (mut type_name, mut id) = (None, None);
        let mut wrapped = None;
        while let Some(key) = members.next_key::<Text<'j>>()? {
            let twice = match key.as_str() {
                "type" => type_name.replace(members.next_value()?).is_some(),
                "id" => id.replace(members.next_value()?).is_some(),
                "__entity" if self.may_wrap => {
                    let inner = members.next_value_seed(UidMembers { may_wrap: false })?;
                    wrapped.replace(inner).is_some()
                }
                _ => true,
            };
            if twice {
                return no();
            }
        }
        match (type_name, id, wrapped) {
            (Some(type_name), Some(id), None) => Ok(Uid { type_name, id }),
            (None, None, Some(uid)) => Ok(uid),
            _ => no(),
        }
    }
}

impl Uid<'_> {
    fn known<'r>(&self, reader: &'r Reader) -> Option<(&'r EntityShape, EntityUID)> {
        let shape = reader.entities.get(self.type_name.as_str())?;
        Some((shape, uid(&shape.ty, &self.id)))
    }
}

/// A list of entities.
#[derive(Clone, Copy)]
pub(super) struct Entities<'r>(pub(super) &'r Reader);

impl<'j> DeserializeSeed<'j> for Entities<'_> {
    type Value = Vec<Listed>;

    fn deserialize<D: Deserializer<'j>>(self, from: D) -> Result<Vec<Listed>, D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'j> Visitor<'j> for Entities<'_> {
    type Value = Vec<Listed>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of entities")
    }

    fn visit_seq<A: SeqAccess<'j>>(self, mut items: A) -> Result<Vec<Listed>, A::Error> {
        let mut listed = Vec::new();
        while let Some(entity) = items.next_element_seed(OneEntity(self.0))? {
            listed.push(entity);
        }
        Ok(listed)
    }
}

struct OneEntity<'r>(&'r Reader);

impl<'j> DeserializeSeed<'j> for OneEntity<'_> {
    type Value = Listed;

    fn deserialize<D: Deserializer<'j>>(self, from: D) -> Result<Listed, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'j> Visitor<'j> for OneEntity<'_> {
    type Value = Listed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an entity with `uid`, `attrs` and `parents`")
    }

    /// `uid` says what the rest has to be, and mostly it comes first. What comes before it is read after it.
    fn visit_map<A: MapAccess<'j>>(self, mut members: A) -> Result<Listed, A::Error> {
        let mut before: Vec<(Text<'j>, &'j RawValue)> = Vec::new();
        let uid = loop {
            match members.next_key::<Text<'j>>()? {
                Some(name) if name.as_str() == "uid" => break members.next_value::<Uid<'j>>()?,
                Some(name) => before.push((name, members.next_value()?)),
                None => return no(),
            }
        };
        let Some((shape, uid)) = uid.known(self.0) else {
            return no();
        };
        let mut entity = Identified {
            reader: self.0,
            shape,
            attributes: None,
            parents: None,
        };
        for (name, json) in before {
            if read(json.get(), Member(&mut entity, name.as_str())).is_none() {
                return no();
            }
        }
        while let Some(name) = members.next_key::<Text<'j>>()? {
            members.next_value_seed(Member(&mut entity, name.as_str()))?;
        }
        match (entity.attributes, entity.parents) {
            (Some(attributes), Some(parents)) => Ok(Listed {
                uid,
                attributes,
                parents,
            }),
            _ => no(),
        }
    }
}

/// An entity of which it is known what it has to be, and what has been read of it.
struct Identified<'r> {
    reader: &'r Reader,
    shape: &'r EntityShape,
    attributes: Option<BTreeMap<SmolStr, Value>>,
    parents: Option<HashSet<EntityUID>>,
}

/// A member of it but `uid`, by its name.
struct Member<'e, 'r>(&'e mut Identified<'r>, &'e str);

impl<'j> DeserializeSeed<'j> for Member<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'j>>(self, from: D) -> Result<(), D::Error> {
        let Member(entity, name) = self;
        let twice = match name {
            "attrs" => {
                let attributes = Attributes(&entity.shape.attributes).deserialize(from)?;
                entity.attributes.replace(attributes).is_some()
            }
            "parents" => {
                let known = |parent: Uid<'j>| {
                    let (parent, uid) = parent.known(entity.reader)?;
                    entity.shape.parents.contains(&parent.ty).then_some(uid)
                };
                let parents = Vec::<Uid<'j>>::deserialize(from)?;
                let Some(parents) = parents.into_iter().map(known).collect() else {
                    return no();
                };
                entity.parents.replace(parents).is_some()
            }
            _ => true,
        };
        if twice { no() } else { Ok(()) }
    }
}

/// The attributes of a record, of an entity, of a context.
#[derive(Clone, Copy)]
pub(super) struct Attributes<'r>(pub(super) &'r Record);

impl<'j> DeserializeSeed<'j> for Attributes<'_> {
    type Value = BTreeMap<SmolStr, Value>;

    fn deserialize<D: Deserializer<'j>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'j> Visitor<'j> for Attributes<'_> {
    type Value = BTreeMap<SmolStr, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("attributes")
    }

    fn visit_map<A: MapAccess<'j>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let Attributes(Record(attributes)) = self;
        let mut values = BTreeMap::new();
        while let Some(key) = members.next_key::<Text<'j>>()? {
            let Some((name, attribute)) = attributes.get_key_value(key.as_str()) else {
                return no();
            };
            let value = members.next_value_seed(OneValue(&attribute.shape))?;
            if values.insert(name.clone(), value).is_some() {
                return no();
            }
        }
        let required = attributes
            .iter()
            .filter(|(_, attribute)| attribute.required);
        match required
            .map(|(name, _)| name)
            .all(|name| values.contains_key(name))
        {
            true => Ok(values),
            false => no(),
        }
    }
}

#[derive(Clone, Copy)]
struct OneValue<'r>(&'r Shape);

impl<'j> DeserializeSeed<'j> for OneValue<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'j>>(self, from: D) -> Result<Value, D::Error> {
        match self.0 {
            Shape::Bool => bool::deserialize(from).map(Value::from),
            Shape::Long => i64::deserialize(from).map(Value::from),
            Shape::String => Text::deserialize(from).map(|text| Value::from(text.as_str())),
            Shape::Entity(ty, name) => {
                let uid = Uid::deserialize(from)?;
                if uid.type_name.as_str() != name {
                    return no();
                }
                let id = Eid::new(uid.id.as_str());
                Ok(Value::from(EntityUID::from_components(
                    ty.clone(),
                    id,
                    None,
                )))
            }
            Shape::Set(shape) => from.deserialize_seq(SetOf(shape)),
            Shape::Record(record) => {
                let values = Attributes(record).deserialize(from)?;
                Ok(Value::record(values, None))
            }
        }
    }
}

struct SetOf<'r>(&'r Shape);

impl<'j> Visitor<'j> for SetOf<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'j>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(OneValue(self.0))? {
            values.push(value);
        }
        Ok(Value::set(values, None))
    }
}
