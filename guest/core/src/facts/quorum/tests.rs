//! The matching against trying everything.

#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use fastrand::Rng;

use super::{Needs, Signer, shortfalls};

const ROLES: [&str; 4] = ["developer", "operations", "reviewer", "security"];

fn needs(rng: &mut Rng) -> Needs {
    let roles = ROLES.iter().filter(|_| rng.bool());
    let roles: Vec<String> = roles.map(ToString::to_string).collect();
    roles
        .into_iter()
        .map(|role| (role, rng.u32(1..=3)))
        .collect()
}

fn signer(rng: &mut Rng) -> Signer<'static> {
    Signer {
        fills: ROLES.into_iter().filter(|_| rng.u8(0..3) == 0).collect(),
    }
}

/// The least number of open places over all ways to give each signer one role or none.
fn least_open(places: &mut Vec<(&str, u32)>, signers: &[Signer<'_>]) -> u32 {
    let Some((first, rest)) = signers.split_first() else {
        return places.iter().map(|(_, open)| open).sum();
    };
    let mut least = least_open(places, rest);
    for ix in 0..places.len() {
        let (role, open) = places[ix];
        if open > 0 && first.fills.contains(role) {
            places[ix].1 -= 1;
            least = least.min(least_open(places, rest));
            places[ix].1 += 1;
        }
    }
    least
}

fn open(needs: &Needs, signers: &[Signer<'_>]) -> u32 {
    shortfalls(needs, signers).iter().map(|s| s.count).sum()
}

#[test]
fn no_assignment_fills_more() {
    let mut rng = Rng::with_seed(1);
    let mut met = 0;
    for round in 0..5_000 {
        let needs = needs(&mut rng);
        let signers: Vec<_> = (0..rng.usize(0..=5)).map(|_| signer(&mut rng)).collect();
        let mut places: Vec<_> = needs.iter().map(|(r, n)| (r.as_str(), *n)).collect();
        let expected = least_open(&mut places, &signers);
        assert_eq!(
            open(&needs, &signers),
            expected,
            "round {round}: {needs:?} {signers:?}"
        );
        met += u32::from(expected == 0 && !needs.is_empty());
    }
    assert!(met > 200, "only {met} quorums were met");
}

#[test]
fn a_newcomer_helps_exactly_if_they_hold_a_role_that_is_named() {
    let mut rng = Rng::with_seed(2);
    let mut moved = 0;
    for round in 0..5_000 {
        let needs = needs(&mut rng);
        let mut signers: Vec<_> = (0..rng.usize(0..=4)).map(|_| signer(&mut rng)).collect();
        let before = shortfalls(&needs, &signers);
        let total: u32 = before.iter().map(|s| s.count).sum();
        for role in ROLES {
            let named = before.iter().any(|s| s.fillable_by.contains(role));
            signers.push(Signer {
                fills: BTreeSet::from([role]),
            });
            assert_eq!(
                open(&needs, &signers) < total,
                named,
                "round {round}: {role}, {needs:?}"
            );
            signers.pop();
            moved += u32::from(named && before.iter().all(|s| s.role != role));
        }
    }
    assert!(moved > 50, "somebody moved over only {moved} times");
}

#[test]
fn one_person_with_both_roles_signs_once() {
    let needs = Needs::from([("operations".to_owned(), 1), ("security".to_owned(), 1)]);
    let both = || Signer {
        fills: BTreeSet::from(["operations", "security"]),
    };
    assert_eq!(open(&needs, &[both()]), 1);
    assert_eq!(open(&needs, &[both(), both()]), 0);
}
