//! Large evidence: decided, within the limits that a host has by default, at a cost that grows as its size does.
//!
//! The cost is fuel, which is instructions: the same on every machine and in every run.

mod hostile;

use sod_core::Request;
use sod_tests::large::{Eighths, Question, request};
use sod_tests::metered::bindings::exports::sod::policy::authorizer::Effect;
use sod_tests::metered::{Decision, Metered};

use crate::engines::{compile, open, root};

/// The limits of `sod_host`, by default.
const FUEL: u64 = 5_000_000_000;
const MEMORY: usize = 64 << 20;
const INPUT: usize = 16 << 20;

/// Commits, files, approvals and people together grow as this does.
const SIZES: [Eighths; 4] = [1, 2, 4, 8];

fn metered(pack: &str) -> Metered {
    Metered::new(&compile(&open(&root().join("policies").join(pack)))).unwrap()
}

fn decide(pack: &Metered, request: &Request) -> Decision {
    let size = request.evidence.as_ref().unwrap().len();
    assert!(size < INPUT, "{size} bytes of evidence");
    let decision = pack.decide(request).unwrap();
    println!(
        "{size} bytes of evidence: {} fuel, {} bytes of memory",
        decision.fuel, decision.memory
    );
    assert!(decision.fuel < FUEL, "{} fuel", decision.fuel);
    assert!(
        decision.memory < MEMORY,
        "{} bytes of memory",
        decision.memory
    );
    decision
}

/// Twice as much costs twice as much, but for a tenth: what a step up in size adds is compared with the step before,
/// so that what every decision costs is out of it.
fn linear(pack: &str, question: Question, effect: Effect, policy: &str) {
    let metered = metered(pack);
    let fuel = SIZES.map(|size| {
        let decision = decide(&metered, &request(question, size));
        let reasons = decision.verdict.reasons.iter();
        let reasons: Vec<_> = reasons.map(|r| (&r.code, &r.policy, &r.message)).collect();
        assert_eq!(
            decision.verdict.effect, effect,
            "{question:?} {size}: {reasons:?}"
        );
        let policies: Vec<_> = reasons.iter().filter_map(|r| r.1.as_deref()).collect();
        assert!(
            policies.contains(&policy),
            "{question:?} {size}: {reasons:?}"
        );
        decision.fuel
    });
    let steps = [1, 2, 3].map(|n| fuel[n] - fuel[n - 1]);
    for pair in steps.windows(2) {
        assert!(
            pair[1] * 10 <= pair[0] * 22,
            "{question:?}: {fuel:?} fuel at {SIZES:?} eighths grows faster than the evidence"
        );
    }
}

#[test]
fn a_large_release_costs_as_its_size() {
    linear(
        "protected-deploy",
        Question::Deploy,
        Effect::Allow,
        "operations-deploys",
    );
}

#[test]
fn a_large_release_is_not_deployed_by_one_who_wrote_a_line_of_it() {
    linear(
        "protected-deploy",
        Question::DeployOwnWork,
        Effect::Deny,
        "contributors-never-deploy",
    );
}

#[test]
fn a_large_change_costs_as_its_size() {
    linear(
        "two-person-change",
        Question::Merge,
        Effect::Allow,
        "developers-merge",
    );
}
