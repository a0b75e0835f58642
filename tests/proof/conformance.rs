//! Every case of every shipped pack through every engine.

use sod_core::Program;
use sod_pack::cases::{self, Case};
use sod_pack::{Pack, Target};

use crate::engines::{Cli, Component, Core, Engine, compile, open, runtime, tested_packs};
use crate::modules;
use crate::modules::core::CoreModule;
use crate::modules::proxy::Proxy;

/// What another engine says to a case, where it is not what the core says.
fn differing(pack: &Pack, cases: &[&Case], runtime: &sod_host::Runtime) -> Vec<String> {
    let component = compile(pack);
    let scratch = tempfile::tempdir().unwrap();
    let core = Core(Program::load(pack.bundle()).unwrap());
    let wasm = modules::engine(wasmtime::OptLevel::None);
    let others: [&dyn Engine; 4] = [
        &Component(runtime.load(&component).unwrap()),
        &Cli::new(scratch.path().to_owned(), &component),
        &CoreModule::new(wasm.clone(), &modules::compile(pack, Target::Core)),
        &Proxy::new(&wasm, &modules::compile(pack, Target::ProxyWasm)),
    ];
    let mut differing = Vec::new();
    for case in cases {
        let request = serde_json::to_vec(&case.request).unwrap();
        let said = core.decide(&request);
        for engine in others {
            let also = engine.decide(&request);
            // A fault is worded by whoever reports it.
            if said != also && (said.is_ok() || also.is_ok()) {
                let name = engine.name();
                differing.push(format!("{}: {said:?}, {name}: {also:?}", case.name));
            }
        }
    }
    differing
}

#[test]
fn every_engine_says_the_same_byte_for_byte() {
    let runtime = runtime();
    for folder in tested_packs() {
        let pack = open(&folder);
        let cases = cases::read(&pack).unwrap();
        assert!(cases.len() > 5, "{}: {} cases", pack.name(), cases.len());
        for (chosen, cases) in cases::by_choice(&pack, &cases) {
            assert_eq!(differing(&chosen, &cases, &runtime), Vec::<String>::new());
        }
    }
}

#[test]
fn every_case_of_every_pack_passes_in_the_core() {
    let mut wrong = Vec::new();
    for folder in tested_packs() {
        let pack = open(&folder);
        let cases = cases::read(&pack).unwrap();
        for (chosen, cases) in cases::by_choice(&pack, &cases) {
            let core = Core(Program::load(chosen.bundle()).unwrap());
            for case in cases {
                let request = serde_json::to_vec(&case.request).unwrap();
                match core.decide(&request) {
                    Ok(verdict) => {
                        let verdict = serde_json::from_str(&verdict).unwrap();
                        let mismatches = case.judge(&verdict);
                        if !mismatches.is_empty() {
                            wrong.push(format!("{}: {}: {mismatches:?}", pack.name(), case.name));
                        }
                    }
                    Err(fault) => wrong.push(format!("{}: {}: {fault}", pack.name(), case.name)),
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
