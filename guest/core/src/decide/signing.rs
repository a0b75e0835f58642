//! The pack's own `approve` rules, asked about one person and one resource at a time.

use std::collections::HashMap;

use cedar_policy_core::ast::{Context, EntityUID};
use cedar_policy_core::entities::Entities;

use crate::evidence::{Index, PersonIx};
use crate::facts::SigningRules;
use crate::policy::entities::uid;
use crate::policy::{Question, RuleSet};
use crate::program::Program;
use crate::request::EntityUid;
use crate::verdict::Effect;

/// Answers are kept: the same person may have signed twice, and may be a candidate.
pub(super) struct ApproveRules<'a, 'e> {
    program: &'a Program,
    index: &'a Index<'e>,
    entities: &'a Entities,
    action: Option<EntityUID>,
    context: Context,
    answers: HashMap<(PersonIx, EntityUid), Option<Vec<String>>>,
}

impl<'a, 'e> ApproveRules<'a, 'e> {
    /// `context` is what `approve` takes.
    pub(super) fn new(
        program: &'a Program,
        index: &'a Index<'e>,
        entities: &'a Entities,
        context: Context,
    ) -> Self {
        ApproveRules {
            program,
            index,
            entities,
            action: program.vocabulary.uid("Action", "approve"),
            context,
            answers: HashMap::new(),
        }
    }

    /// As [`SigningRules::refusal`], without memory. Somebody or something
    /// that does not exist is refused.
    fn ask(&self, person: PersonIx, resource: &EntityUid) -> Option<Vec<String>> {
        let vocabulary = &self.program.vocabulary;
        let question = || {
            Some(Question {
                principal: uid(&self.program.base.person, &self.index.person(person)?.id),
                action: self.action.clone()?,
                resource: vocabulary.uid(&resource.type_name, &resource.id)?,
                context: self.context.clone(),
            })
        };
        match question() {
            Some(question) => self.answer(&self.program.rules, &question),
            None => Some(Vec::new()),
        }
    }

    fn answer(&self, rules: &RuleSet, question: &Question) -> Option<Vec<String>> {
        let outcome = rules.evaluate(question, self.entities);
        if outcome.effect() == Effect::Allow {
            return None;
        }
        let errors = outcome.errors.iter().map(|(ix, _)| *ix);
        let against = errors.chain(outcome.forbids.iter().copied());
        let ids = against.filter_map(|ix| Some(rules.get(ix)?.id.clone()));
        Some(ids.collect())
    }
}

impl SigningRules for ApproveRules<'_, '_> {
    fn refusal(&mut self, person: PersonIx, resource: &EntityUid) -> Option<Vec<String>> {
        let key = (person, resource.clone());
        if let Some(answer) = self.answers.get(&key) {
            return answer.clone();
        }
        let answer = self.ask(person, resource);
        self.answers.insert(key, answer.clone());
        answer
    }
}
