//! The indexed evaluation against plain Cedar over the whole policy set.

use std::collections::BTreeSet;

use fastrand::Rng;
use sod_core::cedar::{AuthorizationError, Decision, Response};
use sod_core::{Effect, Program, Request};
use sod_tests::native::Native;
use sod_tests::random;

/// What can be compared: the effect, which policies determined it, which failed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) allow: bool,
    pub(crate) determining: BTreeSet<String>,
    pub(crate) errors: BTreeSet<String>,
}

/// The answer of plain Cedar, with the one documented difference: a policy
/// that fails denies, where Cedar would skip it.
pub(crate) fn reference(cedar: &Native, request: &Request) -> Answer {
    answer_of(&cedar.decide(request))
}

fn answer_of(response: &Response) -> Answer {
    let diagnostics = response.diagnostics();
    let ids = diagnostics.reason().map(ToString::to_string).collect();
    let errors = diagnostics.errors().map(|error| match error {
        AuthorizationError::PolicyEvaluationError(error) => error.policy_id().to_string(),
    });
    let errors: BTreeSet<String> = errors.collect();
    let allow = response.decision() == Decision::Allow;
    Answer {
        // With an error, permits that Cedar would have gone by determine nothing.
        determining: if allow && !errors.is_empty() {
            BTreeSet::new()
        } else {
            ids
        },
        allow: allow && errors.is_empty(),
        errors,
    }
}

/// The answer of a verdict given as (allow, [(code, policy)]).
pub(crate) fn answer_of_reasons(allow: bool, reasons: Vec<(String, Option<String>)>) -> Answer {
    let (errors, others): (Vec<_>, Vec<_>) = reasons
        .into_iter()
        .partition(|(code, _)| code == "policy-error");
    let ids = |reasons: Vec<(String, Option<String>)>| reasons.into_iter().filter_map(|r| r.1);
    Answer {
        allow,
        determining: ids(others).collect(),
        errors: ids(errors).collect(),
    }
}

fn native(program: &Program, request: &Request) -> Answer {
    let verdict = program.decide(request).unwrap();
    let reasons = verdict.reasons.into_iter().map(|r| (r.code, r.policy));
    answer_of_reasons(verdict.effect == Effect::Allow, reasons.collect())
}

#[test]
fn natively() {
    let mut allows = 0;
    let mut errors = 0;
    for seed in 0..2_000 {
        let mut rng = Rng::with_seed(seed);
        let most = if seed % 10 == 0 { 200 } else { 12 };
        let bundle = random::bundle(&mut rng, most);
        let cedar = Native::new(&bundle);
        let program = Program::load(bundle).unwrap();
        for n in 0..50 {
            let request = random::request(&mut rng);
            let expected = reference(&cedar, &request);
            let actual = native(&program, &request);
            assert_eq!(actual, expected, "seed {seed}, request {n}: {request:?}");
            allows += usize::from(expected.allow);
            errors += usize::from(!expected.errors.is_empty());
        }
    }
    // The comparison is worth something only if all kinds of answers occur.
    assert!(allows > 5_000, "only {allows} allows");
    assert!(errors > 5_000, "only {errors} with errors");
}
