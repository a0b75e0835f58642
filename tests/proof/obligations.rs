//! What rules oblige a host to do is asserted by a case, each obligation by one at least.

use std::collections::BTreeSet;

use sod_pack::cases;

use crate::engines::{open, packs};

#[test]
fn every_obligation_of_a_shipped_pack_is_expected_by_a_case() {
    let mut obligations = 0;
    for folder in packs() {
        let pack = open(&folder);
        let cases = cases::read(&pack).unwrap();
        let expected: BTreeSet<&str> = cases
            .iter()
            .flat_map(|case| case.expect.obligations.iter().flatten())
            .map(String::as_str)
            .collect();
        let obliging = pack
            .own_rules()
            .filter(|rule| rule.annotations.contains_key("obligation"));
        for rule in obliging {
            obligations += 1;
            assert!(
                expected.contains(rule.id.as_str()),
                "no case of {} expects the obligation of `{}`",
                folder.display(),
                rule.id
            );
        }
    }
    assert!(obligations > 20, "{obligations}");
}
