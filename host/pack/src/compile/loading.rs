//! An engine that a bundle is being loaded into, or is loaded.

use wasmtime::{
    Engine, Instance, Linker, Memory, Module, Store, TypedFunc, WasmParams, WasmResults,
};

use super::CompileError;
use super::lasting::Lasting;
use super::target::Target;

/// Memory that a loaded pack may take: half of what hosts give to a decision.
const MAX_PAGES: u64 = 512;

/// The engine, instantiated without any import: what a proxy would give it crashes when it is called.
pub(super) struct Loading {
    pub(super) store: Store<()>,
    pub(super) instance: Instance,
}

/// Bytes in the engine's memory.
#[derive(Clone, Copy)]
struct Given {
    at: u32,
    length: u32,
}

impl Loading {
    pub(super) fn new(
        target: Target,
        sandbox: &Engine,
        module: &Module,
    ) -> Result<Self, CompileError> {
        let mut store = Store::new(sandbox, ());
        let mut linker = Linker::new(sandbox);
        let mut imports = module.imports().map(|import| import.module());
        if imports.all(|from| target.imports_from() == Some(from)) {
            linker
                .define_unknown_imports_as_traps(module)
                .map_err(CompileError::engine)?;
        }
        let instance = linker
            .instantiate(&mut store, module)
            .map_err(CompileError::engine)?;
        Ok(Loading { store, instance })
    }

    /// Loads a bundle, wherever in the memory.
    pub(super) fn run(&mut self, target: Target, bundle: &[u8]) -> Result<(), CompileError> {
        let bundle = self.give(bundle)?;
        self.load(target, bundle)?;
        self.fits()
    }

    /// Loads a bundle, and finds out what lasts of all that is made while loading. The record of it may be larger than
    /// the pack.
    pub(super) fn rehearse(
        mut self,
        target: Target,
        bundle: &[u8],
    ) -> Result<Lasting, CompileError> {
        let bundle = self.give(bundle)?;
        let record: TypedFunc<(), ()> = self.function("sod_load_record")?;
        record.call(&mut self.store, ()).map_err(failed)?;
        self.load(target, bundle)?;
        let recorded: TypedFunc<(), u64> = self.function("sod_load_recorded")?;
        let recorded = recorded.call(&mut self.store, ()).map_err(failed)?;
        let (at, length) = (recorded >> 32, recorded & u64::from(u32::MAX));
        let memory = self.memory()?.data(&self.store);
        let record = memory.get(at as usize..);
        let record = record.and_then(|rest| rest.get(..length as usize));
        let lasting = record.and_then(Lasting::of);
        lasting.ok_or_else(|| CompileError::engine("its record of loading is not one"))
    }

    /// Loads a bundle, with what lasts in one stretch, and without a trace of what was only given for loading.
    pub(super) fn perform(
        &mut self,
        target: Target,
        bundle: &[u8],
        lasting: &Lasting,
    ) -> Result<(), CompileError> {
        let bundle = self.give(bundle)?;
        let numbers = self.give(&lasting.to_bytes())?;
        let foretell: TypedFunc<(u32, u32, u32), ()> = self.function("sod_load_lasting")?;
        foretell
            .call(&mut self.store, (numbers.at, numbers.length, lasting.bytes))
            .map_err(failed)?;
        self.load(target, bundle)?;
        self.clear(numbers)?;
        self.clear(bundle)?;
        self.fits()
    }

    /// Puts bytes into memory of the engine's.
    fn give(&mut self, bytes: &[u8]) -> Result<Given, CompileError> {
        let length =
            u32::try_from(bytes.len()).map_err(|_| failed("the pack has more than 4 GiB"))?;
        let allocate: TypedFunc<u32, u32> = self.function("sod_load_alloc")?;
        let at = allocate.call(&mut self.store, length).map_err(failed)?;
        self.memory()?
            .write(&mut self.store, at as usize, bytes)
            .map_err(failed)?;
        Ok(Given { at, length })
    }

    fn clear(&mut self, given: Given) -> Result<(), CompileError> {
        let nothing = vec![0; given.length as usize];
        self.memory()?
            .write(&mut self.store, given.at as usize, &nothing)
            .map_err(failed)
    }

    fn load(&mut self, target: Target, bundle: Given) -> Result<(), CompileError> {
        let load: TypedFunc<(u32, u32), u32> = self.function(target.loader())?;
        let refused = load
            .call(&mut self.store, (bundle.at, bundle.length))
            .map_err(failed)?;
        if refused != 0 {
            let message = self.error()?;
            return Err(CompileError::Refused { message });
        }
        Ok(())
    }

    /// Whether hosts will give it so much memory.
    fn fits(&mut self) -> Result<(), CompileError> {
        let pages = self.memory()?.size(&self.store);
        let limit = MAX_PAGES;
        if pages > limit {
            return Err(CompileError::TooLarge { pages, limit });
        }
        Ok(())
    }

    /// What the engine has to say about a pack that it refuses.
    fn error(&mut self) -> Result<String, CompileError> {
        let at: TypedFunc<(), u32> = self.function("sod_error_ptr")?;
        let length: TypedFunc<(), u32> = self.function("sod_error_len")?;
        let at = at.call(&mut self.store, ()).map_err(failed)? as usize;
        let length = length.call(&mut self.store, ()).map_err(failed)? as usize;
        let memory = self.memory()?.data(&self.store);
        let text = memory.get(at..).and_then(|rest| rest.get(..length));
        Ok(String::from_utf8_lossy(text.unwrap_or_default()).into_owned())
    }

    pub(super) fn function<P: WasmParams, R: WasmResults>(
        &mut self,
        name: &str,
    ) -> Result<TypedFunc<P, R>, CompileError> {
        self.instance
            .get_typed_func(&mut self.store, name)
            .map_err(CompileError::engine)
    }

    pub(super) fn memory(&mut self) -> Result<Memory, CompileError> {
        self.instance
            .get_memory(&mut self.store, "memory")
            .ok_or_else(|| CompileError::engine("it exports no memory"))
    }
}

pub(super) fn failed(error: impl std::fmt::Display) -> CompileError {
    CompileError::Failed {
        message: format!("{error:#}"),
    }
}
