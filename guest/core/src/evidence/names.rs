//! Positions by name, sorted: whatever names somebody chooses, none is slow to find.

use std::cmp::Ordering;
use std::ops::Deref;

/// Names, each once, with the position of what they name. Shorter ones first: most differ in length, and many in no
/// more than their ends.
#[derive(Debug)]
pub(super) struct Names<K>(Vec<(K, u32)>);

impl<K: Deref<Target = str>> Names<K> {
    /// Of the names in order of their positions.
    ///
    /// # Errors
    /// Where the first name is that was there before.
    pub(super) fn new(names: impl Iterator<Item = K>) -> Result<Self, u32> {
        let Names(list) = Names::of_different(names);
        let pairs = list.iter().zip(list.iter().skip(1));
        let twice = pairs.filter(|(one, next)| *one.0 == *next.0);
        match twice.map(|(_, (_, at))| *at).min() {
            Some(at) => Err(at),
            None => Ok(Names(list)),
        }
    }

    /// Of names of which none is there twice.
    pub(super) fn of_different(names: impl Iterator<Item = K>) -> Self {
        let mut list: Vec<(K, u32)> = names.zip(0..).collect();
        list.sort_unstable_by(|(one, at), (next, then)| order(one, next).then(at.cmp(then)));
        Names(list)
    }

    pub(super) fn get(&self, name: &str) -> Option<u32> {
        let at = self.0.binary_search_by(|(one, _)| order(one, name));
        self.0.get(at.ok()?).map(|(_, at)| *at)
    }
}

fn order(one: &str, other: &str) -> Ordering {
    let lengths = one.len().cmp(&other.len());
    lengths.then_with(|| one.cmp(other))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn each_name_has_its_position_and_the_first_that_is_there_again_is_told() {
        let names = Names::new(["b", "", "a", "bb"].into_iter()).unwrap();
        let found = ["a", "b", "bb", "", "c"].map(|name| names.get(name));
        assert_eq!(found, [Some(2), Some(0), Some(3), Some(1), None]);
        for (list, at) in [
            (&["a", "a"][..], 1),
            (&["z", "a", "b", "b", "a", "z"], 3),
            (&["z", "a", "b", "a", "a", "z"], 3),
        ] {
            assert_eq!(Names::new(list.iter().copied()).unwrap_err(), at);
        }
        assert_eq!(Names::<&str>::new([].into_iter()).unwrap().get("a"), None);
    }
}
