//! What Cedar says to each part of a rule, on given facts.

use serde::Serialize;
use sod_core::Effect;
use sod_core::cedar::EvalResult;

use super::facts::{Asked, shown, shown_all};
use super::term::{Clause, Demand, Kind, Read, Term};
use crate::rules::Rule;

/// What came of one demand of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It lets the rule apply.
    Held,
    /// It keeps the rule from applying.
    DidNotHold,
    /// One before it kept the rule from applying, or failed.
    NotReached,
    /// It could not be evaluated, which denies.
    Error,
}

/// What came of one expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Truth {
    /// It is so.
    True,
    /// It is not so.
    False,
    /// What came before it settled the matter.
    NotReached,
    /// It could not be evaluated, which denies.
    Error,
}

/// What an expression is put together from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Made {
    /// Nothing that could be asked about by itself.
    Whole,
    /// `&&`: all of its parts must be true.
    AllOf,
    /// `||`: one of its parts must be true.
    OneOf,
    /// `!`: its part must be false.
    Not,
    /// `if`, `then`, `else`: the first of its parts says which of the others counts.
    Choice,
}

/// A fact that an expression looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// `resource.contributors`
    pub of: String,
    /// `is`, or `is in` for the groups of an entity.
    pub relation: &'static str,
    /// `{ana, bo}`; `absent` if there is no such attribute.
    pub value: String,
}

/// An expression, and what came of it.
#[derive(Debug, Clone, Serialize)]
pub struct Part {
    /// In Cedar.
    pub text: String,
    /// What came of it.
    pub truth: Truth,
    /// Why it could not be evaluated.
    pub message: Option<String>,
    /// What it looked at by itself.
    pub facts: Vec<Fact>,
    /// What it is put together from.
    pub made: Made,
    /// The parts, in the order in which Cedar asks.
    pub parts: Vec<Part>,
}

/// A demand of a rule, and what came of it.
#[derive(Debug, Clone, Serialize)]
pub struct Conjunct {
    /// Where it is written. That of `unless` holds if its expression is false.
    pub clause: Clause,
    /// What came of it.
    pub outcome: Outcome,
    /// What is demanded; of an `unless`, what is excepted.
    pub part: Part,
}

/// What came of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Applied {
    /// All that it demands holds.
    Applies,
    /// Something that it demands does not hold.
    DoesNotApply,
    /// Something that it demands could not be evaluated, which denies.
    Error,
}

/// A rule, demand by demand.
#[derive(Debug, Clone, Serialize)]
pub struct ExplainedRule {
    /// `@id`
    pub id: String,
    /// Name of the pack that it comes from.
    pub pack: String,
    /// Its file, as reached from the path that was asked for.
    pub file: String,
    /// Its first line in the file, from 1.
    pub line: usize,
    /// Whether it permits, or forbids.
    pub permits: bool,
    /// Its `@reason`.
    pub reason: Option<String>,
    /// Whether the verdict names it as a reason.
    pub decides: bool,
    /// What came of it.
    pub applied: Applied,
    /// All that it demands, in the order in which Cedar asks.
    pub conjuncts: Vec<Conjunct>,
}

/// What comes of the demands of a rule.
pub(super) fn explain(rule: &Rule, demands: &[Demand], asked: &Asked) -> ExplainedRule {
    let mut applied = Applied::Applies;
    let mut conjuncts = Vec::new();
    for demand in demands {
        let part = part(&demand.term, asked, applied == Applied::Applies);
        let outcome = match (part.truth, demand.wants()) {
            (Truth::NotReached, _) => Outcome::NotReached,
            (Truth::Error, _) => Outcome::Error,
            (Truth::True, true) | (Truth::False, false) => Outcome::Held,
            (Truth::True, false) | (Truth::False, true) => Outcome::DidNotHold,
        };
        match outcome {
            Outcome::DidNotHold => applied = Applied::DoesNotApply,
            Outcome::Error => applied = Applied::Error,
            Outcome::Held | Outcome::NotReached => {}
        }
        conjuncts.push(Conjunct {
            clause: demand.clause,
            outcome,
            part,
        });
    }
    ExplainedRule {
        id: rule.id.clone(),
        pack: rule.pack.clone(),
        file: rule.file.clone(),
        line: rule.line,
        permits: rule.effect == Effect::Allow,
        reason: rule.annotations.get("reason").cloned(),
        decides: false,
        applied,
        conjuncts,
    }
}

/// What comes of a part, if it is `reached`.
fn part(term: &Term, asked: &Asked, reached: bool) -> Part {
    let (truth, message) = match reached.then(|| asked.truth(&term.expression)) {
        None => (Truth::NotReached, None),
        Some(Ok(true)) => (Truth::True, None),
        Some(Ok(false)) => (Truth::False, None),
        Some(Err(message)) => (Truth::Error, Some(message)),
    };
    let (made, facts, parts) = inside(term, asked, reached);
    Part {
        text: term.text.clone(),
        truth,
        message,
        facts,
        made,
        parts,
    }
}

fn inside(term: &Term, asked: &Asked, reached: bool) -> (Made, Vec<Fact>, Vec<Part>) {
    match &term.kind {
        Kind::Leaf { reads, .. } if reached => {
            let facts = reads.iter().map(|read| fact(read, asked));
            (Made::Whole, facts.collect(), Vec::new())
        }
        Kind::Leaf { .. } => (Made::Whole, Vec::new(), Vec::new()),
        Kind::All(terms) => {
            let parts = in_turn(terms, asked, reached, Truth::True);
            (Made::AllOf, Vec::new(), parts)
        }
        Kind::Any(terms) => {
            let parts = in_turn(terms, asked, reached, Truth::False);
            (Made::OneOf, Vec::new(), parts)
        }
        Kind::Not(term) => match &term.kind {
            // There is nothing to say of it that the whole does not say.
            Kind::Leaf { .. } => inside(term, asked, reached),
            _ => (Made::Not, Vec::new(), vec![part(term, asked, reached)]),
        },
        Kind::Choice(terms) => {
            let [test, then, otherwise] = terms.as_ref();
            let test = part(test, asked, reached);
            let then = part(then, asked, test.truth == Truth::True);
            let otherwise = part(otherwise, asked, test.truth == Truth::False);
            (Made::Choice, Vec::new(), vec![test, then, otherwise])
        }
    }
}

/// One after the other, as long as each is `on`.
fn in_turn(terms: &[Term], asked: &Asked, reached: bool, on: Truth) -> Vec<Part> {
    let mut reached = reached;
    let mut parts = Vec::new();
    for term in terms {
        let part = part(term, asked, reached);
        reached = part.truth == on;
        parts.push(part);
    }
    parts
}

fn fact(read: &Read, asked: &Asked) -> Fact {
    let value = asked.value(&read.expression);
    let value = match (read.groups, value) {
        (true, Ok(EvalResult::EntityUid(entity))) => shown_all(asked.groups_of(&entity).iter()),
        (_, Ok(value)) => shown(&value),
        (_, Err(_)) => "absent".to_owned(),
    };
    Fact {
        of: read.text.clone(),
        relation: if read.groups { "is in" } else { "is" },
        value,
    }
}
