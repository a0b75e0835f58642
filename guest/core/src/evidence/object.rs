//! Objects only: what serde derives would take an array, too, and go by position. And a note of whether an object had
//! members that its type has not.

use std::cell::Cell;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, MapAccess};

thread_local! {
    static STRANGE: Cell<bool> = const { Cell::new(false) };
}

/// What `read` gives, and whether it met a member of an object that is unknown there.
pub(super) fn noting_strangers<T>(read: impl FnOnce() -> T) -> (T, bool) {
    STRANGE.set(false);
    let read = read();
    (read, STRANGE.get())
}

/// The members of an object.
pub(super) struct Members<A>(pub(super) A);

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Members<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        self.0.next_key_seed(seed)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        // Only what is thrown away has no size.
        if size_of::<V::Value>() == 0 {
            STRANGE.set(true);
        }
        self.0.next_value_seed(seed)
    }
}

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
                <$object>::deserialize(serde::de::value::MapAccessDeserializer::new($crate::evidence::object::Members(members)))
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
