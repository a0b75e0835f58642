//! The context of a question: facts of the request that are no entities.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cedar_policy_core::ast::{Context, Expr, RestrictedExpr, Value};
use cedar_policy_core::evaluator::RestrictedEvaluator;
use cedar_policy_core::extensions::Extensions;
use chrono::{DateTime, Datelike, SecondsFormat};
use smol_str::SmolStr;

use super::actions::ContextShape;
use super::entities::{BaseTypes, Store};
use super::fact::{Fact, Names};
use crate::bundle::{OptionValue, PackOption};
use crate::evidence::MachineIx;
use crate::facts::clock::is_open;
use crate::facts::{People, SessionFacts, Setting};
use crate::verdict::Fault;

/// Facts of a request that are no entities.
#[derive(Clone)]
pub(crate) struct ContextFacts<'c> {
    pub(crate) setting: Setting<'c>,
    /// How the one asked about is signed in.
    pub(crate) session: Option<SessionFacts<'c>>,
    pub(crate) counting: bool,
    pub(crate) deployed_before: Option<bool>,
    pub(crate) approvals: Option<ApprovalFacts>,
    /// Quorums that are met.
    pub(crate) met: BTreeSet<String>,
    /// What the request brought for the attributes that are no facts.
    pub(crate) others: Option<Context>,
}

/// Those that are made from approvals.
#[derive(Clone)]
pub(crate) struct ApprovalFacts {
    pub(crate) approvers: People,
    pub(crate) change_approvers: People,
    pub(crate) objectors: People,
    pub(crate) machine_objectors: BTreeSet<MachineIx>,
    /// Not found out where no rule asks.
    pub(crate) every_commit_reviewed: Option<bool>,
    pub(crate) owners_covered: bool,
    pub(crate) reciprocal_reviews: Option<i64>,
    pub(crate) quickest_approval_seconds: Option<i64>,
}

impl<'c> ContextFacts<'c> {
    /// For the question whether a signature of somebody else counts, of whose session this is known.
    pub(crate) fn for_counting(&self, session: Option<SessionFacts<'c>>) -> Self {
        ContextFacts {
            session,
            counting: true,
            ..self.clone()
        }
    }
}

/// The context of a question.
pub(crate) struct Situation<'c> {
    facts: ContextFacts<'c>,
    shape: &'c ContextShape,
    /// As it would be with every quorum met.
    all_quorums_met: bool,
    made: OnceCell<Context>,
}

impl<'c> Situation<'c> {
    /// What `shape` takes of the facts.
    pub(crate) fn new(facts: ContextFacts<'c>, shape: &'c ContextShape) -> Self {
        Situation {
            facts,
            shape,
            all_quorums_met: false,
            made: OnceCell::new(),
        }
    }

    /// The same, if every quorum were met.
    pub(crate) fn with_all_quorums_met(&self) -> Self {
        Situation {
            all_quorums_met: true,
            ..Situation::new(self.facts.clone(), self.shape)
        }
    }

    /// Whether it is a fact that the context takes, known or not.
    pub(super) fn takes(&self, name: &str) -> bool {
        self.shape.facts.contains(name)
    }

    /// The fact of that name; `None` where there is none.
    pub(super) fn fact<'s>(&'s self, store: &'s Store<'_, '_>, name: &str) -> Option<Fact<'s>> {
        if !self.takes(name) {
            return None;
        }
        let facts = &self.facts;
        let Setting { data, now } = facts.setting;
        Some(match name {
            "now" => Fact::Other(datetime(store.types, now)?),
            "window" => {
                let windows = data.windows.iter();
                let windows = windows.map(|w| (w.name.clone(), is_open(w, now)));
                Fact::Flags(Cow::Owned(windows.collect()))
            }
            "option" => Fact::Options(&data.options),
            "session" => Fact::Session(facts.session?),
            "counting" => Fact::Bool(facts.counting),
            "deployed_before" => Fact::Bool(facts.deployed_before?),
            name => facts.approvals.as_ref()?.fact(store, name)?,
        })
    }

    /// Whether a quorum that the context takes is met.
    pub(super) fn met(&self, name: &str) -> Option<bool> {
        let takes = self.shape.quorums.as_ref()?.contains(name);
        takes.then(|| self.all_quorums_met || self.facts.met.contains(name))
    }

    /// As Cedar takes it.
    pub(crate) fn context(&self, store: &Store<'_, '_>) -> &Context {
        self.made.get_or_init(|| self.make(store))
    }

    fn make(&self, store: &Store<'_, '_>) -> Context {
        let mut map = BTreeMap::new();
        if let Some(Context::Value(others)) = &self.facts.others {
            map.extend(others.iter().map(|(k, v)| (k.clone(), v.clone())));
        }
        for name in &self.shape.facts {
            let value = self.fact(store, name).and_then(|fact| store.value(fact));
            map.extend(value.map(|value| (SmolStr::new_static(name), value)));
        }
        if let Some(names) = &self.shape.quorums {
            let met = |name: &String| (name.clone(), self.met(name).unwrap_or(false));
            map.insert(
                SmolStr::new_static("quorum"),
                flags(&names.iter().map(met).collect()),
            );
        }
        Context::Value(Arc::new(map))
    }
}

impl ApprovalFacts {
    fn fact<'s>(&'s self, store: &'s Store<'_, '_>, name: &str) -> Option<Fact<'s>> {
        Some(match name {
            "approvers" => Fact::People(Cow::Borrowed(&self.approvers)),
            "approver_teams" => Fact::Names(Names::Teams, store.teams_of_some(&self.approvers)),
            "change_approvers" => Fact::People(Cow::Borrowed(&self.change_approvers)),
            "objectors" => Fact::People(Cow::Borrowed(&self.objectors)),
            "machine_objectors" => Fact::Machines(Cow::Borrowed(&self.machine_objectors)),
            "signer_count" => Fact::Long(i64::try_from(self.approvers.len()).unwrap_or(i64::MAX)),
            "every_commit_reviewed" => Fact::Bool(self.every_commit_reviewed?),
            "owners_covered" => Fact::Bool(self.owners_covered),
            "reciprocal_reviews" => Fact::Long(self.reciprocal_reviews?),
            "quickest_approval_seconds" => Fact::Long(self.quickest_approval_seconds?),
            _ => return None,
        })
    }
}

/// Whether Cedar has a `datetime` for so many milliseconds since the Unix epoch.
pub(crate) fn check_time(millis: i64) -> Result<(), Fault> {
    let time = DateTime::from_timestamp_millis(millis);
    match time.map(|time| time.year()) {
        Some(0..=9999) => Ok(()),
        _ => Err(Fault::invalid_request(format!(
            "`now` is {millis} ms since 1970, which is outside the years 0000 to 9999"
        ))),
    }
}

/// A Cedar `datetime` from milliseconds since the Unix epoch.
fn datetime(types: &BaseTypes, millis: i64) -> Option<Value> {
    let time = DateTime::from_timestamp_millis(millis)?;
    let text = time.to_rfc3339_opts(SecondsFormat::Millis, true);
    let call = Expr::call_extension_fn(types.datetime.clone(), vec![Expr::val(text)]);
    RestrictedEvaluator::new(Extensions::all_available())
        .interpret(RestrictedExpr::new_unchecked(call).as_borrowed())
        .ok()
}

/// How somebody was signed in.
pub(super) fn session(facts: SessionFacts<'_>) -> Value {
    let texts = [("network", facts.network), ("country", facts.country)];
    let texts = texts
        .into_iter()
        .filter_map(|(name, text)| Some((name, Value::from(text?))));
    let minutes = facts.minutes_since_mfa;
    let mfa = minutes.map(|minutes| ("minutes_since_mfa", Value::from(minutes)));
    Value::record(texts.chain(mfa), None)
}

/// What packs chose.
pub(super) fn options(options: &[PackOption]) -> Value {
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
pub(super) fn flags(named: &BTreeMap<String, bool>) -> Value {
    Value::record(
        named.iter().map(|(name, flag)| (name.as_str(), *flag)),
        None,
    )
}
