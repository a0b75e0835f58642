//! JSON to values, each read as what it has to be. Any error ends the attempt.

use std::collections::BTreeMap;
use std::fmt;

use cedar_policy_core::ast::{Eid, EntityUID, Value};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
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

    /// `uid` first, as everybody writes it: it says what the rest has to be.
    fn visit_map<A: MapAccess<'j>>(self, mut members: A) -> Result<Listed, A::Error> {
        if members.next_key::<Text<'j>>()?.as_deref() != Some("uid") {
            return no();
        }
        let Some((shape, uid)) = members.next_value::<Uid<'j>>()?.known(self.0) else {
            return no();
        };
        let (mut attributes, mut parents) = (None, None);
        while let Some(key) = members.next_key::<Text<'j>>()? {
            let twice = match key.as_str() {
                "attrs" => {
                    let values = members.next_value_seed(Attributes(&shape.attributes))?;
                    attributes.replace(values).is_some()
                }
                "parents" => {
                    let uids = members.next_value::<Vec<Uid<'j>>>()?;
                    let known = |parent: Uid<'j>| {
                        let (parent, uid) = parent.known(self.0)?;
                        shape.parents.contains(&parent.ty).then_some(uid)
                    };
                    let uids = uids.into_iter().map(known).collect();
                    parents.replace(uids).is_some()
                }
                _ => true,
            };
            if twice {
                return no();
            }
        }
        match (attributes, parents) {
            (Some(attributes), Some(Some(parents))) => Ok(Listed {
                uid,
                attributes,
                parents,
            }),
            _ => no(),
        }
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
