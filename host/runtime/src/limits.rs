//! What a component may use, and who watches.

use std::sync::{Condvar, Mutex, PoisonError};

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
    free: Mutex<usize>,
    freed: Condvar,
}

/// A place in the pool, given back when dropped.
pub(crate) struct Place<'a>(&'a Gate);

impl Gate {
    pub(crate) fn new(places: usize) -> Self {
        Gate {
            free: Mutex::new(places),
            freed: Condvar::new(),
        }
    }

    pub(crate) fn enter(&self) -> Place<'_> {
        // A count is whole at every moment, so poison means nothing here.
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self
            .freed
            .wait_while(free, |free| *free == 0)
            .unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Place(self)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}
