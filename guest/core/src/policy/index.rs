//! Which rules can match a request at all, and what the rest of them say.
//!
//! Every rule sits under the one demand of its scope that fewest other rules
//! share. A request looks up what its principal, action and resource are and
//! are in; a rule that is not found there has a scope that is false, so plain
//! Cedar would not have been satisfied by it either, nor seen it fail: scopes
//! come first in a policy and cannot err. Of the rules that are found the whole
//! scope is compared, and only what they say besides is left to Cedar.

use cedar_policy_core::ast::{Context, EntityType, EntityUID, EntityUIDEntry, Expr, Request};
use cedar_policy_core::entities::{Dereference, Entities};

use super::Rule;
use super::condition::{Anatomy, Answers, Condition};
use super::rule::{Demand, Scope};
use crate::bundle::PackOption;
use crate::hashing::Map;
use crate::verdict::{Effect, Fault};

/// Position of a rule in its [`RuleSet`].
pub(crate) type RuleIx = u32;

/// All rules of a pack.
#[derive(Debug, Default)]
pub(crate) struct RuleSet {
    rules: Vec<Rule>,
    /// Of each rule.
    conditions: Vec<Condition>,
    /// How many parts of them are shared.
    places: usize,
    by_principal: Map<EntityUID, Vec<RuleIx>>,
    by_action: Map<EntityUID, Vec<RuleIx>>,
    by_resource: Map<EntityUID, Vec<RuleIx>>,
    always: Vec<RuleIx>,
}

/// A Cedar request.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) principal: EntityUID,
    pub(crate) action: EntityUID,
    pub(crate) resource: EntityUID,
    pub(crate) context: Context,
}

/// What the rules say to a question.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) permits: Vec<RuleIx>,
    pub(crate) forbids: Vec<RuleIx>,
    /// Rules that could not be evaluated and Cedar's message.
    pub(crate) errors: Vec<(RuleIx, String)>,
}

impl Outcome {
    /// The one place where an effect comes from. Plain Cedar skips a policy
    /// that errs; here an error denies.
    pub(crate) fn effect(&self) -> Effect {
        if self.errors.is_empty() && self.forbids.is_empty() && !self.permits.is_empty() {
            Effect::Allow
        } else {
            Effect::Deny
        }
    }
}

/// A request's variable: the entity with its type, and all that it is in.
pub(crate) struct Position {
    uid: EntityUID,
    /// Itself among them.
    within: Vec<EntityUID>,
}

/// A question, as far as rules look at it.
pub(crate) trait World {
    /// Principal, action and resource.
    ///
    /// # Errors
    /// As [`asked`](Self::asked).
    fn positions(&self) -> Result<[Position; 3], Fault>;
    /// What Cedar would say of a part of a condition, where that is known without asking it.
    fn known(&self, part: &Expr) -> Option<bool>;
    /// What Cedar is asked.
    ///
    /// # Errors
    /// A defect: facts that make no entities.
    fn asked(&self) -> Result<(Request, &Entities), Fault>;
}

/// A question in Cedar's terms, with the entities that it is about.
impl World for (&Question, &Entities) {
    fn positions(&self) -> Result<[Position; 3], Fault> {
        let (question, entities) = *self;
        let uids = [&question.principal, &question.action, &question.resource];
        Ok(uids.map(|uid| Position::of(uid, entities)))
    }

    fn known(&self, _: &Expr) -> Option<bool> {
        None
    }

    fn asked(&self) -> Result<(Request, &Entities), Fault> {
        let (question, entities) = *self;
        Ok((question.request(), entities))
    }
}

impl Question {
    pub(crate) fn request(&self) -> Request {
        Request::new_unchecked(
            EntityUIDEntry::known(self.principal.clone(), None),
            EntityUIDEntry::known(self.action.clone(), None),
            EntityUIDEntry::known(self.resource.clone(), None),
            Some(self.context.clone()),
        )
    }
}

impl Position {
    pub(crate) fn new(uid: EntityUID, parents: Vec<EntityUID>) -> Self {
        let mut within = parents;
        within.push(uid.clone());
        Position { uid, within }
    }

    pub(crate) fn of(uid: &EntityUID, entities: &Entities) -> Self {
        let parents = match entities.entity(uid) {
            Dereference::Data(entity) => entity.ancestors().cloned().collect(),
            _ => Vec::new(),
        };
        Position::new(uid.clone(), parents)
    }

    fn is(&self, ty: Option<&EntityType>) -> bool {
        ty.is_none_or(|ty| ty == self.uid.entity_type())
    }

    fn meets(&self, demand: &Demand) -> bool {
        let named = |uid: &EntityUID| match demand.exact {
            true => *uid == self.uid,
            false => self.within.contains(uid),
        };
        let within = demand.within.as_ref();
        self.is(demand.is.as_ref()) && within.is_none_or(|uids| uids.iter().any(named))
    }
}

impl RuleSet {
    /// With `options` as they are in every question's context.
    pub(crate) fn new(rules: Vec<Rule>, options: &[PackOption]) -> Self {
        let mut population = Map::<(u8, &EntityUID), usize>::default();
        for rule in &rules {
            for (var, demand) in (0..).zip(demands(&rule.scope)) {
                for uid in demand.within.iter().flatten() {
                    *population.entry((var, uid)).or_default() += 1;
                }
            }
        }
        let crowd = |var: u8, demand: &Demand| {
            let uids = demand.within.as_ref()?;
            let crowd = uids.iter().filter_map(|uid| population.get(&(var, uid)));
            Some(crowd.sum::<usize>())
        };
        let places: Vec<Option<u8>> = rules
            .iter()
            .map(|rule| {
                let crowds = (0..).zip(demands(&rule.scope));
                crowds
                    .filter_map(|(var, demand)| Some((crowd(var, demand)?, var)))
                    .min()
                    .map(|(_, var)| var)
            })
            .collect();
        let conditions = rules.iter().map(|rule| &rule.condition);
        let mut anatomy = Anatomy::new(options, conditions.clone());
        let mut set = RuleSet {
            conditions: conditions.map(|expr| anatomy.take_apart(expr)).collect(),
            places: anatomy.places(),
            ..RuleSet::default()
        };
        for ((ix, rule), place) in (0..).zip(&rules).zip(places) {
            set.place(ix, &rule.scope, place);
        }
        set.rules = rules;
        set
    }

    /// All that Cedar may be asked of conditions.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &Expr> {
        let parts = self.conditions.iter().flat_map(Condition::parts);
        parts.map(|part| &part.expr)
    }

    fn place(&mut self, ix: RuleIx, scope: &Scope, place: Option<u8>) {
        let (map, demand) = match place {
            Some(0) => (&mut self.by_principal, &scope.principal),
            Some(1) => (&mut self.by_action, &scope.action),
            Some(2) => (&mut self.by_resource, &scope.resource),
            _ => return self.always.push(ix),
        };
        for uid in demand.within.iter().flatten() {
            map.entry(uid.clone()).or_default().push(ix);
        }
    }

    pub(crate) fn get(&self, ix: RuleIx) -> Option<&Rule> {
        self.rules.get(ix as usize)
    }

    /// Evaluates the rules that can match.
    ///
    /// # Errors
    /// As [`World::asked`].
    pub(crate) fn evaluate(&self, world: &impl World) -> Result<Outcome, Fault> {
        let positions = world.positions()?;
        let mut answers = Answers::new(world, self.places);
        let mut outcome = Outcome::default();
        for ix in self.candidates(&positions) {
            let condition = self.conditions.get(ix as usize);
            let (Some(rule), Some(condition)) = (self.get(ix), condition) else {
                continue;
            };
            let mut demanded = positions.iter().zip(demands(&rule.scope));
            if demanded.all(|(position, demand)| position.meets(demand)) {
                let holds = answers.whether(condition, &rule.condition)?;
                outcome.record(ix, rule.effect, holds);
            }
        }
        Ok(outcome)
    }

    /// Ascending, each once.
    fn candidates(&self, positions: &[Position; 3]) -> Vec<RuleIx> {
        let mut found = self.always.clone();
        let maps = [&self.by_principal, &self.by_action, &self.by_resource];
        for (map, position) in maps.into_iter().zip(positions) {
            for uid in &position.within {
                found.extend(map.get(uid).into_iter().flatten());
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

impl Outcome {
    fn record(&mut self, ix: RuleIx, effect: Effect, holds: Result<bool, String>) {
        match (holds, effect) {
            (Ok(false), _) => {}
            (Ok(true), Effect::Allow) => self.permits.push(ix),
            (Ok(true), Effect::Deny) => self.forbids.push(ix),
            (Err(error), _) => self.errors.push((ix, error)),
        }
    }
}

fn demands(scope: &Scope) -> [&Demand; 3] {
    [&scope.principal, &scope.action, &scope.resource]
}
