//! What the engine's facts always are, whatever the evidence: without it the solver would find requests that no
//! evidence leads to. Each is a forbid of what cannot be; docs/proofs.md lists them.

use std::str::FromStr as _;

use serde_json::Value;
use sod_core::cedar::{Policy, PolicyId, PolicySet, SchemaFragment};
use sod_core::{Bundle, Conflict, GrantOf, Mode, OptionValue, PackOption, Quorum, QuorumOf};

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

/// Forbids of what no evidence leads to, and of other options than those.
pub(crate) fn assumptions(bundle: &Bundle, options: Options) -> Result<Vec<Policy>, ProveError> {
    if bundle.mode == Mode::Cedar {
        return Ok(Vec::new());
    }
    let mut policies = definitions(bundle)?;
    let actions = Actions::read(bundle)?;
    let all = actions.scope(&["SigningContext", "ChangeContext", "DeploymentContext"]);
    let conditions = bundle.data.options.iter();
    let conditions = conditions.filter_map(|option| option_is(option, options));
    let texts = conditions.map(|condition| format!("{all} unless {{ {condition} }};"));
    policies.extend(parse(texts, "option")?);
    Ok(policies)
}

/// What is known of every request to a pack on evidence: each a forbid of facts that no evidence leads to.
///
/// # Errors
/// Names in the bundle that Cedar does not take: it was not made from a valid pack.
pub fn definitions(bundle: &Bundle) -> Result<Vec<Policy>, ProveError> {
    let actions = Actions::read(bundle)?;
    let mut texts = vec![DEFINITIONS.to_owned(), signers(&actions)];
    texts.extend(bundle.quorums.iter().map(|quorum| met(quorum, &actions)));
    texts.extend(bundle.data.conflicts.iter().filter_map(conflict));
    texts.extend(bundle.data.grants.iter().map(grant));
    parse(texts, "definition")
}

/// With ids that no rule can have.
fn parse(texts: impl IntoIterator<Item = String>, what: &str) -> Result<Vec<Policy>, ProveError> {
    let text: String = texts.into_iter().collect();
    let set = PolicySet::from_str(&text)
        .map_err(|errors| ProveError::Untranslatable(errors.to_string()))?;
    let policies = set.policies().enumerate();
    Ok(policies
        .map(|(n, policy)| policy.new_id(PolicyId::new(format!("{what} {n}"))))
        .collect())
}

/// Actions by the type of their context: packs add actions that have the same.
struct Actions(Vec<(String, String)>);

impl Actions {
    fn read(bundle: &Bundle) -> Result<Self, ProveError> {
        let odd = |error: &dyn std::fmt::Display| ProveError::Untranslatable(error.to_string());
        let (schema, _) =
            SchemaFragment::from_cedarschema_str(&bundle.schema).map_err(|error| odd(&error))?;
        let schema = schema.to_json_value().map_err(|error| odd(&error))?;
        let actions = schema
            .get("")
            .and_then(|schema| schema.get("actions")?.as_object());
        let with_context = actions.into_iter().flatten().filter_map(|(name, action)| {
            let context = action.get("appliesTo")?.get("context")?;
            let context = context.get("name").or_else(|| context.get("type"));
            Some((name.clone(), context.and_then(Value::as_str)?.to_owned()))
        });
        Ok(Actions(with_context.collect()))
    }

    /// `forbid (principal, action in [...], resource)`
    fn scope(&self, contexts: &[&str]) -> String {
        let actions = self
            .0
            .iter()
            .filter(|(_, context)| contexts.contains(&context.as_str()));
        let actions: Vec<String> = actions
            .map(|(name, _)| format!("Action::{name:?}"))
            .collect();
        format!(
            "forbid (principal, action in [{}], resource)",
            actions.join(", ")
        )
    }
}

/// The signers are counted.
fn signers(actions: &Actions) -> String {
    let scope = actions.scope(&["ChangeContext", "DeploymentContext"]);
    format!(
        "{scope} unless {{ context.signer_count >= 0 && \
         context.approvers.isEmpty() == (context.signer_count == 0) }};"
    )
}

/// A quorum that is met has as many signers as it needs: all of them different people, or one for everything.
fn met(quorum: &Quorum, actions: &Actions) -> String {
    let context = match quorum.of {
        QuorumOf::Change => "ChangeContext",
        QuorumOf::Deployment => "DeploymentContext",
    };
    let each = quorum.need.values();
    let least = match quorum.one_person_may_fill_several {
        true => each.max().copied().unwrap_or(0),
        false => each.sum(),
    };
    format!(
        "{} when {{ context.quorum.{} && context.signer_count < {least} }};",
        actions.scope(&[context]),
        quorum.name
    )
}

/// Ways to hold too many roles; more are not spelt out, and then the fact is left open.
const MOST_WAYS: usize = 500;

/// It holds for whoever is in so many of the roles.
fn conflict(conflict: &Conflict) -> Option<String> {
    let at = usize::try_from(conflict.at).ok()?;
    let mut ways: Vec<Vec<&str>> = vec![Vec::new()];
    for role in &conflict.roles {
        let with: Vec<Vec<&str>> = ways
            .iter()
            .filter(|way| way.len() < at)
            .map(|way| way.iter().copied().chain([role.as_str()]).collect())
            .collect();
        ways.extend(with);
        if ways.len() > MOST_WAYS {
            return None;
        }
    }
    let ways = ways.into_iter().filter(|way| way.len() == at);
    let ways = ways.map(|way| {
        let roles = way
            .iter()
            .map(|role| format!("principal in Role::{role:?}"));
        format!("({})", roles.collect::<Vec<_>>().join(" && "))
    });
    let ways: Vec<String> = ways.collect();
    Some(format!(
        "forbid (principal is Person, action, resource) unless {{ principal.conflict.{} == ({}) }};",
        conflict.name,
        ways.join(" || ")
    ))
}

/// What is known of the grants of one role.
fn grant(grant: &GrantOf) -> String {
    let fact = format!("principal.grant.{}", grant.name);
    let role = format!("Role::{:?}", grant.role);
    format!(
        "forbid (principal is Person, action, resource) unless {{ \
         {fact}.held == !{fact}.granters.isEmpty() && \
         {fact}.held == principal.granted_roles.contains({role}) && \
         (!{fact}.held || principal in {role}) && \
         principal.granters.containsAll({fact}.granters) && \
         {fact}.minutes >= 0 && \
         {fact}.unreviewed >= 0 && \
         {fact}.unreviewed <= principal.unreviewed_grants }};"
    )
}

/// Exactly one word of an option is true.
fn option_is(option: &PackOption, options: Options) -> Option<String> {
    let name = &option.name;
    let fact = |word: &str| format!("context.option.{name}.{word}");
    match (&option.value, options) {
        (OptionValue::Number(_), Options::Any) => None,
        (OptionValue::Number(number), Options::Chosen) => {
            Some(format!("context.option.{name} == {number}"))
        }
        (OptionValue::Word { chosen, of }, Options::Chosen) => Some(only(chosen, of, fact)),
        (OptionValue::Word { of, .. }, Options::Any) => {
            let each = of.iter().map(|word| format!("({})", only(word, of, fact)));
            Some(each.collect::<Vec<_>>().join(" || "))
        }
    }
}

fn only(one: &str, of: &[String], fact: impl Fn(&str) -> String) -> String {
    let each = of.iter().map(|word| {
        let not = if word == one { "" } else { "!" };
        format!("{not}{}", fact(word))
    });
    each.collect::<Vec<_>>().join(" && ")
}
