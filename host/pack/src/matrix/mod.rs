//! A pack as a table that people review: who may do what, in which state of the change or deployment.
//!
//! `matrix.toml` in the pack's folder says what is asked, `matrix.txt` beside it is the golden answer. A change of
//! the rules then shows as a diff of the table, which is easier to judge than the rules themselves.
//!
//! ```toml
//! fixture = "payments.json"                  # of cases/fixtures, as in a case
//! now = "2026-03-02T10:00:00Z"
//!
//! [people]                                   # the rows
//! author = 'Person::"ana"'
//! reviewer = 'Person::"dana"'
//!
//! [[table]]
//! title = "A change on its way to main"
//! resource = 'Change::"bank/payments#42"'
//! actions = ["approve", "merge"]
//!
//! [table.states]                             # the columns: what differs from the fixture (RFC 6902), and when
//! "two approvals" = {}
//! "no approval" = { patch = [{ op = "replace", path = "/changes/0/approvals/items", value = [] }] }
//! "a year later" = { now = "2027-03-02T10:00:00Z" }
//!
//! [exempt.roles]                             # what the rules name and the table leaves out
//! ci = "may do nothing here that others may not"
//! ```
//!
//! A table may have a `fixture`, a `now`, a `patch` and a list of `people` of its own. In a pack of mode `cedar` a
//! fixture has the `entities` and the `context` of the requests.
//!
//! [`read`] reads the questions, the caller decides each of them ([`Matrix::answer`]), [`Answers::to_text`] is what
//! `matrix.txt` holds, [`difference`] compares.

mod coverage;
mod html;
mod read;
mod svg;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde::Serialize;
use serde_json::{Map, Value, json};
use sod_core::Effect;

use crate::harmless::harmless;

pub use read::read;

/// The file that says what is asked.
pub const QUESTIONS: &str = "matrix.toml";
/// The file with the answers that were reviewed.
pub const GOLDEN: &str = "matrix.txt";

/// What is asked of a pack.
#[derive(Debug)]
pub struct Matrix {
    pack: String,
    tables: Vec<Table>,
}

/// One resource in several states.
#[derive(Debug)]
struct Table {
    title: String,
    resource: String,
    actions: Vec<String>,
    people: Vec<Person>,
    states: Vec<State>,
}

/// A row: somebody, by what they are to the resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Person {
    /// `second account of the author`
    pub label: String,
    /// `Person::"ana"`
    pub principal: String,
}

/// A column.
#[derive(Debug)]
struct State {
    label: String,
    /// All of a request but who, what and on what.
    rest: Rc<Map<String, Value>>,
}

/// The whole table, answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answers {
    /// Name of the pack.
    pub pack: String,
    /// In the order of the questions.
    pub tables: Vec<Answered>,
    /// What the reasons of the cells stand for, by [`Because::key`].
    pub reasons: Vec<Because>,
}

/// One table, answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answered {
    /// What it is about.
    pub title: String,
    /// `Change::"bank/payments#42"`
    pub resource: String,
    /// The rows.
    pub people: Vec<Person>,
    /// The columns.
    pub states: Vec<String>,
    /// A grid for each action.
    pub grids: Vec<Grid>,
}

/// One action of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Grid {
    /// `merge`
    pub action: String,
    /// For each of the people, for each of the states.
    pub rows: Vec<Vec<Cell>>,
}

/// One verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cell {
    /// Allow or deny.
    pub effect: Effect,
    /// Keys of [`Answers::reasons`].
    pub reasons: BTreeSet<String>,
}

/// A reason that some cell has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Because {
    /// `contributors-never-merge`, `two-people (quorum-unmet)`, `no-permit`
    pub key: String,
    /// What the verdicts said: one text for a rule, several where the engine itself denies.
    pub messages: BTreeSet<String>,
    /// What has to be done besides.
    pub obligation: Option<String>,
}

impl Matrix {
    /// How many requests it takes.
    pub fn cells(&self) -> usize {
        self.tables.iter().map(Table::cells).sum()
    }

    /// Asks `decide` for the verdict on each request, both as JSON.
    ///
    /// # Errors
    /// The first of `decide`'s: there is no table with holes.
    pub fn answer<E>(
        &self,
        mut decide: impl FnMut(&Value) -> Result<Value, E>,
    ) -> Result<Answers, E> {
        let mut legend = Legend::default();
        let mut tables = Vec::new();
        for table in &self.tables {
            tables.push(table.answer(&mut legend, &mut decide)?);
        }
        Ok(Answers {
            pack: self.pack.clone(),
            tables,
            reasons: legend.0.into_values().collect(),
        })
    }
}

impl Table {
    fn cells(&self) -> usize {
        self.actions.len() * self.people.len() * self.states.len()
    }

    fn answer<E>(
        &self,
        legend: &mut Legend,
        decide: &mut impl FnMut(&Value) -> Result<Value, E>,
    ) -> Result<Answered, E> {
        let mut grids = Vec::new();
        for action in &self.actions {
            let mut rows = Vec::new();
            for person in &self.people {
                let request = |state: &State| self.request(action, person, state);
                let cells = self.states.iter().map(|state| {
                    let verdict = decide(&request(state))?;
                    Ok(legend.cell(&verdict))
                });
                rows.push(cells.collect::<Result<_, E>>()?);
            }
            let action = action.clone();
            grids.push(Grid { action, rows });
        }
        Ok(Answered {
            title: self.title.clone(),
            resource: self.resource.clone(),
            people: self.people.clone(),
            states: self.states.iter().map(|s| s.label.clone()).collect(),
            grids,
        })
    }

    fn request(&self, action: &str, person: &Person, state: &State) -> Value {
        let mut request = Map::clone(&state.rest);
        request.insert("principal".to_owned(), json!(person.principal));
        request.insert("action".to_owned(), json!(action));
        request.insert("resource".to_owned(), json!(self.resource));
        Value::Object(request)
    }
}

/// Every reason met so far, by policy, and by code where there is none.
#[derive(Default)]
struct Legend(BTreeMap<(String, String), Because>);

impl Legend {
    /// Whatever does not say that it allows, denies.
    fn cell(&mut self, verdict: &Value) -> Cell {
        let effect = match verdict.get("effect").and_then(Value::as_str) {
            Some("allow") => Effect::Allow,
            _ => Effect::Deny,
        };
        let reasons = list(verdict, "reasons").iter();
        Cell {
            effect,
            reasons: reasons.map(|reason| self.note(reason, verdict)).collect(),
        }
    }

    fn note(&mut self, reason: &Value, verdict: &Value) -> String {
        let (code, policy) = (text(reason, "code"), text(reason, "policy"));
        let key = match (code, policy) {
            (code, "") => code.to_owned(),
            ("permit" | "forbid", policy) => policy.to_owned(),
            (code, policy) => format!("{policy} ({code})"),
        };
        let place = if policy.is_empty() { code } else { policy };
        let because = self
            .0
            .entry((place.to_owned(), key.clone()))
            .or_insert_with(|| Because {
                key: key.clone(),
                messages: BTreeSet::new(),
                obligation: None,
            });
        because.messages.insert(match code {
            // Of any cell the table itself says who, what and on what.
            "no-permit" => "no policy permits it".to_owned(),
            _ => one_line(text(reason, "message")),
        });
        let obligation = list(verdict, "obligations")
            .iter()
            .find(|one| !policy.is_empty() && text(one, "policy") == policy);
        if let Some(obligation) = obligation {
            because.obligation = Some(one_line(text(obligation, "obligation")));
        }
        key
    }
}

impl Answers {
    /// How many verdicts it is made of.
    pub fn cells(&self) -> usize {
        self.verdicts().count()
    }

    /// How many of them allow.
    pub fn allowed(&self) -> usize {
        let allows = |cell: &&Cell| cell.effect == Effect::Allow;
        self.verdicts().filter(allows).count()
    }

    fn verdicts(&self) -> impl Iterator<Item = &Cell> {
        let grids = self.tables.iter().flat_map(|table| &table.grids);
        grids.flat_map(|grid| grid.rows.iter().flatten())
    }

    /// What `matrix.txt` holds.
    pub fn to_text(&self) -> String {
        text::render(self)
    }
}

/// From the golden table to the present one, as a unified diff. `None`: they are the same.
pub fn difference(golden: &str, present: &str) -> Option<String> {
    crate::difference::difference((GOLDEN, golden), ("as the pack decides now", present))
}

/// One page with the tables of these packs, without scripts and without anything from elsewhere.
pub fn to_html(packs: &[Answers]) -> String {
    html::render(packs)
}

/// One picture with the tables of these packs.
pub fn to_svg(packs: &[Answers]) -> String {
    svg::render(packs)
}

/// `ALLOW` stands out among what is mostly denied.
fn word(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow => "ALLOW",
        Effect::Deny => "deny",
    }
}

/// Texts of a pack may have line breaks, and whatever else a string literal can hold.
fn one_line(text: &str) -> String {
    harmless(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    let list = value.get(key).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}
