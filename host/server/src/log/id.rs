//! Ids of records: UUID version 7, each greater than the one before, whatever the clock does.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use uuid::{Builder, Uuid};

/// Bits of a version 7 UUID that are neither time, version nor variant.
const RANDOM_BITS: u32 = 74;
const LOW_BITS: u32 = 62;

/// Makes ids. RFC 9562, section 6.2, method 2: within a millisecond the random part counts up in random steps.
#[derive(Debug, Default)]
pub(super) struct Ids {
    milliseconds: u64,
    random: u128,
}

impl Ids {
    /// Goes on behind an id.
    pub(super) fn after(id: &Uuid) -> Self {
        let bits = id.as_u128();
        let low = bits & ((1 << LOW_BITS) - 1);
        let high = (bits >> 64) & 0xfff;
        Ids {
            milliseconds: milliseconds(id),
            random: (high << LOW_BITS) | low,
        }
    }

    /// The time that the next id would have: never before that of the last one.
    pub(super) fn milliseconds(&self, now: i64) -> u64 {
        self.milliseconds.max(u64::try_from(now).unwrap_or(0))
    }

    /// The next id.
    pub(super) fn next(&mut self, now: i64) -> Uuid {
        let milliseconds = self.milliseconds(now);
        let fresh = fresh();
        if milliseconds > self.milliseconds {
            self.random = fresh;
        } else {
            // A step of 1 to 2^32; at the end of the millisecond's room on to the next.
            self.random += 1 + (fresh >> (RANDOM_BITS - 32));
        }
        self.milliseconds = milliseconds + u64::from(self.random >> RANDOM_BITS != 0);
        self.random &= (1 << RANDOM_BITS) - 1;
        let bits = (u128::from(self.milliseconds) << 80)
            | ((self.random >> LOW_BITS) << 64)
            | (self.random & ((1 << LOW_BITS) - 1));
        Builder::from_u128(bits)
            .with_variant(uuid::Variant::RFC4122)
            .with_version(uuid::Version::SortRand)
            .into_uuid()
    }
}

/// The time in an id, in milliseconds since the Unix epoch.
pub(super) fn milliseconds(id: &Uuid) -> u64 {
    u64::try_from(id.as_u128() >> 80).unwrap_or(u64::MAX)
}

/// Random bits without asking the operating system each time: its keys for hashing are random for each process and
/// thread, and never the same twice. No id is a secret.
fn fresh() -> u128 {
    let bits = || u128::from(RandomState::new().build_hasher().finish());
    (bits() << 64 | bits()) >> (u128::BITS - RANDOM_BITS)
}

#[cfg(test)]
mod tests {
    //! What the ids are in every weather.

    use super::*;

    #[test]
    fn each_id_is_greater_whatever_the_clock_does() {
        let mut ids = Ids::default();
        let mut last = Uuid::nil();
        for now in [
            5,
            5,
            5,
            6,
            1_700_000_000_000,
            3,
            -7,
            i64::MIN,
            1_700_000_000_001,
        ] {
            for _ in 0..1000 {
                let id = ids.next(now);
                assert!(id > last, "{id} {last}");
                assert_eq!(id.get_version_num(), 7);
                assert_eq!(id.get_variant(), uuid::Variant::RFC4122);
                last = id;
            }
        }
        assert_eq!(last.as_u128() >> 80, 1_700_000_000_001);
    }

    #[test]
    fn no_two_processes_would_agree_on_an_id() {
        let first = |_| Ids::default().next(5);
        let ids: std::collections::HashSet<Uuid> = (0..10_000).map(first).collect();
        assert_eq!(ids.len(), 10_000);
        // Every random bit is sometimes set, and sometimes not.
        let all = |both: fn(u128, u128) -> u128| {
            ids.iter()
                .map(Uuid::as_u128)
                .reduce(both)
                .unwrap_or_default()
        };
        let random = (0xfff << 64) | ((1 << LOW_BITS) - 1);
        assert_eq!(all(|a, b| a | b) & random, random);
        assert_eq!(all(|a, b| a & b) & random, 0);
    }

    #[test]
    fn a_restart_goes_on_behind_the_last_id() {
        let mut ids = Ids::default();
        let last = ids.next(1_700_000_000_000);
        let mut again = Ids::after(&last);
        assert_eq!(
            (again.milliseconds, again.random),
            (ids.milliseconds, ids.random)
        );
        assert!(again.next(1) > last);
    }

    #[test]
    fn a_full_millisecond_goes_over_into_the_next() {
        let mut ids = Ids {
            milliseconds: 7,
            random: (1 << RANDOM_BITS) - 1,
        };
        let id = ids.next(7);
        assert_eq!(id.as_u128() >> 80, 8);
        assert!(ids.next(7) > id);
    }
}
