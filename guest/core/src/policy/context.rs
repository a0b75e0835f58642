//! The context of a question: facts of the request that are no entities.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cedar_policy_core::ast::{Context, Expr, RestrictedExpr, Value};
use cedar_policy_core::evaluator::RestrictedEvaluator;
use cedar_policy_core::extensions::Extensions;
use chrono::{DateTime, SecondsFormat};
use smol_str::SmolStr;

use super::actions::ContextShape;
use super::entities::BaseTypes;
use crate::bundle::{OptionValue, PackOption};
use crate::facts::SessionFacts;
use crate::verdict::Fault;

/// What the context of an action is made of.
#[derive(Clone)]
pub(crate) struct ContextFacts {
    /// Facts by name.
    pub(crate) facts: BTreeMap<&'static str, Value>,
    /// Quorums that are met.
    pub(crate) met: BTreeSet<String>,
    /// What the request brought for the attributes that are no facts.
    pub(crate) others: Option<Context>,
}

impl ContextFacts {
    /// For the question whether a signature of somebody else counts, of whose session nothing is known.
    pub(crate) fn for_counting(&self) -> Self {
        let mut facts = self.clone();
        facts.facts.remove("session");
        facts.facts.insert("counting", Value::from(true));
        facts
    }

    /// For somebody who was signed in like this.
    pub(crate) fn with_session(&self, signed_in: SessionFacts<'_>) -> Self {
        let mut facts = self.clone();
        facts.facts.insert("session", session(signed_in));
        facts
    }

    /// The context of `shape`, or as it would be with every quorum met.
    pub(crate) fn context(&self, shape: &ContextShape, all_quorums_met: bool) -> Context {
        let mut map = BTreeMap::new();
        if let Some(Context::Value(others)) = &self.others {
            map.extend(others.iter().map(|(k, v)| (k.clone(), v.clone())));
        }
        for name in &shape.facts {
            if let Some(value) = self.facts.get(name) {
                map.insert(SmolStr::new_static(name), value.clone());
            }
        }
        if let Some(names) = &shape.quorums {
            let met = |name: &String| all_quorums_met || self.met.contains(name);
            let pairs = names.iter().map(|name| (name.as_str(), met(name)));
            map.insert(SmolStr::new_static("quorum"), Value::record(pairs, None));
        }
        Context::Value(Arc::new(map))
    }
}

/// A Cedar `datetime` from milliseconds since the Unix epoch.
pub(crate) fn datetime(types: &BaseTypes, millis: i64) -> Result<Value, Fault> {
    let out_of_range = || {
        Fault::invalid_request(format!(
            "`now` is {millis} ms since 1970, which is outside the years 0000 to 9999"
        ))
    };
    let text = DateTime::from_timestamp_millis(millis)
        .ok_or_else(out_of_range)?
        .to_rfc3339_opts(SecondsFormat::Millis, true);
    let call = Expr::call_extension_fn(types.datetime.clone(), vec![Expr::val(text)]);
    RestrictedEvaluator::new(Extensions::all_available())
        .interpret(RestrictedExpr::new_unchecked(call).as_borrowed())
        .map_err(|_| out_of_range())
}

/// How somebody was signed in.
pub(crate) fn session(facts: SessionFacts<'_>) -> Value {
    let texts = [("network", facts.network), ("country", facts.country)];
    let texts = texts
        .into_iter()
        .filter_map(|(name, text)| Some((name, Value::from(text?))));
    let minutes = facts.minutes_since_mfa;
    let mfa = minutes.map(|minutes| ("minutes_since_mfa", Value::from(minutes)));
    Value::record(texts.chain(mfa), None)
}

/// What packs chose.
pub(crate) fn options(options: &[PackOption]) -> Value {
    let pairs = options.iter().map(|option| {
        let value = match &option.value {
            OptionValue::Number(number) => Value::from(*number),
            OptionValue::Word { chosen, of } => {
                let words = of.iter().map(|word| (word.as_str(), word == chosen));
                Value::record(words, None)
            }
        };
        (option.name.as_str(), value)
    });
    Value::record(pairs, None)
}

/// A record of Bools.
pub(crate) fn flags(named: &BTreeMap<String, bool>) -> Value {
    Value::record(
        named.iter().map(|(name, flag)| (name.as_str(), *flag)),
        None,
    )
}
