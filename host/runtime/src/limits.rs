//! What a component may use, and who watches.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use wasmtime::ResourceLimiter;

use crate::error::BuildError;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// No table of a policy engine comes near this many functions.
pub(crate) const TABLE_ELEMENTS: usize = 20_000;
/// A description lists every policy with its annotations; it is read once.
pub(crate) const DESCRIPTION_BYTES: usize = 16 * MIB;

/// Bounds on one decision, on the component, and on how many run at once.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    pub(crate) memory: usize,
    pub(crate) fuel: u64,
    pub(crate) stack: usize,
    pub(crate) input: usize,
    pub(crate) output: usize,
    pub(crate) component: usize,
    pub(crate) concurrency: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            memory: 64 * MIB,
            fuel: 5_000_000_000,
            stack: 512 * KIB,
            input: 16 * MIB,
            output: MIB,
            component: 64 * MIB,
            concurrency: std::thread::available_parallelism()
                .map_or(1, usize::from)
                .saturating_mul(2),
        }
    }
}

impl Limits {
    /// Refuses bounds under which nothing, or not everything promised, could be decided.
    pub(crate) fn check(&self) -> Result<(), BuildError> {
        let fuel = usize::try_from(self.fuel).unwrap_or(usize::MAX);
        let ranges = [
            ("memory", self.memory, 64 * KIB, 2048 * MIB),
            ("fuel", fuel, 1, usize::MAX),
            ("stack", self.stack, 64 * KIB, MIB),
            ("input", self.input, 1, self.memory),
            ("output", self.output, KIB, self.memory),
            ("component", self.component, 8, usize::MAX),
            ("concurrency", self.concurrency, 1, 1000),
        ];
        match ranges
            .into_iter()
            .find(|(_, value, least, most)| !(least..=most).contains(&value))
        {
            Some((limit, value, least, most)) => Err(BuildError::Limit {
                limit,
                value,
                least,
                most,
            }),
            None => Ok(()),
        }
    }
}

/// Watches the growth of one instance.
#[derive(Debug)]
pub(crate) struct Limiter {
    pub(crate) memory: usize,
}

/// The component asked for more memory than it may have.
#[derive(Debug, thiserror::Error)]
#[error("more memory than allowed")]
pub(crate) struct MemoryExceeded;

impl ResourceLimiter for Limiter {
    // An error stops the component at once. Were it told that the growth
    // failed it would abort as if by a defect, and the cause would be lost.
    fn memory_growing(
        &mut self,
        _: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if desired > self.memory {
            Err(MemoryExceeded.into())
        } else {
            Ok(true)
        }
    }

    fn table_growing(
        &mut self,
        _: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if desired > TABLE_ELEMENTS {
            Err(MemoryExceeded.into())
        } else {
            Ok(true)
        }
    }
}

/// Lets as many decisions run as the pool has room for; the others wait.
#[derive(Debug)]
pub(crate) struct Gate {
    places: Mutex<Places>,
    freed: Condvar,
}

#[derive(Debug)]
struct Places {
    free: usize,
    /// Who waits for one. To wake somebody is a call of the system, whether there is somebody or not.
    waiting: usize,
}

/// A place in the pool, given back when dropped.
pub(crate) struct Place<'a>(&'a Gate);

impl Gate {
    pub(crate) fn new(places: usize) -> Self {
        Gate {
            places: Mutex::new(Places {
                free: places,
                waiting: 0,
            }),
            freed: Condvar::new(),
        }
    }

    pub(crate) fn enter(&self) -> Place<'_> {
        let mut places = self.places();
        while places.free == 0 {
            places.waiting += 1;
            places = self
                .freed
                .wait(places)
                .unwrap_or_else(PoisonError::into_inner);
            places.waiting -= 1;
        }
        places.free -= 1;
        Place(self)
    }

    /// Counts are whole at every moment, so poison means nothing here.
    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut places = self.0.places();
        places.free += 1;
        let waiting = places.waiting > 0;
        drop(places);
        if waiting {
            self.0.freed.notify_one();
        }
    }
}
