//! A host of plain core modules, as docs/modules.md has it.

use serde_json::value::RawValue;
use serde_json::{Value, json};
use wasmtime::{Engine as Wasm, Instance, Memory, Module, Store, TypedFunc};

use crate::engines::Engine;

/// A core module, of which every decision gets an instance of its own.
pub(crate) struct CoreModule {
    wasm: Wasm,
    module: Module,
}

/// One instance.
pub(crate) struct Running {
    pub(crate) store: Store<()>,
    pub(crate) memory: Memory,
    instance: Instance,
}

impl CoreModule {
    pub(crate) fn new(wasm: Wasm, bytes: &[u8]) -> Self {
        let module = Module::new(&wasm, bytes).unwrap();
        assert_eq!(module.imports().count(), 0);
        CoreModule { wasm, module }
    }

    pub(crate) fn start(&self) -> Running {
        let mut store = Store::new(&self.wasm, ());
        let instance = Instance::new(&mut store, &self.module, &[]).unwrap();
        let version = instance.get_global(&mut store, "sod_abi_0_1_0").unwrap();
        assert_eq!(version.get(&mut store).i32(), Some(1));
        let memory = instance.get_memory(&mut store, "memory").unwrap();
        Running {
            store,
            memory,
            instance,
        }
    }
}

impl Running {
    fn function<P: wasmtime::WasmParams, R: wasmtime::WasmResults>(
        &mut self,
        name: &str,
    ) -> TypedFunc<P, R> {
        self.instance.get_typed_func(&mut self.store, name).unwrap()
    }

    pub(crate) fn alloc(&mut self, len: u32) -> u32 {
        let alloc = self.function("sod_alloc");
        alloc.call(&mut self.store, len).unwrap()
    }

    pub(crate) fn free(&mut self, at: u32) {
        let free: TypedFunc<u32, ()> = self.function("sod_free");
        free.call(&mut self.store, at).unwrap();
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> u32 {
        let at = self.alloc(u32::try_from(bytes.len()).unwrap());
        assert_ne!(at, 0);
        self.memory
            .write(&mut self.store, at as usize, bytes)
            .unwrap();
        at
    }

    /// What `sod_decide` makes of these bytes of memory, and gives its room back.
    pub(crate) fn decide_at(&mut self, at: u32, len: u32) -> wasmtime::Result<Vec<u8>> {
        let decide: TypedFunc<(u32, u32), u64> = self.function("sod_decide");
        let answer = decide.call(&mut self.store, (at, len))?;
        Ok(self.take(answer))
    }

    pub(crate) fn decide(&mut self, request: &[u8]) -> Vec<u8> {
        let at = self.write(request);
        let len = u32::try_from(request.len()).unwrap();
        let answer = self.decide_at(at, len).unwrap();
        self.free(at);
        answer
    }

    pub(crate) fn describe(&mut self) -> Vec<u8> {
        let describe: TypedFunc<(), u64> = self.function("sod_describe");
        let answer = describe.call(&mut self.store, ()).unwrap();
        self.take(answer)
    }

    fn take(&mut self, answer: u64) -> Vec<u8> {
        let at = u32::try_from(answer >> 32).unwrap();
        let len = usize::try_from(answer & u64::from(u32::MAX)).unwrap();
        let bytes = self.memory.data(&self.store)[at as usize..][..len].to_vec();
        self.free(at);
        bytes
    }
}

/// The verdict of an answer byte for byte, or the message of a fault.
pub(crate) fn verdict(answer: &[u8]) -> Result<String, String> {
    let value: Value = serde_json::from_slice(answer).unwrap();
    if let Some(fault) = value.get("fault") {
        assert_eq!(value, json!({ "fault": fault }));
        return Err(fault["message"].as_str().unwrap().to_owned());
    }
    let outer: std::collections::BTreeMap<String, Box<RawValue>> =
        serde_json::from_slice(answer).unwrap();
    assert_eq!(outer.keys().collect::<Vec<_>>(), ["verdict"]);
    Ok(outer["verdict"].get().to_owned())
}

impl Engine for CoreModule {
    fn name(&self) -> &'static str {
        "core module"
    }

    fn decide(&self, request: &[u8]) -> Result<String, String> {
        verdict(&self.start().decide(request))
    }
}
