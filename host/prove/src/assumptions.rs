//! What the engine's facts always are, whatever the evidence: without it the solver would find requests that no
//! evidence leads to. Each is a forbid of what cannot be; docs/proofs.md lists them.

use std::str::FromStr as _;

use sod_core::cedar::{Policy, PolicyId, PolicySet};
use sod_core::{Bundle, Mode, OptionValue, PackOption};

use crate::error::ProveError;

/// Of every pack in mode `evidence`.
const DEFINITIONS: &str = include_str!("definitions.cedar");

/// Which values the options of a pack have.
#[derive(Clone, Copy)]
pub(crate) enum Options {
    /// Those that were chosen.
    Chosen,
    /// Any that a pack on top could choose.
    Any,
}

/// Forbids of what no evidence leads to.
pub(crate) fn assumptions(bundle: &Bundle, options: Options) -> Result<Vec<Policy>, ProveError> {
    if bundle.mode == Mode::Cedar {
        return Ok(Vec::new());
    }
    let mut policies = definitions()?;
    for option in &bundle.data.options {
        if let Some(text) = option_is(option, options) {
            policies.extend(parse(&text)?);
        }
    }
    Ok(numbered(policies, "option"))
}

/// Of every pack in mode `evidence`, whatever it says.
pub(crate) fn definitions() -> Result<Vec<Policy>, ProveError> {
    Ok(numbered(parse(DEFINITIONS)?, "definition"))
}

/// Ids that no rule can have.
fn numbered(policies: Vec<Policy>, what: &str) -> Vec<Policy> {
    let policies = policies.into_iter().enumerate();
    policies
        .map(|(n, policy)| policy.new_id(PolicyId::new(format!("{what} {n}"))))
        .collect()
}

fn parse(text: &str) -> Result<Vec<Policy>, ProveError> {
    let set = PolicySet::from_str(text)
        .map_err(|errors| ProveError::Untranslatable(errors.to_string()))?;
    Ok(set.policies().cloned().collect())
}

/// Exactly one word of an option is true.
fn option_is(option: &PackOption, options: Options) -> Option<String> {
    let name = &option.name;
    let fact = |word: &str| format!("context.option.{name}.{word}");
    let condition = match (&option.value, options) {
        (OptionValue::Number(_), Options::Any) => return None,
        (OptionValue::Number(number), Options::Chosen) => {
            format!("context.option.{name} == {number}")
        }
        (OptionValue::Word { chosen, of }, Options::Chosen) => only(chosen, of, fact),
        (OptionValue::Word { of, .. }, Options::Any) => {
            let each = of.iter().map(|word| format!("({})", only(word, of, fact)));
            each.collect::<Vec<_>>().join(" || ")
        }
    };
    Some(format!("{ALL_ACTIONS} unless {{ {condition} }};"))
}

/// Every action of the base schema: all of their contexts have the options.
const ALL_ACTIONS: &str = "forbid (principal, action in [Action::\"review\", Action::\"approve\", \
    Action::\"merge\", Action::\"deploy\", Action::\"rollback\"], resource)";

fn only(one: &str, of: &[String], fact: impl Fn(&str) -> String) -> String {
    let each = of.iter().map(|word| {
        let not = if word == one { "" } else { "!" };
        format!("{not}{}", fact(word))
    });
    each.collect::<Vec<_>>().join(" && ")
}
