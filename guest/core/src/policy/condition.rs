//! What rules say besides their scopes, taken apart at `&&`, `||` and `!`.
//!
//! Rules of a pack say the same things over and over: of which tier the environment is, whether somebody contributed.
//! Each of them is asked once a question, and not at all what the pack has chosen for good. What the facts say by
//! themselves (`direct.rs`) Cedar is not asked. The words between parts are all that is done here. Where a part errs, or
//! is no Bool, it is left to Cedar to say so of the whole.

use std::cell::OnceCell;
use std::collections::HashMap;

use cedar_policy_core::ast::{Expr, ExprKind, Literal, UnaryOp, Value, ValueKind, Var};
use cedar_policy_core::evaluator::Evaluator;
use cedar_policy_core::extensions::Extensions;

use super::World;
use crate::bundle::{OptionValue, PackOption};
use crate::verdict::Fault;

/// A condition without a part is known for good.
#[derive(Debug)]
pub(crate) enum Condition {
    Known(bool),
    Part(Part),
    Not(Box<Condition>),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
}

/// An expression with none of these words outside of it.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) expr: Expr,
    /// Where its answer is kept, of those that occur more than once.
    place: Option<usize>,
}

/// What takes conditions apart.
pub(crate) struct Anatomy<'o> {
    /// What `context.option` is, wherever it is.
    options: &'o [PackOption],
    /// How often each part occurs.
    counts: HashMap<Expr, usize>,
    places: HashMap<Expr, usize>,
}

impl<'o> Anatomy<'o> {
    pub(crate) fn new<'r>(
        options: &'o [PackOption],
        conditions: impl Iterator<Item = &'r Expr>,
    ) -> Self {
        let mut anatomy = Anatomy {
            options,
            counts: HashMap::new(),
            places: HashMap::new(),
        };
        for condition in conditions {
            for part in anatomy.take_apart(condition).parts() {
                *anatomy.counts.entry(part.expr.clone()).or_default() += 1;
            }
        }
        anatomy
    }

    /// How many answers there are to keep.
    pub(crate) fn places(&self) -> usize {
        self.places.len()
    }

    pub(crate) fn take_apart(&mut self, expr: &Expr) -> Condition {
        match expr.expr_kind() {
            ExprKind::Lit(Literal::Bool(known)) => Condition::Known(*known),
            ExprKind::And { left, right } => match self.take_apart(left) {
                Condition::Known(true) => self.take_apart(right),
                Condition::Known(false) => Condition::Known(false),
                left => Condition::And(Box::new(left), Box::new(self.take_apart(right))),
            },
            ExprKind::Or { left, right } => match self.take_apart(left) {
                Condition::Known(false) => self.take_apart(right),
                Condition::Known(true) => Condition::Known(true),
                left => Condition::Or(Box::new(left), Box::new(self.take_apart(right))),
            },
            ExprKind::UnaryApp {
                op: UnaryOp::Not,
                arg,
            } => match self.take_apart(arg) {
                Condition::Known(known) => Condition::Known(!known),
                arg => Condition::Not(Box::new(arg)),
            },
            _ => match chosen(self.options, expr) {
                Some(known) => Condition::Known(known),
                None => Condition::Part(self.part(expr)),
            },
        }
    }

    fn part(&mut self, expr: &Expr) -> Part {
        let shared = self.counts.get(expr).is_some_and(|count| *count > 1);
        let place = shared.then(|| {
            let next = self.places.len();
            *self.places.entry(expr.clone()).or_insert(next)
        });
        Part {
            expr: expr.clone(),
            place,
        }
    }
}

/// `context.option.NAME.WORD`
fn chosen(options: &[PackOption], expr: &Expr) -> Option<bool> {
    let (expr, word) = member(expr)?;
    let (expr, name) = member(expr)?;
    let (expr, option) = member(expr)?;
    let is_option = option == "option" && matches!(expr.expr_kind(), ExprKind::Var(Var::Context));
    let option = options
        .iter()
        .find(|option| is_option && option.name == name)?;
    match &option.value {
        OptionValue::Word { chosen, of } => {
            of.iter().any(|one| one == word).then(|| chosen == word)
        }
        OptionValue::Number(_) => None,
    }
}

fn member(expr: &Expr) -> Option<(&Expr, &str)> {
    match expr.expr_kind() {
        ExprKind::GetAttr { expr, attr } => Some((expr, attr)),
        _ => None,
    }
}

impl Condition {
    /// What Cedar may be asked.
    pub(crate) fn parts(&self) -> Vec<&Part> {
        match self {
            Condition::Known(_) => Vec::new(),
            Condition::Part(part) => vec![part],
            Condition::Not(condition) => condition.parts(),
            Condition::And(left, right) | Condition::Or(left, right) => {
                let mut parts = left.parts();
                parts.extend(right.parts());
                parts
            }
        }
    }

    /// Whether it holds; nothing where Cedar has to say what is wrong.
    fn holds(&self, answers: &mut Answers<'_, impl World>) -> Option<bool> {
        match self {
            Condition::Known(known) => Some(*known),
            Condition::Part(part) => answers.ask(part),
            Condition::Not(condition) => Some(!condition.holds(answers)?),
            Condition::And(left, right) => match left.holds(answers)? {
                true => right.holds(answers),
                false => Some(false),
            },
            Condition::Or(left, right) => match left.holds(answers)? {
                true => Some(true),
                false => right.holds(answers),
            },
        }
    }
}

/// One question, and what was said to it so far.
pub(crate) struct Answers<'w, W> {
    world: &'w W,
    evaluator: OnceCell<Evaluator<'w>>,
    known: Vec<Option<bool>>,
}

impl<'w, W: World> Answers<'w, W> {
    pub(crate) fn new(world: &'w W, places: usize) -> Self {
        Answers {
            world,
            evaluator: OnceCell::new(),
            known: vec![None; places],
        }
    }

    /// Whether `condition` holds, which is the same as `whole`; Cedar's message if it cannot be said.
    ///
    /// # Errors
    /// Cedar cannot be asked.
    pub(crate) fn whether(
        &mut self,
        condition: &Condition,
        whole: &Expr,
    ) -> Result<Result<bool, String>, Fault> {
        if let Some(holds) = condition.holds(self) {
            return Ok(Ok(holds));
        }
        let value = self.evaluator()?.interpret(whole, &HashMap::new());
        let bool = |value| bool_of(&value).ok_or_else(|| "a condition is no Bool".to_owned());
        Ok(value.map_err(|error| error.to_string()).and_then(bool))
    }

    fn ask(&mut self, part: &Part) -> Option<bool> {
        let known = part.place.and_then(|place| self.known.get(place));
        if let Some(Some(known)) = known {
            return Some(*known);
        }
        let answer = match self.world.known(&part.expr) {
            Some(answer) => answer,
            None => {
                // If Cedar cannot be asked this, it cannot be asked the whole.
                let evaluator = self.evaluator().ok()?;
                bool_of(&evaluator.interpret(&part.expr, &HashMap::new()).ok()?)?
            }
        };
        let place = part.place.and_then(|place| self.known.get_mut(place));
        if let Some(place) = place {
            *place = Some(answer);
        }
        Some(answer)
    }

    fn evaluator(&self) -> Result<&Evaluator<'w>, Fault> {
        if let Some(evaluator) = self.evaluator.get() {
            return Ok(evaluator);
        }
        let (request, entities) = self.world.asked()?;
        let evaluator = || Evaluator::new(request, entities, Extensions::all_available());
        Ok(self.evaluator.get_or_init(evaluator))
    }
}

fn bool_of(value: &Value) -> Option<bool> {
    match value.value_kind() {
        ValueKind::Lit(Literal::Bool(answer)) => Some(*answer),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
