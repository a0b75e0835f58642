//! The same comparison with the engine where it really runs: inside Wasm.
//!
//! Each random policy set is loaded as the pack compiler loads it, and asked
//! through the contract's canonical ABI, so that a new component need not be
//! compiled for every set.

use std::collections::BTreeMap;

use fastrand::Rng;
use sod_core::Effect;
use sod_pack::Sandbox;
use sod_tests::native::Native;
use sod_tests::random;

use crate::index_equals_cedar::{answer_of_reasons, reference};

#[test]
fn the_engine_inside_wasm_equals_plain_cedar_100_000_times() {
    let sandbox = Sandbox::new().unwrap();
    let mut kinds = BTreeMap::<(bool, bool, bool), usize>::new();
    let mut pairs = 0;
    for seed in 1_000_000..1_002_000 {
        let mut rng = Rng::with_seed(seed);
        let most = if seed % 20 == 0 { 150 } else { 10 };
        let bundle = random::bundle(&mut rng, most);
        let cedar = Native::new(&bundle);
        let mut loaded = sandbox.load(&bundle).unwrap();
        for n in 0..50 {
            let request = random::request(&mut rng);
            let expected = reference(&cedar, &request);
            let answer = loaded.ask(&request).unwrap();
            let reasons = answer.reasons.into_iter().map(|r| (r.code, r.policy));
            assert_eq!(
                answer_of_reasons(answer.effect == Effect::Allow, reasons.collect()),
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
