//! Hash maps, where nobody who sends evidence can choose what collides.
//!
//! A sandbox has no randomness to key them with. What a decision reads is hashed with a key out of the digest of all of it:
//! whoever changes a name to make it collide has changed the key.

use std::collections::{HashMap, HashSet};

use foldhash::fast::FixedState;

pub(crate) type Map<K, V> = HashMap<K, V, Key>;
pub(crate) type Set<K> = HashSet<K, Key>;

/// What keys are hashed with. By default one that everybody knows: for what is in the pack or the configuration.
pub(crate) type Key = FixedState;

/// The key for what has this digest.
pub(crate) fn key(digest: &[u8]) -> Key {
    let first = digest.first_chunk().copied().unwrap_or_default();
    Key::with_seed(u64::from_le_bytes(first))
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasher;

    use super::*;

    /// Places that names have in a table of so many.
    fn places(names: &[String], key: &Key) -> usize {
        let places = names.iter().map(|name| place(name, key));
        places.collect::<HashSet<u64>>().len()
    }

    fn place(name: &str, key: &Key) -> u64 {
        key.hash_one(name) % 4_096
    }

    #[test]
    fn names_that_collide_under_the_known_key_do_not_under_that_of_evidence() {
        let collides = |name: &String| place(name, &Key::default()) == 0;
        let names = (0..).map(|n| format!("github:{n:010}")).filter(collides);
        let names: Vec<String> = names.take(500).collect();
        assert_eq!(places(&names, &Key::default()), 1);
        for digest in [[1; 32], [2; 32], [255; 32]] {
            // 500 of 4,096 places by chance are 471 different ones.
            let places = places(&names, &key(&digest));
            assert!(places > 440, "{places} places");
        }
    }
}
