//! No rule of a shipped pack can go, or come, without a case noticing.

use sod_core::{Bundle, PolicySource, Program};
use sod_pack::cases::{self, Case};

use crate::engines::{Core, Engine, open, packs};

/// Names of the cases that a core with `bundle` fails.
fn failing(bundle: Bundle, cases: &[Case]) -> Vec<&str> {
    let core = Core(Program::load(bundle).unwrap());
    let fails = |case: &&Case| {
        let request = serde_json::to_vec(&case.request).unwrap();
        match core.decide(&request) {
            Ok(verdict) => !case
                .judge(&serde_json::from_str(&verdict).unwrap())
                .is_empty(),
            Err(_) => true,
        }
    };
    cases
        .iter()
        .filter(fails)
        .map(|case| case.name.as_str())
        .collect()
}

#[test]
fn without_any_one_rule_a_case_of_its_pack_fails() {
    let mut unnoticed = Vec::new();
    for folder in packs() {
        let pack = open(&folder);
        let cases = cases::read(&pack).unwrap();
        for rule in pack.own_rules() {
            let mut bundle = pack.bundle();
            let before = bundle.policies.len();
            bundle.policies.retain(|policy| policy.id != rule.id);
            assert_eq!(bundle.policies.len(), before - 1);
            if failing(bundle, &cases).is_empty() {
                unnoticed.push(format!("{}: `{}`", pack.name(), rule.id));
            }
        }
    }
    assert!(
        unnoticed.is_empty(),
        "every case still passes without {}",
        unnoticed.join(", ")
    );
}

#[test]
fn a_permit_of_everything_makes_a_case_of_every_pack_fail() {
    for folder in packs() {
        let pack = open(&folder);
        let cases = cases::read(&pack).unwrap();
        let mut bundle = pack.bundle();
        bundle.policies.push(PolicySource {
            id: "back-door".to_owned(),
            pack: "back-door".to_owned(),
            text: "permit (principal, action, resource);".to_owned(),
        });
        assert!(!failing(bundle, &cases).is_empty(), "{}", pack.name());
    }
}
