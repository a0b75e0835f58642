//! Facts that, were they otherwise, would make a part of a rule come out otherwise.
//!
//! A fact is changed by itself, whatever it follows from: such a change says what the rule hangs on, and is nothing to ask
//! anybody for. Options are the pack's own choice and no facts, and the time is left alone.

use serde_json::{Value, json};
use sod_core::cedar::{EvalResult, Expression};

use super::facts::{Asked, Place, PlainFacts, same, to_json};
use super::term::{Kind, Term, is_path, operator, text};

/// A fact that is otherwise.
#[derive(Debug, Clone)]
pub(super) struct Flip {
    /// ``resource.unattributed` were `false``
    pub(super) words: String,
    place: Place,
    change: Change,
}

#[derive(Debug, Clone)]
enum Change {
    To(Value),
    Absent,
    With(Value),
    Without(Vec<Value>),
}

impl Flip {
    /// The facts with this one otherwise.
    pub(super) fn of(&self, facts: &PlainFacts) -> Option<PlainFacts> {
        let items = || facts.get(&self.place)?.as_array().cloned();
        let value = match &self.change {
            Change::To(value) => Some(value.clone()),
            Change::Absent => None,
            Change::With(item) => {
                let mut items = items()?;
                items.push(item.clone());
                Some(Value::Array(items))
            }
            Change::Without(gone) => {
                let mut items = items()?;
                items.retain(|item| !gone.iter().any(|gone| is_same(item, gone)));
                Some(Value::Array(items))
            }
        };
        facts.with(&self.place, value)
    }

    /// Whether it says that a quorum is met: a matter of signatures.
    pub(super) fn is_quorum(&self) -> bool {
        self.place.is_in_context("quorum")
    }

    /// Whether it is about the quorum of that name.
    pub(super) fn names(&self, quorum: &str) -> bool {
        self.place.is_named(quorum)
    }
}

fn is_same(one: &Value, other: &Value) -> bool {
    one == other || (one.is_object() && other.is_object() && same(one, other))
}

/// Looks for changes of single facts.
pub(super) struct Flips<'a> {
    pub(super) facts: &'a PlainFacts,
    pub(super) asked: &'a Asked,
}

impl Flips<'_> {
    /// Changes that take the term nearer to being `wanted`: for most terms one is enough.
    pub(super) fn towards(&self, term: &Term, wanted: bool) -> Vec<Flip> {
        // What cannot be evaluated has no fact in it that is merely otherwise.
        if self.asked.truth(&term.expression) != Ok(!wanted) {
            return Vec::new();
        }
        let all = |terms: &[Term]| {
            let flips = terms.iter().flat_map(|term| self.towards(term, wanted));
            flips.collect()
        };
        // Of terms that must all turn, the first: the next one's turn comes once it has.
        let first = |terms: &[Term]| {
            let mut terms = terms.iter();
            let first = terms.find(|term| self.asked.truth(&term.expression) == Ok(!wanted));
            first.map_or_else(Vec::new, |term| self.towards(term, wanted))
        };
        match &term.kind {
            Kind::All(terms) if wanted => first(terms),
            Kind::All(terms) => all(terms),
            Kind::Any(terms) if wanted => all(terms),
            Kind::Any(terms) => first(terms),
            Kind::Not(term) => self.towards(term, !wanted),
            Kind::Choice(terms) => {
                let [test, then, otherwise] = terms.as_ref();
                let truth = self.asked.truth(&test.expression) == Ok(true);
                let mut flips = self.towards(if truth { then } else { otherwise }, wanted);
                flips.extend(self.towards(test, !truth));
                flips
            }
            Kind::Leaf { json, .. } => self.leaf(json, wanted).unwrap_or_default(),
        }
    }

    fn leaf(&self, json: &Value, wanted: bool) -> Option<Vec<Flip>> {
        let (name, of) = operator(json)?;
        let side = |name: &str| of.get(name);
        let flip = match name {
            "." => self.to(json, json!(wanted), &wanted.to_string()),
            "==" | "!=" => {
                let equal = wanted == (name == "==");
                self.equal(side("left")?, side("right")?, equal)
            }
            "<" | "<=" | ">" | ">=" => self.bound(name, side("left")?, side("right")?, wanted),
            "contains" => return self.contains(side("left")?, side("right")?, wanted),
            "containsAny" if !wanted => self.without_any(side("left")?, side("right")?),
            "isEmpty" if wanted => {
                let words = format!("`{}` were empty", text(side("arg")?)?);
                self.change(side("arg")?, Change::To(json!([])), words)
            }
            "has" if !wanted => {
                let attribute = side("attr").filter(|attribute| attribute.is_string());
                let path = json!({".": {"left": side("left")?, "attr": attribute?}});
                let words = format!("`{}` were absent", text(&path)?);
                self.change(&path, Change::Absent, words)
            }
            "in" => self.within(side("left")?, side("right")?, wanted),
            "is" => self.within(side("left")?, side("in")?, wanted),
            _ => None,
        };
        Some(flip.into_iter().collect())
    }

    /// The value of an expression in Cedar's JSON.
    fn value(&self, json: &Value) -> Option<(EvalResult, Value)> {
        let expression = text(json)?.parse::<Expression>().ok()?;
        let value = self.asked.value(&expression).ok()?;
        let json = to_json(&value)?;
        Some((value, json))
    }

    fn change(&self, path: &Value, change: Change, words: String) -> Option<Flip> {
        let (".", _) = operator(path)? else {
            return None;
        };
        let place = is_path(path).then(|| self.facts.locate(path))??;
        let fixed = ["option", "now", "counting"];
        let fact = !fixed.iter().any(|name| place.is_in_context(name));
        fact.then_some(Flip {
            words,
            place,
            change,
        })
    }

    fn to(&self, path: &Value, value: Value, shown: &str) -> Option<Flip> {
        let words = format!("`{}` were `{shown}`", text(path)?);
        self.change(path, Change::To(value), words)
    }

    fn equal(&self, left: &Value, right: &Value, equal: bool) -> Option<Flip> {
        let (path, other) = match is_path(left) {
            true => (left, right),
            false => (right, left),
        };
        match (self.value(other)?, equal) {
            ((value, json), true) => self.to(path, json, &value.to_string()),
            ((EvalResult::Bool(truth), _), false) => {
                self.to(path, json!(!truth), &(!truth).to_string())
            }
            // Of other values there are many.
            (_, false) => None,
        }
    }

    /// A number just far enough.
    fn bound(&self, name: &str, left: &Value, right: &Value, wanted: bool) -> Option<Flip> {
        let number = |json| match self.value(json)?.0 {
            EvalResult::Long(number) => Some(number),
            _ => None,
        };
        // As what must be true of left and right.
        let name = match (name, wanted) {
            ("<", true) | (">=", false) => "<",
            ("<=", true) | (">", false) => "<=",
            (">", true) | ("<=", false) => ">",
            _ => ">=",
        };
        let step = match name {
            "<" => -1,
            ">" => 1,
            _ => 0,
        };
        let (path, value) = match is_path(left) {
            true => (left, number(right)?.checked_add(step)?),
            false => (right, number(left)?.checked_sub(step)?),
        };
        self.to(path, json!(value), &value.to_string())
    }

    fn contains(&self, set: &Value, item: &Value, wanted: bool) -> Option<Vec<Flip>> {
        if !is_path(set) {
            // One of a list of values: as many ways as values.
            let (EvalResult::Set(values), true) = (self.value(set)?.0, wanted) else {
                return None;
            };
            let one = |value: &EvalResult| self.to(item, to_json(value)?, &value.to_string());
            return Some(values.iter().filter_map(one).collect());
        }
        let (value, json) = self.value(item)?;
        let (change, verb) = match wanted {
            true => (Change::With(json), "held"),
            false => (Change::Without(vec![json]), "did not hold"),
        };
        let words = format!("`{}` {verb} `{value}`", text(set)?);
        Some(self.change(set, change, words).into_iter().collect())
    }

    fn without_any(&self, set: &Value, items: &Value) -> Option<Flip> {
        let Value::Array(gone) = self.value(items)?.1 else {
            return None;
        };
        let words = format!("`{}` held none of `{}`", text(set)?, text(items)?);
        self.change(set, Change::Without(gone), words)
    }

    fn within(&self, entity: &Value, group: &Value, wanted: bool) -> Option<Flip> {
        let (_, entity_json) = self.value(entity)?;
        let (group, group_json) = match self.value(group)? {
            (EvalResult::Set(groups), Value::Array(items)) => {
                (groups.iter().next()?.clone(), items.first()?.clone())
            }
            other => other,
        };
        let bare = group_json.get("__entity")?.clone();
        let (change, verb) = match wanted {
            true => (Change::With(bare), "were in"),
            false => (Change::Without(vec![bare]), "were not in"),
        };
        Some(Flip {
            words: format!("`{}` {verb} `{group}`", text(entity)?),
            place: self.facts.groups(&entity_json)?,
            change,
        })
    }
}
