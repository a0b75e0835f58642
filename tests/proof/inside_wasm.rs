//! The same comparison with the engine where it really runs: inside Wasm.
//!
//! Each random policy set is loaded as the pack compiler loads it, and asked
//! through the contract's canonical ABI, laid out by hand so that a new
//! component need not be compiled for every set.

use std::collections::BTreeMap;

use fastrand::Rng;
use sod_core::Request;
use sod_tests::native::Native;
use sod_tests::random;
use wasmtime::{Config, Engine, Instance, Memory, Module, OptLevel, Store, TypedFunc};

use crate::index_equals_cedar::{Answer, answer_of_reasons, reference};

const DECIDE: &str = "sod:policy/authorizer@0.1.0#decide";
/// Size and alignment of the record `request`.
const REQUEST: (usize, i32) = (104, 8);
/// Size of the record `reason`.
const REASON: usize = 36;

struct Loaded {
    store: Store<()>,
    memory: Memory,
    realloc: TypedFunc<(i32, i32, i32, i32), i32>,
    decide: TypedFunc<i32, i32>,
    post: TypedFunc<i32, ()>,
}

impl Loaded {
    fn new(engine: &Engine, module: &Module, bundle: &[u8]) -> Self {
        let mut store = Store::new(engine, ());
        let instance = Instance::new(&mut store, module, &[]).unwrap();
        let memory = instance.get_memory(&mut store, "memory").unwrap();
        let alloc: TypedFunc<i32, i32> = instance.get_typed_func(&mut store, "sod_alloc").unwrap();
        let load: TypedFunc<(i32, i32), i32> =
            instance.get_typed_func(&mut store, "sod_load").unwrap();
        let length = i32::try_from(bundle.len()).unwrap();
        let at = alloc.call(&mut store, length).unwrap();
        memory
            .write(&mut store, usize::try_from(at).unwrap(), bundle)
            .unwrap();
        assert_eq!(
            load.call(&mut store, (at, length)).unwrap(),
            0,
            "the engine refuses the pack"
        );
        Loaded {
            realloc: instance.get_typed_func(&mut store, "cabi_realloc").unwrap(),
            decide: instance.get_typed_func(&mut store, DECIDE).unwrap(),
            post: instance
                .get_typed_func(&mut store, &format!("cabi_post_{DECIDE}"))
                .unwrap(),
            memory,
            store,
        }
    }

    fn allocate(&mut self, size: usize, align: i32) -> usize {
        let size = i32::try_from(size).unwrap();
        let at = self
            .realloc
            .call(&mut self.store, (0, 0, align, size))
            .unwrap();
        usize::try_from(at).unwrap()
    }

    fn text(&mut self, text: &str) -> [u8; 8] {
        let at = self.allocate(text.len(), 1);
        self.memory
            .write(&mut self.store, at, text.as_bytes())
            .unwrap();
        let mut pair = [0; 8];
        pair[..4].copy_from_slice(&u32::try_from(at).unwrap().to_le_bytes());
        pair[4..].copy_from_slice(&u32::try_from(text.len()).unwrap().to_le_bytes());
        pair
    }

    /// Lowers a request without `now` and `evidence`.
    fn lower(&mut self, request: &Request) -> usize {
        let mut record = [0_u8; REQUEST.0];
        let uids = [&request.principal, &request.action, &request.resource];
        for (n, uid) in uids.into_iter().enumerate() {
            record[n * 16..n * 16 + 8].copy_from_slice(&self.text(&uid.type_name));
            record[n * 16 + 8..n * 16 + 16].copy_from_slice(&self.text(&uid.id));
        }
        for (at, text) in [(76, &request.entities), (88, &request.context)] {
            if let Some(text) = text {
                record[at] = 1;
                record[at + 4..at + 12].copy_from_slice(&self.text(text));
            }
        }
        let at = self.allocate(REQUEST.0, REQUEST.1);
        self.memory.write(&mut self.store, at, &record).unwrap();
        at
    }

    fn word(&self, at: usize) -> usize {
        let bytes = &self.memory.data(&self.store)[at..at + 4];
        u32::from_le_bytes(bytes.try_into().unwrap()) as usize
    }

    fn string(&self, at: usize) -> String {
        let (start, length) = (self.word(at), self.word(at + 4));
        let bytes = &self.memory.data(&self.store)[start..start + length];
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    fn answer(&mut self, request: &Request) -> Answer {
        let lowered = i32::try_from(self.lower(request)).unwrap();
        let returned = self.decide.call(&mut self.store, lowered).unwrap();
        let at = usize::try_from(returned).unwrap();
        let byte = |at: usize| self.memory.data(&self.store)[at];
        assert_eq!(byte(at), 0, "a fault: {}", self.string(at + 8));
        let allow = byte(at + 4) == 0;
        let (reasons, count) = (self.word(at + 8), self.word(at + 12));
        let reasons = (0..count).map(|n| reasons + n * REASON).map(|at| {
            let policy = (byte(at + 8) == 1).then(|| self.string(at + 12));
            (self.string(at), policy)
        });
        let answer = answer_of_reasons(allow, reasons.collect());
        self.post.call(&mut self.store, returned).unwrap();
        answer
    }
}

#[test]
fn the_engine_inside_wasm_equals_plain_cedar_100_000_times() {
    let mut config = Config::new();
    config.cranelift_opt_level(OptLevel::Speed);
    let engine = Engine::new(&config).unwrap();
    let module = Module::new(&engine, sod_pack::engine_module()).unwrap();
    let mut kinds = BTreeMap::<(bool, bool, bool), usize>::new();
    let mut pairs = 0;
    for seed in 1_000_000..1_002_000 {
        let mut rng = Rng::with_seed(seed);
        let most = if seed % 20 == 0 { 150 } else { 10 };
        let bundle = random::bundle(&mut rng, most);
        let cedar = Native::new(&bundle);
        let json = serde_json::to_vec(&bundle).unwrap();
        let mut loaded = Loaded::new(&engine, &module, &json);
        for n in 0..50 {
            let request = random::request(&mut rng);
            let expected = reference(&cedar, &request);
            assert_eq!(
                loaded.answer(&request),
                expected,
                "seed {seed}, request {n}: {request:?}"
            );
            let kind = (
                expected.allow,
                expected.determining.is_empty(),
                expected.errors.is_empty(),
            );
            *kinds.entry(kind).or_default() += 1;
            pairs += 1;
        }
    }
    assert_eq!(pairs, 100_000);
    // The comparison is worth something only if answers of all kinds occur:
    // allowed, forbidden, not permitted, and failing with and without a forbid.
    assert!(
        kinds.len() >= 5 && kinds.values().all(|n| *n > 500),
        "{kinds:?}"
    );
}
