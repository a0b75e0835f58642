//! Which rules can match a request at all, and what the rest of them say.
//!
//! Every rule sits under the one demand of its scope that fewest other rules
//! share. A request looks up what its principal, action and resource are and
//! are in; a rule that is not found there has a scope that is false, so plain
//! Cedar would not have been satisfied by it either, nor seen it fail: scopes
//! come first in a policy and cannot err. Of the rules that are found the whole
//! scope is compared, and only what they say besides is left to Cedar.

use std::collections::HashMap;

use cedar_policy_core::ast::{Context, EntityType, EntityUID, EntityUIDEntry, Expr, Request};
use cedar_policy_core::entities::{Dereference, Entities};
use cedar_policy_core::evaluator::Evaluator;
use cedar_policy_core::extensions::Extensions;

use super::Rule;
use super::condition::{Anatomy, Answers, Condition};
use super::rule::{Demand, Scope};
use crate::bundle::PackOption;
use crate::verdict::Effect;

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
    by_principal: HashMap<EntityUID, Vec<RuleIx>>,
    by_action: HashMap<EntityUID, Vec<RuleIx>>,
    by_resource: HashMap<EntityUID, Vec<RuleIx>>,
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
struct Position<'a> {
    uid: &'a EntityUID,
    within: Vec<&'a EntityUID>,
}

impl<'a> Position<'a> {
    fn of(uid: &'a EntityUID, entities: &'a Entities) -> Self {
        let mut within = vec![uid];
        if let Dereference::Data(entity) = entities.entity(uid) {
            within.extend(entity.ancestors());
        }
        Position { uid, within }
    }

    fn is(&self, ty: Option<&EntityType>) -> bool {
        ty.is_none_or(|ty| ty == self.uid.entity_type())
    }

    fn meets(&self, demand: &Demand) -> bool {
        let named = |uid: &EntityUID| match demand.exact {
            true => uid == self.uid,
            false => self.within.contains(&uid),
        };
        let within = demand.within.as_ref();
        self.is(demand.is.as_ref()) && within.is_none_or(|uids| uids.iter().any(named))
    }
}

impl RuleSet {
    /// With `options` as they are in every question's context.
    pub(crate) fn new(rules: Vec<Rule>, options: &[PackOption]) -> Self {
        let mut population = HashMap::<(u8, &EntityUID), usize>::new();
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
    pub(crate) fn evaluate(&self, question: &Question, entities: &Entities) -> Outcome {
        let principal = Position::of(&question.principal, entities);
        let action = Position::of(&question.action, entities);
        let resource = Position::of(&question.resource, entities);
        let evaluator = Evaluator::new(
            Request::new_unchecked(
                EntityUIDEntry::known(question.principal.clone(), None),
                EntityUIDEntry::known(question.action.clone(), None),
                EntityUIDEntry::known(question.resource.clone(), None),
                Some(question.context.clone()),
            ),
            entities,
            Extensions::all_available(),
        );
        let mut answers = Answers::new(evaluator, self.places);
        let mut outcome = Outcome::default();
        for ix in self.candidates(&principal, &action, &resource) {
            let condition = self.conditions.get(ix as usize);
            let (Some(rule), Some(condition)) = (self.get(ix), condition) else {
                continue;
            };
            let scope = &rule.scope;
            if principal.meets(&scope.principal)
                && action.meets(&scope.action)
                && resource.meets(&scope.resource)
            {
                let holds = answers.whether(condition, &rule.condition);
                outcome.record(ix, rule.effect, holds);
            }
        }
        outcome
    }

    /// Ascending, each once.
    fn candidates(
        &self,
        principal: &Position<'_>,
        action: &Position<'_>,
        resource: &Position<'_>,
    ) -> Vec<RuleIx> {
        let mut found = self.always.clone();
        let places = [
            (&self.by_principal, principal),
            (&self.by_action, action),
            (&self.by_resource, resource),
        ];
        for (map, position) in places {
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
