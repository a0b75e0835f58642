//! The pack's own `approve` rules, asked about one person and one resource at a time.

use std::collections::HashMap;

use cedar_policy_core::ast::{Context, EntityUID};
use cedar_policy_core::entities::Entities;

use crate::evidence::{Index, PersonIx};
use crate::facts::{SessionFacts, SigningRules};
use crate::policy::actions::ContextShape;
use crate::policy::context::ContextFacts;
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
    shape: Option<&'a ContextShape>,
    /// What `approve` takes where nothing is known of a session.
    facts: ContextFacts,
    context: Context,
    answers: HashMap<(PersonIx, Option<SessionFacts<'e>>, EntityUid), Option<Vec<String>>>,
}

impl<'a, 'e> ApproveRules<'a, 'e> {
    /// Of `facts`, the session is that of the one who asks and none of those who signed.
    pub(super) fn new(
        program: &'a Program,
        index: &'a Index<'e>,
        entities: &'a Entities,
        facts: &ContextFacts,
    ) -> Self {
        let action = program.vocabulary.uid("Action", "approve");
        let shape = action
            .as_ref()
            .and_then(|uid| program.vocabulary.action(uid));
        let shape = shape.map(|action| &action.context);
        let facts = facts.for_counting();
        let context = shape.map(|shape| facts.context(shape, false));
        ApproveRules {
            program,
            index,
            entities,
            action,
            context: context.unwrap_or_else(Context::empty),
            facts,
            shape,
            answers: HashMap::new(),
        }
    }

    /// As [`SigningRules::refusal`], without memory. Somebody or something
    /// that does not exist is refused.
    fn ask(
        &self,
        person: PersonIx,
        session: Option<SessionFacts<'e>>,
        resource: &EntityUid,
    ) -> Option<Vec<String>> {
        match self.question(person, session, resource) {
            Some(question) => self.answer(&self.program.rules, &question),
            None => Some(Vec::new()),
        }
    }

    /// What the rules are asked about a signature. `None` if somebody or something does not exist.
    pub(super) fn question(
        &self,
        person: PersonIx,
        session: Option<SessionFacts<'e>>,
        resource: &EntityUid,
    ) -> Option<Question> {
        let vocabulary = &self.program.vocabulary;
        Some(Question {
            principal: uid(&self.program.base.person, &self.index.person(person)?.id),
            action: self.action.clone()?,
            resource: vocabulary.uid(&resource.type_name, &resource.id)?,
            context: self.context(session),
        })
    }

    fn context(&self, session: Option<SessionFacts<'e>>) -> Context {
        match (session, self.shape) {
            (Some(session), Some(shape)) => self.facts.with_session(session).context(shape, false),
            _ => self.context.clone(),
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

impl<'e> SigningRules<'e> for ApproveRules<'_, 'e> {
    fn refusal(
        &mut self,
        person: PersonIx,
        session: Option<SessionFacts<'e>>,
        resource: &EntityUid,
    ) -> Option<Vec<String>> {
        let key = (person, session, resource.clone());
        if let Some(answer) = self.answers.get(&key) {
            return answer.clone();
        }
        let answer = self.ask(person, session, resource);
        self.answers.insert(key, answer.clone());
        answer
    }
}
