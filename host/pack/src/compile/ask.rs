//! A module asked what it is, as a host would ask it, and trusted as little.

use wasmtime::{
    Config, Engine, Instance, Linker, Memory, Module, OptLevel, Store, StoreLimits,
    StoreLimitsBuilder, TypedFunc,
};

use crate::inspect::InspectError;

/// Far more than a description takes.
const MEMORY: usize = 64 << 20;
const FUEL: u64 = 1_000_000_000;

/// What a module for hosts without components says of itself: JSON, as a component's description. It is run for that,
/// within limits, and whatever it imports crashes when it is called.
///
/// # Errors
/// A module that does not say it.
pub fn describe(module: &[u8]) -> Result<Vec<u8>, InspectError> {
    run(module).map_err(|error| InspectError::NotDescribed(format!("{error:#}")))
}

fn run(module: &[u8]) -> wasmtime::Result<Vec<u8>> {
    let mut config = Config::new();
    config
        .cranelift_opt_level(OptLevel::None)
        .consume_fuel(true);
    let engine = Engine::new(&config)?;
    let module = Module::new(&engine, module)?;
    let mut linker = Linker::new(&engine);
    linker.define_unknown_imports_as_traps(&module)?;
    let limits = StoreLimitsBuilder::new().memory_size(MEMORY).build();
    let mut store: Store<StoreLimits> = Store::new(&engine, limits);
    store.limiter(|limits| limits);
    store.set_fuel(FUEL)?;
    let instance = linker.instantiate(&mut store, &module)?;
    let describe: TypedFunc<(), u64> = instance.get_typed_func(&mut store, "sod_describe")?;
    let answer = describe.call(&mut store, ())?;
    let memory = memory(&mut store, &instance)?;
    let (at, length) = (answer >> 32, answer & u64::from(u32::MAX));
    let text = memory
        .data(&store)
        .get(usize::try_from(at)?..)
        .and_then(|rest| rest.get(..usize::try_from(length).ok()?));
    Ok(text
        .ok_or_else(|| wasmtime::Error::msg("it points outside of its memory"))?
        .to_vec())
}

fn memory(store: &mut Store<StoreLimits>, instance: &Instance) -> wasmtime::Result<Memory> {
    instance
        .get_memory(store, "memory")
        .ok_or_else(|| wasmtime::Error::msg("it exports no memory"))
}
