//! What outlives the loading of a pack, so that the engine can lay it down in one stretch.

use std::collections::HashMap;

/// Bytes in a word.
const WORD: usize = 4;
/// Set in the address of a piece that is given back.
const GIVEN_BACK: u32 = 1;

/// Pieces that are still there once a pack is loaded, of all that are taken while it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lasting {
    /// By their number among all, ascending.
    pub(super) numbers: Vec<u32>,
    /// What they take together.
    pub(super) bytes: u32,
}

impl Lasting {
    /// From the engine's record: address and room of each piece taken, address and 1 of each given back. `None` if it
    /// is not one.
    pub(super) fn of(record: &[u8]) -> Option<Self> {
        let (words, []) = record.as_chunks::<WORD>() else {
            return None;
        };
        let mut words = words.iter().map(|word| u32::from_le_bytes(*word));
        let mut pieces = HashMap::new();
        let mut count: u32 = 0;
        while let Some(word) = words.next() {
            if word & GIVEN_BACK != 0 {
                // It may have been there before the record began.
                pieces.remove(&(word ^ GIVEN_BACK));
            } else {
                pieces.insert(word, (count, words.next()?));
                count = count.checked_add(1)?;
            }
        }
        let mut numbers: Vec<u32> = pieces.values().map(|(number, _)| *number).collect();
        numbers.sort_unstable();
        let mut rooms = pieces.values().map(|(_, room)| *room);
        let bytes = rooms.try_fold(0_u32, u32::checked_add)?;
        Some(Lasting { numbers, bytes })
    }

    /// The numbers as the engine takes them.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let numbers = self.numbers.iter();
        numbers.flat_map(|number| number.to_le_bytes()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lasting(words: &[u32]) -> Option<(Vec<u32>, u32)> {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        Lasting::of(&bytes).map(|lasting| (lasting.numbers, lasting.bytes))
    }

    #[test]
    fn what_is_not_given_back_lasts() {
        assert_eq!(lasting(&[]), Some((vec![], 0)));
        // 64 is taken, given back and taken again; 128 stays; 512 was there before.
        let record = [64, 5, 128, 9, 64 | 1, 512 | 1, 64, 8, 256, 1, 256 | 1];
        assert_eq!(lasting(&record), Some((vec![1, 2], 17)));
    }

    #[test]
    fn a_record_that_breaks_off_is_none() {
        assert_eq!(lasting(&[64]), None);
        assert_eq!(Lasting::of(&[64, 0, 0]), None);
        assert_eq!(lasting(&[64, u32::MAX, 128, 1]), None);
    }
}
