//! What values have to be, taken from the schema once.

use std::collections::{BTreeMap, HashSet};

use cedar_policy_core::ast::EntityType;
use cedar_policy_core::entities::{
    AttributeType, EntityTypeDescription as _, Schema as _, SchemaType,
};
use cedar_policy_core::validator::types::Type;
use cedar_policy_core::validator::{CoreSchema, EntityTypeDescription, ValidatorSchema};
use smol_str::SmolStr;

use crate::policy::Shared;

/// An entity type without tags, closed, not enumerated.
#[derive(Debug)]
pub(super) struct EntityShape {
    pub(super) ty: EntityType,
    pub(super) attributes: Record,
    /// Types that it may be in.
    pub(super) parents: HashSet<EntityType>,
}

/// A closed record.
#[derive(Debug, Default)]
pub(super) struct Record(pub(super) BTreeMap<SmolStr, Attribute>);

#[derive(Debug)]
pub(super) struct Attribute {
    pub(super) shape: Shape,
    pub(super) required: bool,
}

#[derive(Debug)]
pub(super) enum Shape {
    Bool,
    Long,
    String,
    /// The type and its name as Cedar prints it.
    Entity(EntityType, String),
    Set(Box<Shape>),
    Record(Record),
}

/// Takes shapes from a schema; `None` where it needs more than shapes can say.
pub(super) struct Shapes<'s> {
    schema: &'s ValidatorSchema,
    core: CoreSchema<'s>,
    shared: &'s mut Shared,
}

impl<'s> Shapes<'s> {
    pub(super) fn new(schema: &'s ValidatorSchema, shared: &'s mut Shared) -> Self {
        Shapes {
            schema,
            core: CoreSchema::new(schema),
            shared,
        }
    }

    pub(super) fn entity(&mut self, ty: &EntityType) -> Option<EntityShape> {
        let described = self.any_id(ty)?;
        if described.tag_type().is_some() || described.open_attributes() {
            return None;
        }
        let parents = described.allowed_parent_types();
        let parents: Vec<_> = parents
            .iter()
            .filter(|ty| self.any_id(ty).is_some())
            .collect();
        let parents = parents.into_iter().map(|ty| self.shared.entity_type(ty));
        let parents = parents.collect();
        let attributes = self.schema.get_entity_type(ty)?.attributes().iter();
        let attributes = attributes.map(|(name, attribute)| {
            let ty = SchemaType::try_from(Type::clone(&attribute.attr_type)).ok()?;
            self.attribute(name, &ty, attribute.is_required)
        });
        let attributes = Record(attributes.collect::<Option<_>>()?);
        Some(EntityShape {
            ty: self.shared.entity_type(ty),
            attributes,
            parents,
        })
    }

    pub(super) fn context(&mut self, ty: &Type) -> Option<Record> {
        match self.shape(&SchemaType::try_from(ty.clone()).ok()?)? {
            Shape::Record(record) => Some(record),
            _ => None,
        }
    }

    /// A type of which any id will do.
    fn any_id(&self, ty: &EntityType) -> Option<EntityTypeDescription> {
        let described = self.core.entity_type(ty)?;
        let listed = described.enum_entity_eids().is_some();
        (!listed && !described.is_external() && !ty.is_action()).then_some(described)
    }

    fn attribute(
        &mut self,
        name: &SmolStr,
        ty: &SchemaType,
        required: bool,
    ) -> Option<(SmolStr, Attribute)> {
        // What begins so has a meaning of its own in Cedar's JSON.
        if name.starts_with("__") {
            return None;
        }
        let shape = self.shape(ty)?;
        Some((name.clone(), Attribute { shape, required }))
    }

    fn shape(&mut self, ty: &SchemaType) -> Option<Shape> {
        let attribute = |(name, attribute): (&SmolStr, &AttributeType)| {
            self.attribute(name, attribute.schema_type(), attribute.is_required())
        };
        match ty {
            SchemaType::Bool => Some(Shape::Bool),
            SchemaType::Long => Some(Shape::Long),
            SchemaType::String => Some(Shape::String),
            SchemaType::Set { element_ty } => Some(Shape::Set(Box::new(self.shape(element_ty)?))),
            SchemaType::Entity { ty } => {
                self.any_id(ty)?;
                Some(Shape::Entity(self.shared.entity_type(ty), ty.to_string()))
            }
            SchemaType::Record {
                attrs,
                open_attrs: false,
            } => {
                let attributes = attrs.iter().map(attribute).collect::<Option<_>>()?;
                Some(Shape::Record(Record(attributes)))
            }
            SchemaType::Record { .. } | SchemaType::EmptySet | SchemaType::Extension { .. } => None,
        }
    }
}
