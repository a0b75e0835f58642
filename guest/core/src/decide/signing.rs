//! Questions about facts, and the pack's own `approve` rules, asked about one person and one resource at a time.

use cedar_policy_core::ast::{EntityUID, Expr, Request};
use cedar_policy_core::entities::Entities;

use super::from_evidence::Case;
use crate::evidence::PersonIx;
use crate::facts::{SessionFacts, SigningRules};
use crate::hashing::Map;
use crate::policy::actions::Action;
use crate::policy::context::{ContextFacts, Situation};
use crate::policy::direct::Direct;
use crate::policy::entities::Store;
use crate::policy::fact::Thing;
use crate::policy::{Position, Question, World};
use crate::request::EntityUid;
use crate::verdict::{Effect, Fault};

/// A question about facts.
pub(super) struct Asked<'d, 'e> {
    pub(super) direct: Direct<'d, 'e>,
    pub(super) action: &'d EntityUID,
    /// Groups that the action is in.
    pub(super) groups: &'d [EntityUID],
    pub(super) resource: &'d EntityUID,
}

impl Asked<'_, '_> {
    /// In Cedar's terms.
    pub(super) fn question(&self) -> Result<Question, Fault> {
        let Direct {
            store, situation, ..
        } = self.direct;
        Ok(Question {
            principal: self.principal()?,
            action: self.action.clone(),
            resource: self.resource.clone(),
            context: situation.context(store).clone(),
        })
    }

    fn principal(&self) -> Result<EntityUID, Fault> {
        let principal = self.direct.store.uid(self.direct.principal);
        principal.ok_or_else(|| Fault::internal("whoever is asked about is nobody"))
    }
}

impl World for Asked<'_, '_> {
    fn positions(&self) -> Result<[Position; 3], Fault> {
        let store = self.direct.store;
        Ok([
            Position::new(self.principal()?, store.parents(self.direct.principal)),
            Position::new(self.action.clone(), self.groups.to_vec()),
            match self.direct.resource {
                Some(thing) => Position::new(self.resource.clone(), store.parents(thing)),
                None => Position::of(self.resource, store.entities()?),
            },
        ])
    }

    fn known(&self, part: &Expr) -> Option<bool> {
        self.direct.holds(part)
    }

    fn asked(&self) -> Result<(Request, &Entities), Fault> {
        Ok((self.question()?.request(), self.direct.store.entities()?))
    }
}

/// Who signed, how they were signed in, and for what.
type Signature<'e> = (PersonIx, Option<SessionFacts<'e>>, EntityUid);

/// Answers are kept: the same person may have signed twice, and may be a candidate.
pub(super) struct ApproveRules<'s, 'e> {
    case: &'s Case<'s, 'e>,
    store: &'s Store<'s, 'e>,
    action: Option<(EntityUID, &'s Action)>,
    facts: ContextFacts<'s>,
    /// Where nothing is known of a session.
    situation: Option<Situation<'s>>,
    answers: Map<Signature<'e>, Option<Vec<String>>>,
}

impl<'s, 'e> ApproveRules<'s, 'e> {
    /// Of `facts`, the session is that of the one who asks and none of those who signed.
    pub(super) fn new(
        case: &'s Case<'s, 'e>,
        store: &'s Store<'s, 'e>,
        facts: &ContextFacts<'s>,
    ) -> Self {
        let vocabulary = &case.program.vocabulary;
        let action = vocabulary.uid("Action", "approve");
        let action = action.and_then(|uid| Some((uid.clone(), vocabulary.action(&uid)?)));
        let facts = facts.for_counting(None);
        let situation = action.as_ref();
        ApproveRules {
            situation: situation.map(|(_, action)| Situation::new(facts.clone(), &action.context)),
            case,
            store,
            action,
            facts,
            answers: Map::with_hasher(case.index.key.clone()),
        }
    }

    /// What `answer` makes of the question about a signature. `None` if somebody or something does not exist.
    fn on<T>(
        &self,
        (person, session, resource): &Signature<'e>,
        answer: impl FnOnce(&Asked<'_, 'e>) -> Result<T, Fault>,
    ) -> Option<Result<T, Fault>> {
        let (
            action,
            Action {
                groups, context, ..
            },
        ) = self.action.as_ref()?;
        let signed_in;
        let situation = match session {
            Some(session) => {
                signed_in = Situation::new(self.facts.for_counting(Some(*session)), context);
                &signed_in
            }
            None => self.situation.as_ref()?,
        };
        let principal = Thing::Person(*person);
        self.store.uid(principal)?;
        let thing = self.case.thing(resource)?;
        Some(answer(&Asked {
            direct: Direct {
                store: self.store,
                situation,
                principal,
                resource: Some(thing),
            },
            action,
            groups,
            resource: &self.store.uid(thing)?,
        }))
    }

    /// What the rules are asked about a signature. `None` if somebody or something does not exist.
    #[cfg(not(target_arch = "wasm32"))]
    pub(super) fn question(
        &self,
        person: PersonIx,
        session: Option<SessionFacts<'e>>,
        resource: &EntityUid,
    ) -> Option<Result<Question, Fault>> {
        self.on(&(person, session, resource.clone()), |asked| {
            asked.question()
        })
    }

    /// As [`SigningRules::refusal`], without memory. Somebody or something that does not exist is refused, and so is
    /// everybody where the rules cannot be asked.
    fn ask(&self, signature: &Signature<'e>) -> Option<Vec<String>> {
        let rules = &self.case.program.rules;
        let outcome = self.on(signature, |asked| rules.evaluate(asked));
        let Some(Ok(outcome)) = outcome else {
            return Some(Vec::new());
        };
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
        let signature = (person, session, resource.clone());
        if let Some(answer) = self.answers.get(&signature) {
            return answer.clone();
        }
        let answer = self.ask(&signature);
        self.answers.insert(signature, answer.clone());
        answer
    }
}
