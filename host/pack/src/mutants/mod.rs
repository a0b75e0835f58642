//! Small slips in a pack, and whether its cases notice them.
//!
//! A *mutant* is the pack with one slip in it: a rule left out or turned round, a condition dropped, a boundary off by
//! one, a quorum short of a person. If every case still passes, nobody would notice the slip: the mutant survives, and
//! that is a finding. Mutants are made of Cedar's own form of a rule and of the settings as read, never of text; what
//! does not validate, could never apply, or reads the same as another is no mutant. Rules and settings of included
//! packs are those packs' own business.
//!
//! [`mutants`] makes them, [`hunt`] decides the cases with each of them, by the engine in this process: to make and
//! load a component takes seconds, of each of hundreds of mutants, and a proof test holds engine and component equal,
//! byte for byte. `cases/mutants.toml` ([`Exemptions`]) names those that no case could notice, each with the reason.

mod exempt;
mod expression;
mod hunt;
mod rule;
mod settings;

use std::collections::BTreeMap;
use std::ops::Range;

use sod_core::cedar::Schema;
use sod_core::{Bundle, OptionValue, PackData};

use crate::code::Code;
use crate::finding::{Finding, Findings};
use crate::options::Choice;
use crate::pack::Pack;
use crate::rules::Rule;
use crate::source::Source;

pub use exempt::{EXEMPTIONS, Exemptions};
pub use hunt::{Hunted, Question, hunt};
pub use sod_core::{EntityUid, Request};

/// A pack with one slip in it.
#[derive(Debug, Clone)]
pub struct Mutant {
    /// The same for as long as what it is made from stays the same: `requesters-never-sign/left-out-1f2e3d4c`.
    pub id: String,
    /// What is different.
    pub what: String,
    /// Which case would notice.
    remedy: String,
    place: Place,
    change: Change,
}

/// Where the slip is.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    Rule(Box<Rule>),
    /// Of `pack.toml`: the table, `quorum.production`.
    Setting {
        table: String,
        source: Source,
        at: Range<usize>,
    },
}

/// What the slip does to the pack.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    WithoutRule(String),
    Rule {
        id: String,
        text: String,
    },
    Quorum(sod_core::Quorum),
    /// The value of an option, where no case chooses one.
    Option(String, OptionValue),
    Data(fn(&mut PackData, &Setting), Box<Setting>),
}

/// A setting as the slip has it.
#[derive(Debug, Clone)]
pub(crate) enum Setting {
    Paths(sod_core::PathClass),
    Window(sod_core::Window),
    Conflict(sod_core::Conflict),
    StandsFor(sod_core::StandsFor),
}

/// Every mutant of the pack's own rules and settings.
pub fn mutants(pack: &Pack) -> Vec<Mutant> {
    let mut list = Vec::new();
    // A valid pack has a valid schema.
    if let Ok((schema, _)) = Schema::from_cedarschema_str(pack.schema()) {
        let vocabulary = rule::Vocabulary::new(schema, settings::names(pack));
        list.extend(pack.own_rules().flat_map(|rule| vocabulary.mutants(rule)));
    }
    list.extend(settings::mutants(pack));
    list
}

impl Mutant {
    /// `text` is all that tells it from others of the same place and operator.
    pub(crate) fn new(
        place: Place,
        operator: &str,
        text: &str,
        what: String,
        remedy: String,
        change: Change,
    ) -> Self {
        let name = match &place {
            Place::Rule(rule) => &rule.id,
            Place::Setting { table, .. } => table,
        };
        let digest = sod_core::bundle::sha256(text.as_bytes());
        let short: String = digest
            .trim_start_matches("sha256:")
            .chars()
            .take(8)
            .collect();
        let id = match text {
            "" => format!("{name}/{operator}"),
            _ => format!("{name}/{operator}-{short}"),
        };
        Mutant {
            id,
            what,
            remedy,
            place,
            change,
        }
    }

    /// The rule, if it is one of a rule.
    pub(crate) fn rule(&self) -> Option<&str> {
        match &self.place {
            Place::Rule(rule) => Some(&rule.id),
            Place::Setting { .. } => None,
        }
    }

    /// Whether the pack is another one with it, under what a case chooses.
    fn apply(&self, bundle: &mut Bundle, choose: &BTreeMap<String, Choice>) -> bool {
        match &self.change {
            Change::WithoutRule(id) => bundle.policies.retain(|policy| policy.id != *id),
            Change::Rule { id, text } => {
                let same = |policy: &&mut sod_core::PolicySource| policy.id == *id;
                if let Some(policy) = bundle.policies.iter_mut().find(same) {
                    policy.text.clone_from(text);
                }
            }
            Change::Quorum(quorum) => {
                let same = |one: &&mut sod_core::Quorum| one.name == quorum.name;
                if let Some(one) = bundle.quorums.iter_mut().find(same) {
                    *one = quorum.clone();
                }
            }
            Change::Option(name, _) if choose.contains_key(name) => return false,
            Change::Option(name, value) => {
                let same = |one: &&mut sod_core::PackOption| one.name == *name;
                if let Some(option) = bundle.data.options.iter_mut().find(same) {
                    option.value = value.clone();
                }
            }
            Change::Data(set, setting) => set(&mut bundle.data, setting),
        }
        true
    }

    fn finding(&self, code: Code, message: String) -> Finding {
        match &self.place {
            Place::Rule(rule) => rule.finding(code, message),
            Place::Setting { source, at, .. } => Finding::new(code, message).at(source, at.clone()),
        }
    }

    /// That no case notices it.
    fn survives(&self) -> Findings {
        let message = format!("no case notices the mutant `{}`: {}", self.id, self.what);
        let help = format!(
            "{}; if there is no such case, exempt the mutant in `{EXEMPTIONS}`, with the reason",
            self.remedy
        );
        self.finding(Code::MutantSurvives, message)
            .help(help)
            .into()
    }
}
