//! The engine with a pack loaded, as a module that begins there.

use std::pin::pin;
use std::sync::OnceLock;
use std::task::{Context, Poll, Waker};

use wasmtime::{Config, Engine, Module, OptLevel, Strategy, Val};
use wasmtime_wizer::{InstanceState, SnapshotVal, ValType, Wizer};

use super::CompileError;
use super::loading::Loading;
use super::target::Target;

/// Instantiates the engine without any import, loads the bundle, and keeps the state.
pub(super) fn load(target: Target, engine: &[u8], bundle: &[u8]) -> Result<Vec<u8>, CompileError> {
    let mut wizer = Wizer::new();
    wizer.init_func(target.loader());
    let (context, instrumented) = wizer.instrument(engine).map_err(CompileError::engine)?;
    let code = code(target, engine, &instrumented)?;
    let mut reading = Reading {
        loaded: code.load(target, bundle)?,
        unreadable: None,
    };
    let snapshot = ready(wizer.snapshot(&context, &mut reading));
    match (snapshot, reading.unreadable) {
        (Some(Ok(snapshot)), None) => Ok(snapshot),
        (Some(Err(error)), _) => Err(CompileError::engine(error)),
        (_, name) => {
            let name = name.unwrap_or_default();
            Err(CompileError::engine(format!(
                "its state `{name}` cannot be read"
            )))
        }
    }
}

/// An engine as machine code.
#[derive(Clone)]
struct Code {
    sandbox: Engine,
    module: Module,
}

impl Code {
    /// Loads the bundle twice: what is learnt from the first time is used for the second.
    fn load(&self, target: Target, bundle: &[u8]) -> Result<Loading, CompileError> {
        let instance = || Loading::new(target, &self.sandbox, &self.module);
        let lasting = instance()?.rehearse(target, bundle)?;
        let mut loaded = instance()?;
        loaded.perform(target, bundle, &lasting)?;
        Ok(loaded)
    }
}

/// The engines of this build, compiled once however many packs are.
static CODE: [OnceLock<Code>; Target::ALL.len()] = [const { OnceLock::new() }; Target::ALL.len()];

fn code(target: Target, engine: &[u8], instrumented: &[u8]) -> Result<Code, CompileError> {
    let kept = CODE.get(target as usize);
    let kept = kept.filter(|_| std::ptr::eq(engine, target.engine()));
    if let Some(code) = kept.and_then(OnceLock::get) {
        return Ok(code.clone());
    }
    let sandbox = sandbox().map_err(CompileError::engine)?;
    let module = Module::new(&sandbox, instrumented)
        .map_err(|error| CompileError::engine(format!("{error:#}")))?;
    let code = Code { sandbox, module };
    Ok(match kept {
        Some(kept) => kept.get_or_init(|| code).clone(),
        None => code,
    })
}

/// The code runs once: compiling it fast is worth more than fast code.
fn sandbox() -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    config
        .strategy(Strategy::Cranelift)
        .cranelift_opt_level(OptLevel::None)
        .generate_address_map(false)
        .memory_init_cow(false);
    Engine::new(&config)
}

/// A loaded engine whose state is being read.
struct Reading {
    loaded: Loading,
    /// Name of a piece of state that could not be read: then the snapshot is void.
    unreadable: Option<String>,
}

impl InstanceState for Reading {
    async fn global_get(&mut self, name: &str, _: ValType) -> SnapshotVal {
        let Loading { store, instance } = &mut self.loaded;
        let global = instance.get_global(&mut *store, name);
        match global.map(|global| global.get(store)) {
            Some(Val::I32(value)) => SnapshotVal::I32(value),
            Some(Val::I64(value)) => SnapshotVal::I64(value),
            Some(Val::F32(value)) => SnapshotVal::F32(value),
            Some(Val::F64(value)) => SnapshotVal::F64(value),
            Some(Val::V128(value)) => SnapshotVal::V128(value.as_u128()),
            _ => {
                self.unreadable = Some(name.to_owned());
                SnapshotVal::I32(0)
            }
        }
    }

    async fn memory_contents(&mut self, name: &str, contents: impl FnOnce(&[u8]) + Send) {
        let Loading { store, instance } = &mut self.loaded;
        match instance.get_memory(&mut *store, name) {
            Some(memory) => contents(memory.data(store)),
            None => {
                self.unreadable = Some(name.to_owned());
                contents(&[]);
            }
        }
    }
}

/// The result of a future that has nothing to wait for: all of the above answers at once.
fn ready<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::path::Path;

    use wasmtime::{Instance, Store};

    use super::*;
    use crate::pack::Pack;

    /// An engine in little: `load` is the body of its load function. Its record takes more memory than a pack may.
    fn engine(memory: &str, load: &str) -> Vec<u8> {
        let text = format!(
            r#"(module
                (memory (export "memory") {memory})
                (global $loaded (export "loaded") (mut i32) (i32.const 0))
                (data (i32.const 16) "no such type")
                (func (export "sod_load_alloc") (param i32) (result i32) (i32.const 1024))
                (func (export "sod_load") (param $at i32) (param $length i32) (result i32) {load})
                (func (export "sod_load_record") (drop (memory.grow (i32.const 600))))
                (func (export "sod_load_recorded") (result i64) (i64.const 0))
                (func (export "sod_load_lasting") (param i32 i32 i32))
                (func (export "sod_error_ptr") (result i32) (i32.const 16))
                (func (export "sod_error_len") (result i32) (i32.const 12)))"#
        );
        wat::parse_str(text).unwrap()
    }

    #[test]
    fn what_the_load_leaves_in_memory_and_globals_is_there_from_the_start() {
        let load = "(global.set $loaded (local.get $length))
            (i32.store (i32.const 2048) (i32.load (local.get $at)))
            (i32.const 0)";
        let snapshot = load_text(load).unwrap();
        let sandbox = sandbox().unwrap();
        let module = Module::new(&sandbox, snapshot).unwrap();
        let mut store = Store::new(&sandbox, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let loaded = instance.get_global(&mut store, "loaded").unwrap();
        assert_eq!(loaded.get(&mut store).i32(), Some(6));
        let memory = instance.get_memory(&mut store, "memory").unwrap();
        assert_eq!(memory.data(&store).get(2048..2052), Some(&b"bund"[..]));
        // What was only given for loading is gone.
        assert_eq!(memory.data(&store).get(1024..1030), Some(&[0; 6][..]));
        assert!(instance.get_func(&mut store, "sod_load").is_none());
    }

    fn load_text(load: &str) -> Result<Vec<u8>, CompileError> {
        super::load(Target::Component, &engine("1", load), b"bundle")
    }

    #[test]
    fn what_the_first_load_foretells_of_the_second_is_true() {
        for path in ["policies/protected-deploy", "tests/benches/cerbos/sod/pack"] {
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
            let pack = Pack::open(root.join(path)).unwrap();
            let bundle = serde_json::to_vec(&pack.bundle()).unwrap();
            for target in Target::ALL {
                let (_, instrumented) = Wizer::new().instrument(target.engine()).unwrap();
                let code = code(target, target.engine(), &instrumented).unwrap();
                let mut loaded = code.load(target, &bundle).unwrap();
                let missed = loaded.function::<(), u32>("sod_load_missed").unwrap();
                assert_eq!(
                    missed.call(&mut loaded.store, ()).unwrap(),
                    0,
                    "{path} {target}"
                );
            }
        }
    }

    #[test]
    fn a_pack_that_the_engine_does_not_take_is_no_component() {
        let refused = load_text("(i32.const 1)").unwrap_err().to_string();
        assert_eq!(refused, "the engine refuses the pack: no such type");
        let trapped = load_text("unreachable").unwrap_err();
        assert!(matches!(trapped, CompileError::Failed { .. }), "{trapped}");
        let endless = load_text("(call 1 (i32.const 0) (i32.const 0))").unwrap_err();
        assert!(matches!(endless, CompileError::Failed { .. }), "{endless}");
        let grows = load_text("(drop (memory.grow (i32.const 600))) (i32.const 0)").unwrap_err();
        assert!(
            matches!(grows, CompileError::TooLarge { pages: 601, .. }),
            "{grows}"
        );
    }

    #[test]
    fn an_engine_that_imports_or_lacks_something_is_not_used() {
        let imports = r#"(module (import "env" "now" (func)) (memory (export "memory") 1))"#;
        for text in [
            imports,
            "(module)",
            r#"(module (memory (export "memory") 1))"#,
        ] {
            let error =
                super::load(Target::Component, &wat::parse_str(text).unwrap(), b"").unwrap_err();
            assert!(
                matches!(error, CompileError::Engine { .. }),
                "{text}: {error}"
            );
        }
        assert!(matches!(
            super::load(Target::Component, b"engine", b""),
            Err(CompileError::Engine { .. })
        ));
    }
}
