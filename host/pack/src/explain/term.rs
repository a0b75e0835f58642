//! Rules taken apart: each condition as a tree of parts that Cedar can be asked about one by one.
//!
//! A rule is read in Cedar's JSON form, which keeps `when` and `unless` apart as its author wrote them. Each part is
//! turned back into Cedar text, to be shown, and that text is parsed, to be evaluated: what is shown is what is asked.

use std::str::FromStr;

use serde::Serialize;
use serde_json::{Value, json};
use sod_core::cedar::{Expression, Policy};

/// Where in a rule something is demanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clause {
    /// Before the conditions: `principal is Person`.
    Scope,
    /// In a `when`: must be true.
    When,
    /// An `unless`: must be false.
    Unless,
}

/// One of the demands that must all hold for a rule to apply.
#[derive(Debug)]
pub(super) struct Demand {
    pub(super) clause: Clause,
    pub(super) term: Term,
}

impl Demand {
    /// Which truth of the term lets the rule apply.
    pub(super) fn wants(&self) -> bool {
        self.clause != Clause::Unless
    }
}

/// An expression that can be asked about.
#[derive(Debug)]
pub(super) struct Term {
    pub(super) text: String,
    pub(super) expression: Expression,
    pub(super) kind: Kind,
}

/// What an expression is made of.
#[derive(Debug)]
pub(super) enum Kind {
    /// All must be true, asked one after the other up to the first that is not.
    All(Vec<Term>),
    /// One must be true, asked up to the first that is.
    Any(Vec<Term>),
    /// True if the other is false.
    Not(Box<Term>),
    /// The first says which of the others is asked.
    Choice(Box<[Term; 3]>),
    /// Nothing to take apart: what it reads, and how it reads in Cedar's JSON.
    Leaf { reads: Vec<Read>, json: Value },
}

/// An attribute that a part looks at, or the groups that an entity is in.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) text: String,
    pub(super) expression: Expression,
    /// Not the value counts, but what it is in.
    pub(super) groups: bool,
}

/// What a rule demands, in the order in which Cedar asks. `None` if Cedar's own text of it cannot be read back.
pub(super) fn demands(policy: &Policy) -> Option<Vec<Demand>> {
    let json = policy.to_json().ok()?;
    let mut demands = Vec::new();
    for variable in ["principal", "action", "resource"] {
        if let Some(expression) = scope(variable, json.get(variable)?) {
            let term = term(&expression)?;
            let clause = Clause::Scope;
            demands.push(Demand { clause, term });
        }
    }
    for condition in json.get("conditions")?.as_array()? {
        let body = term(condition.get("body")?)?;
        match (condition.get("kind")?.as_str()?, body.kind) {
            ("when", Kind::All(terms)) => demands.extend(terms.into_iter().map(|term| Demand {
                clause: Clause::When,
                term,
            })),
            (kind, whole) => demands.push(Demand {
                clause: match kind {
                    "when" => Clause::When,
                    _ => Clause::Unless,
                },
                term: Term {
                    kind: whole,
                    ..body
                },
            }),
        }
    }
    Some(demands)
}

/// What the scope demands of a variable as an expression. `None` if nothing.
fn scope(variable: &str, constraint: &Value) -> Option<Value> {
    let variable = json!({"Var": variable});
    let entity = |uid: &Value| json!({"Value": {"__entity": uid}});
    let within = |constraint: &Value| match constraint.get("entities").and_then(Value::as_array) {
        Some(list) => Some(json!({"Set": list.iter().map(entity).collect::<Vec<_>>()})),
        None => constraint.get("entity").map(entity),
    };
    match constraint.get("op")?.as_str()? {
        "==" => Some(json!({"==": {"left": variable, "right": within(constraint)?}})),
        "in" => Some(json!({"in": {"left": variable, "right": within(constraint)?}})),
        "is" => {
            let mut is = json!({"left": variable, "entity_type": constraint.get("entity_type")?});
            if let Some(within) = constraint.get("in").and_then(within) {
                is.as_object_mut()?.insert("in".to_owned(), within);
            }
            Some(json!({"is": is}))
        }
        _ => None,
    }
}

/// The text of an expression in Cedar's JSON.
pub(super) fn text(json: &Value) -> Option<String> {
    // Cedar writes it as two expressions.
    if let Some(("is", of)) = operator(json)
        && let Some(group) = of.get("in")
    {
        let (entity, group) = (text(of.get("left")?)?, text(group)?);
        let ty = of.get("entity_type")?.as_str()?;
        return Some(format!("{entity} is {ty} in {group}"));
    }
    let any = json!({"op": "All"});
    let rule = json!({
        "effect": "permit", "principal": any, "action": any, "resource": any,
        "conditions": [{"kind": "when", "body": json}],
    });
    let rule = Policy::from_json(None, rule).ok()?.to_cedar()?;
    let (_, body) = rule.split_once('{')?;
    let (body, _) = body.rsplit_once('}')?;
    Some(body.trim().to_owned())
}

fn term(json: &Value) -> Option<Term> {
    let text = text(json)?;
    let kind = match operator(json)? {
        ("&&", _) => Kind::All(chain(json, "&&")?),
        ("||", _) => Kind::Any(chain(json, "||")?),
        ("!", of) => Kind::Not(Box::new(term(of.get("arg")?)?)),
        ("if-then-else", of) => {
            let part = |name| term(of.get(name)?);
            Kind::Choice(Box::new([part("if")?, part("then")?, part("else")?]))
        }
        _ => Kind::Leaf {
            reads: reads(json)?,
            json: json.clone(),
        },
    };
    Some(Term {
        expression: Expression::from_str(&text).ok()?,
        text,
        kind,
    })
}

/// The operator, and what it is applied to.
pub(super) fn operator(json: &Value) -> Option<(&str, &Value)> {
    let (operator, of) = json.as_object()?.iter().next()?;
    Some((operator, of))
}

/// `a && b && c` is `(a && b) && c`.
fn chain(json: &Value, of: &str) -> Option<Vec<Term>> {
    let mut right = Vec::new();
    let mut rest = json;
    while let Some(("&&" | "||", sides)) = operator(rest).filter(|(name, _)| *name == of) {
        right.push(sides.get("right")?);
        rest = sides.get("left")?;
    }
    let mut terms = Vec::new();
    for side in std::iter::once(rest).chain(right.into_iter().rev()) {
        let side = term(side)?;
        match (side.kind, of) {
            (Kind::All(more), "&&") | (Kind::Any(more), "||") => terms.extend(more),
            (kind, _) => terms.push(Term { kind, ..side }),
        }
    }
    Some(terms)
}

/// Whether an expression is a variable, or an attribute of one, or of such an attribute.
pub(super) fn is_path(json: &Value) -> bool {
    match operator(json) {
        Some(("Var", _)) => true,
        Some((".", of)) => of.get("left").is_some_and(is_path),
        _ => false,
    }
}

/// Attributes as far as they are followed, each once, and whose groups are asked for.
fn reads(json: &Value) -> Option<Vec<Read>> {
    let mut found: Vec<Read> = Vec::new();
    let mut todo = vec![json];
    while let Some(json) = todo.pop() {
        let (name, of) = operator(json)?;
        let within = match name {
            "in" => of.get("left"),
            "is" if of.get("in").is_some() => of.get("left"),
            _ => None,
        };
        let attribute = (name == "." && is_path(json)).then_some((json, false));
        let group = within.filter(|left| is_path(left)).map(|left| (left, true));
        if let Some((json, groups)) = attribute.or(group) {
            let text = text(json)?;
            if !found.iter().any(|read| read.text == text) {
                found.push(Read {
                    expression: Expression::from_str(&text).ok()?,
                    text,
                    groups,
                });
            }
        }
        if attribute.is_none() {
            let mut inner = inner(name, of);
            // What is in something, and whatever has an attribute, is read as that and not as a value.
            if within.is_some() || name == "has" {
                inner.retain(|json| !is_path(json));
            }
            todo.extend(inner.into_iter().rev());
        }
    }
    // An action that is in a group, as every scope has it, says nothing that the headline does not.
    found.retain(|read| read.text != "action");
    Some(found)
}

/// The expressions that an operator is applied to.
fn inner<'j>(name: &str, of: &'j Value) -> Vec<&'j Value> {
    match (name, of) {
        ("Value" | "Var" | "Slot", _) => Vec::new(),
        ("Set", Value::Array(items)) => items.iter().collect(),
        ("Record", Value::Object(members)) => members.values().collect(),
        // A call of an extension function.
        (_, Value::Array(arguments)) => arguments.iter().collect(),
        (_, Value::Object(sides)) => ["left", "right", "arg", "in", "if", "then", "else"]
            .iter()
            .filter_map(|side| sides.get(*side))
            .collect(),
        _ => Vec::new(),
    }
}

impl Term {
    /// Whether some part of it reads the attribute with that text.
    pub(super) fn reads(&self, text: &str) -> bool {
        match &self.kind {
            Kind::Leaf { reads, .. } => reads.iter().any(|read| read.text == text),
            Kind::All(terms) | Kind::Any(terms) => terms.iter().any(|term| term.reads(text)),
            Kind::Not(term) => term.reads(text),
            Kind::Choice(terms) => terms.iter().any(|term| term.reads(text)),
        }
    }
}
