//! The sandbox, set up once per process.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use wasmtime::component::{Component, InstancePre, Linker};
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, WasmFeatures,
};

use crate::bindings::PolicyPre;
use crate::cache::{Cache, CacheError, CacheLocation, Code};
use crate::digest::Digest;
use crate::error::{BuildError, OpenError, chain};
use crate::limits::{Gate, Limiter, Limits, TABLE_ELEMENTS};
use crate::policy::Policy;

/// Bytes of an instance's memory that stay with the process for the next one.
/// What a usual decision writes to; more would only have to be cleared.
const KEEP_RESIDENT: usize = 1 << 20;

/// What compiled Rust uses, and nothing whose result differs between machines
/// (relaxed SIMD) or that a policy has no use for (threads, 64-bit memory, ...).
/// Named, not left to default: another crate of the same build may switch on
/// features of wasmtime, and that must not change what is accepted here.
const FEATURES: WasmFeatures = WasmFeatures::MUTABLE_GLOBAL
    .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::REFERENCE_TYPES)
    .union(WasmFeatures::MULTI_VALUE)
    .union(WasmFeatures::BULK_MEMORY)
    .union(WasmFeatures::SIMD)
    .union(WasmFeatures::FLOATS)
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::COMPONENT_MODEL);

/// The sandbox that policies run in. Make one per process; clones are the same one.
#[derive(Clone)]
pub struct Runtime {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) engine: Engine,
    linker: Linker<Limiter>,
    cache: Result<Cache, CacheError>,
    pub(crate) limits: Limits,
    pub(crate) gate: Gate,
}

/// A runtime to be: every setting has a default, and [`build`](Self::build)
/// refuses settings that contradict each other.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct RuntimeBuilder {
    limits: Limits,
    cache: CacheLocation,
    code: Code,
}

impl RuntimeBuilder {
    /// Bytes of memory for one decision; 64 MiB by default.
    pub fn memory_limit(mut self, bytes: usize) -> Self {
        self.limits.memory = bytes;
        self
    }

    /// Fuel for one decision: about one unit per WebAssembly instruction.
    ///
    /// The default of 5,000,000,000 is twice what 16 MiB of evidence take, and
    /// about half a second of ordinary code. Code made to miss every cache can
    /// stretch it to a minute. Fuel, unlike time, is the same on every machine
    /// and under every load.
    pub fn fuel_limit(mut self, units: u64) -> Self {
        self.limits.fuel = units;
        self
    }

    /// Bytes of stack for one decision, 512 KiB by default, at most 1 MiB.
    ///
    /// It is the calling thread's stack. A thread that decides needs at least
    /// twice as much; Rust's own threads have 2 MiB.
    pub fn stack_limit(mut self, bytes: usize) -> Self {
        self.limits.stack = bytes;
        self
    }

    /// Bytes of all strings of a request together; 16 MiB by default.
    pub fn input_limit(mut self, bytes: usize) -> Self {
        self.limits.input = bytes;
        self
    }

    /// Bytes of a verdict as the host holds it; 1 MiB by default.
    pub fn output_limit(mut self, bytes: usize) -> Self {
        self.limits.output = bytes;
        self
    }

    /// Bytes of a component; 64 MiB by default.
    ///
    /// Compiling has no other limit. Open components of unknown origin with an
    /// expected digest, or in a process of their own.
    pub fn component_limit(mut self, bytes: usize) -> Self {
        self.limits.component = bytes;
        self
    }

    /// Decisions at once, by default two per processor; further ones wait.
    /// Each takes 4 GiB of address space (not of memory).
    pub fn concurrency(mut self, decisions: usize) -> Self {
        self.limits.concurrency = decisions;
        self
    }

    /// Where compiled code is kept.
    pub fn cache(mut self, location: CacheLocation) -> Self {
        self.cache = location;
        self
    }

    /// For many decisions in one process: compiled code is read from the cache
    /// into memory, not mapped.
    ///
    /// Opening a component of 4 MB then takes 8 ms more, and each of its
    /// decisions 2 to 3 us less: of a file that large the system maps whole
    /// stretches where one page is touched, and after a decision every page
    /// that is mapped is looked at.
    pub fn for_many_decisions(mut self) -> Self {
        self.code = Code::Read;
        self
    }

    /// Sets the sandbox up.
    ///
    /// # Errors
    /// Limits that contradict each other, a cache directory that was asked for
    /// and is not safe, a machine without the address space.
    pub fn build(self) -> Result<Runtime, BuildError> {
        self.limits.check()?;
        let engine = Engine::new(&config(&self.limits))
            .map_err(|e| BuildError::Sandbox { message: chain(&e) })?;
        let asked_for = matches!(self.cache, CacheLocation::Directory(_));
        let cache = match Cache::open(self.cache, self.code, &engine) {
            Err(error) if asked_for => return Err(error.into()),
            cache => cache,
        };
        let linker = Linker::new(&engine);
        let gate = Gate::new(self.limits.concurrency);
        Ok(Runtime {
            inner: Arc::new(Inner {
                engine,
                linker,
                cache,
                limits: self.limits,
                gate,
            }),
        })
    }
}

fn config(limits: &Limits) -> Config {
    let mut config = Config::new();
    config
        .wasm_features(WasmFeatures::all(), false)
        .wasm_features(FEATURES, true)
        .concurrency_support(false)
        .consume_fuel(true)
        .max_wasm_stack(limits.stack)
        // A NaN's bits are the one thing left that may differ between machines.
        .cranelift_nan_canonicalization(true)
        // Nobody reads traces of a snapshot without names; without them there is less to map.
        .wasm_backtrace_max_frames(None)
        .native_unwind_info(false)
        .generate_address_map(false)
        .debug_symbols(false)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool(limits)));
    config
}

/// Room for every decision that may run at once. One memory each, so that the
/// cap on a memory is the cap on a decision.
fn pool(limits: &Limits) -> PoolingAllocationConfig {
    const CORE_INSTANCES: u32 = 8;
    const TABLES: u32 = 4;
    let places = u32::try_from(limits.concurrency).unwrap_or(u32::MAX);
    // With a page map scan only the pages that a decision wrote to are reset.
    // Without (Linux before 6.7, other systems) every page that is kept is,
    // which costs more than handing them back to the kernel.
    let keep = if PoolingAllocationConfig::is_pagemap_scan_available() {
        KEEP_RESIDENT
    } else {
        0
    };
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(places)
        .total_core_instances(places.saturating_mul(CORE_INSTANCES))
        .total_memories(places)
        .total_tables(places.saturating_mul(TABLES))
        .max_core_instances_per_component(CORE_INSTANCES)
        .max_memories_per_component(1)
        .max_tables_per_component(TABLES)
        .max_tables_per_module(TABLES)
        .table_elements(TABLE_ELEMENTS)
        .max_memory_size(limits.memory)
        .linear_memory_keep_resident(keep.min(limits.memory))
        .table_keep_resident(keep.min(TABLE_ELEMENTS * size_of::<usize>()))
        .pagemap_scan(Enabled::Auto);
    pool
}

impl Runtime {
    /// A runtime with default limits and the user's cache directory.
    ///
    /// # Errors
    /// A machine without the address space.
    pub fn new() -> Result<Self, BuildError> {
        Self::builder().build()
    }

    /// A runtime with settings of its own.
    pub fn builder() -> RuntimeBuilder {
        RuntimeBuilder::default()
    }

    /// Where compiled code is kept, or why it is not.
    ///
    /// # Errors
    /// Not an error of this call: what stood against a cache when the runtime was built.
    pub fn cache(&self) -> Result<&Path, &CacheError> {
        self.inner.cache.as_ref().map(Cache::directory)
    }

    /// Opens the component at `path`.
    ///
    /// Whoever can write to the file decides what will be decided. Where that
    /// is somebody else, use [`open_pinned`](Self::open_pinned).
    ///
    /// # Errors
    /// Anything that is not a policy component which can say what it is.
    pub fn open(&self, path: impl AsRef<Path>) -> Result<Policy, OpenError> {
        self.load(&self.read(path.as_ref())?)
    }

    /// Opens the component at `path` if its digest is `expected`.
    ///
    /// # Errors
    /// As [`open`](Self::open), and [`OpenError::DigestMismatch`] before anything else is looked at.
    pub fn open_pinned(
        &self,
        path: impl AsRef<Path>,
        expected: &Digest,
    ) -> Result<Policy, OpenError> {
        self.load_pinned(&self.read(path.as_ref())?, expected)
    }

    /// Opens a component from memory.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn load(&self, bytes: &[u8]) -> Result<Policy, OpenError> {
        self.load_digested(bytes, Digest::of(bytes))
    }

    /// Opens a component from memory if its digest is `expected`.
    ///
    /// # Errors
    /// As [`open_pinned`](Self::open_pinned).
    pub fn load_pinned(&self, bytes: &[u8], expected: &Digest) -> Result<Policy, OpenError> {
        let actual = Digest::of(bytes);
        if actual != *expected {
            return Err(OpenError::DigestMismatch {
                expected: *expected,
                actual,
            });
        }
        self.load_digested(bytes, actual)
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, OpenError> {
        let unreadable = |source| OpenError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(unreadable)?;
        let length = file.metadata().map_err(unreadable)?.len();
        // One byte more than allowed is enough to know; what is no plain file has no true length.
        let most = self.inner.limits.component as u64 + 1;
        let mut bytes = Vec::with_capacity(usize::try_from(length.min(most)).unwrap_or_default());
        file.take(most)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        Ok(bytes)
    }

    fn load_digested(&self, bytes: &[u8], digest: Digest) -> Result<Policy, OpenError> {
        let limit = self.inner.limits.component;
        if bytes.len() > limit {
            return Err(OpenError::TooLarge { limit });
        }
        check_header(bytes)?;
        let (component, from_cache) = self.compile(bytes, &digest)?;
        let pre = self.link(&component)?;
        Policy::new(self.clone(), pre, digest, from_cache)
    }

    /// Compiled code from the cache, or fresh and then cached.
    fn compile(&self, bytes: &[u8], digest: &Digest) -> Result<(Component, bool), OpenError> {
        let engine = &self.inner.engine;
        let cache = self.inner.cache.as_ref().ok();
        if let Some(component) = cache.and_then(|cache| cache.load(engine, digest)) {
            return Ok((component, true));
        }
        let component = Component::from_binary(engine, bytes)
            .map_err(|e| OpenError::Invalid { message: chain(&e) })?;
        if let Some(cache) = cache {
            cache.store(digest, &component);
        }
        Ok((component, false))
    }

    /// Against a linker that offers nothing.
    fn link(&self, component: &Component) -> Result<InstancePre<Limiter>, OpenError> {
        let names: Vec<String> = component
            .component_type()
            .imports(&self.inner.engine)
            .map(|(name, _)| name.to_owned())
            .collect();
        if !names.is_empty() {
            return Err(OpenError::Imports { names });
        }
        let not_a_policy = |e: wasmtime::Error| OpenError::NotAPolicy { message: chain(&e) };
        let pre = self
            .inner
            .linker
            .instantiate_pre(component)
            .map_err(not_a_policy)?;
        // That it exports what a policy does.
        PolicyPre::new(pre.clone()).map_err(not_a_policy)?;
        Ok(pre)
    }
}

/// What the first eight bytes say, which the compiler would say less clearly.
fn check_header(bytes: &[u8]) -> Result<(), OpenError> {
    const MODULE: &[u8] = b"\0asm\x01\0\0\0";
    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
    let found = match bytes.get(..8) {
        Some(COMPONENT) => return Ok(()),
        Some(MODULE) => "it is a core module",
        Some(other) if other.starts_with(b"\0asm") => "it is of another version of WebAssembly",
        _ if bytes.is_empty() => "it is empty",
        _ => "it is something else",
    };
    Err(OpenError::NotAComponent { found })
}
