//! Every case of every shipped pack through every engine.

use sod_core::Program;
use sod_pack::cases;

use crate::engines::{Cli, Component, Core, Engine, compile, open, packs, runtime};

#[test]
fn every_engine_says_the_same_byte_for_byte() {
    let runtime = runtime();
    for folder in packs() {
        let pack = open(&folder);
        let component = compile(&pack);
        let scratch = tempfile::tempdir().unwrap();
        let core = Core(Program::load(pack.bundle()).unwrap());
        let others: [&dyn Engine; 2] = [
            &Component(runtime.load(&component).unwrap()),
            &Cli::new(scratch.path().to_owned(), &component),
        ];
        let cases = cases::read(&pack).unwrap();
        assert!(cases.len() > 10, "{}: {} cases", pack.name(), cases.len());
        for case in &cases {
            let request = serde_json::to_vec(&case.request).unwrap();
            let said = core.decide(&request);
            for engine in others {
                let also = engine.decide(&request);
                match (&said, &also) {
                    // A fault is worded by whoever reports it.
                    (Err(_), Err(_)) => {}
                    _ => assert_eq!(
                        said,
                        also,
                        "{}: {} against {}",
                        case.name,
                        core.name(),
                        engine.name()
                    ),
                }
            }
        }
    }
}

#[test]
fn every_case_of_every_pack_passes_in_the_core() {
    let mut wrong = Vec::new();
    for folder in packs() {
        let pack = open(&folder);
        let core = Core(Program::load(pack.bundle()).unwrap());
        for case in cases::read(&pack).unwrap() {
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
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
