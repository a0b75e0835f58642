//! Objects only: what serde derives would take an array, too, and go by position.

use std::marker::PhantomData;

/// Reads a `T` from a JSON object, and from nothing else.
pub(super) struct Object<T>(pub(super) PhantomData<T>);

/// Wraps what serde derives with `remote = "Self"`.
macro_rules! objects_only {
    ($([$($de:tt)*] [$($ser:tt)*] $object:ty;)*) => {$(
        impl<$($de)*> serde::Deserialize<'de> for $object {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                from.deserialize_map($crate::evidence::object::Object::<Self>(std::marker::PhantomData))
            }
        }

        impl<$($de)*> serde::de::Visitor<'de> for $crate::evidence::object::Object<$object> {
            type Value = $object;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, members: A) -> Result<$object, A::Error> {
                <$object>::deserialize(serde::de::value::MapAccessDeserializer::new(members))
            }
        }

        impl<$($ser)*> serde::Serialize for $object {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                <$object>::serialize(self, to)
            }
        }
    )*};
}
pub(super) use objects_only;
