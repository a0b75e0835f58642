//! No rule of a shipped pack can go, or come, without a case noticing.

use sod_core::{Bundle, PolicySource, Program};
use sod_pack::Pack;
use sod_pack::cases::{self, Case};

use crate::engines::{Core, Engine, open, tested_packs};

/// Names of the cases that a core fails with what `change` makes of the pack.
fn failing<'c>(pack: &Pack, cases: &'c [Case], change: impl Fn(&mut Bundle)) -> Vec<&'c str> {
    let mut failing = Vec::new();
    for (pack, cases) in cases::by_choice(pack, cases) {
        let mut bundle = pack.bundle();
        change(&mut bundle);
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
        let names = cases.into_iter().filter(fails);
        failing.extend(names.map(|case| case.name.as_str()));
    }
    failing
}

#[test]
fn without_any_one_rule_a_case_of_its_pack_fails() {
    let mut unnoticed = Vec::new();
    for folder in tested_packs() {
        let pack = open(&folder);
        let cases = cases::read(&pack).unwrap();
        assert_eq!(failing(&pack, &cases, |_| ()), Vec::<&str>::new());
        for rule in pack.own_rules() {
            let without = |bundle: &mut Bundle| {
                let before = bundle.policies.len();
                bundle.policies.retain(|policy| policy.id != rule.id);
                assert_eq!(bundle.policies.len(), before - 1);
            };
            if failing(&pack, &cases, without).is_empty() {
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
    for folder in tested_packs() {
        let pack = open(&folder);
        let cases = cases::read(&pack).unwrap();
        let back_door = |bundle: &mut Bundle| {
            bundle.policies.push(PolicySource {
                id: "back-door".to_owned(),
                pack: "back-door".to_owned(),
                text: "permit (principal, action, resource);".to_owned(),
            });
        };
        assert!(
            !failing(&pack, &cases, back_door).is_empty(),
            "{}",
            pack.name()
        );
    }
}
