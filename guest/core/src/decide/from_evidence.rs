//! A request with raw evidence: facts first, then the rules.

#[cfg(not(target_arch = "wasm32"))]
mod facts;
mod missing;
mod named;
mod quorums;

use std::collections::BTreeSet;

use cedar_policy_core::ast::{Context, Entity, EntityUID};

use self::named::{action, cedar_context, extra_entities, principal, subject};
use super::plain::chain;
use super::signing::{ApproveRules, Asked};
use super::{Stop, explain};
use crate::bundle::{Quorum, QuorumOf};
use crate::cedar;
use crate::evidence::{
    Directory, Evidence, EvidenceError, Identity, Index, MachineIx, Names, PersonIx, Read,
};
use crate::facts::people::Standing;
use crate::facts::review::Favours;
use crate::facts::{
    ChangeFacts, DeploymentFacts, Judgement, SessionFacts, Setting, Shortfall, session_facts,
};
use crate::hashing::Key;
use crate::policy::actions::Action;
use crate::policy::context::{ContextFacts, Situation, check_time};
use crate::policy::direct::Direct;
use crate::policy::entities::Store;
use crate::policy::fact::Thing;
use crate::policy::{Question, Wanted};
use crate::program::Program;
use crate::request::{EntityUid, Request};
use crate::verdict::{Effect, Fault, Verdict, code};

#[cfg(not(target_arch = "wasm32"))]
use crate::Facts;

pub(super) fn decide(program: &Program, request: &Request, key: &Key) -> Result<Verdict, Stop> {
    now(request)?;
    let Read { evidence, unknown } = read(program, request)?;
    let names = names(&evidence, key)?;
    let directory = directory(&evidence, &names);
    let verdict = decide_on(program, request, &evidence, directory, key)?;
    Ok(Verdict {
        warnings: unknown,
        ..verdict
    })
}

/// Decides on evidence as read. The directory may be of other evidence than the rest.
pub(super) fn decide_on<'e>(
    program: &Program,
    request: &Request,
    evidence: &'e Evidence<'e>,
    directory: Directory<'e>,
    key: &Key,
) -> Result<Verdict, Stop> {
    let wanted = &program.wanted;
    on(program, request, evidence, directory, key, |case| {
        case.decide(wanted)
    })
}

/// What the rules are asked, to decide the request.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn facts(program: &Program, request: &Request, key: &Key) -> Result<Facts, Stop> {
    now(request)?;
    let Read { evidence, .. } = read(program, request)?;
    let names = names(&evidence, key)?;
    let directory = directory(&evidence, &names);
    let wanted = Wanted::all(program.schema.as_ref(), &program.base);
    on(program, request, &evidence, directory, key, |case| {
        case.tell(&wanted)
    })
}

fn names<'e>(evidence: &Evidence<'e>, key: &Key) -> Result<Names<'e>, EvidenceError> {
    Names::of(
        &evidence.people,
        &evidence.machines,
        &evidence.accounts,
        key,
    )
}

fn directory<'e>(evidence: &'e Evidence<'e>, names: &'e Names<'e>) -> Directory<'e> {
    Directory {
        people: &evidence.people,
        machines: &evidence.machines,
        names,
    }
}

/// What `answer` makes of the request and its evidence.
fn on<'e, T>(
    program: &Program,
    request: &Request,
    evidence: &'e Evidence<'e>,
    directory: Directory<'e>,
    key: &Key,
    answer: impl FnOnce(Case<'_, '_>) -> Result<T, Stop>,
) -> Result<T, Stop> {
    let now = now(request)?;
    let index = Index::build(evidence, directory, key)?;
    let standing = Standing::read(&index, now)?;
    answer(Case::new(program, request, &index, &standing, now)?)
}

fn now(request: &Request) -> Result<i64, Fault> {
    request
        .now
        .ok_or_else(|| Fault::invalid_request("`now` is missing: pass the time of the decision"))
}

fn read<'r>(program: &Program, request: &'r Request) -> Result<Read<'r>, Stop> {
    let json = request.evidence.as_deref().ok_or_else(|| {
        Fault::invalid_request(format!(
            "pack `{}` decides on evidence: pass `evidence`",
            program.description.name
        ))
    })?;
    Ok(Read::from_json(json)?)
}

/// The one asked about.
enum Subject<'e> {
    Change(Box<ChangeFacts<'e>>),
    Deployment(DeploymentFacts<'e>),
    /// Of a type that the pack's own schema declares.
    Other,
}

/// Who asks.
#[derive(Clone, Copy)]
enum Principal {
    Person(PersonIx),
    Machine(MachineIx),
}

/// Approvals and quorums of one change or deployment.
struct Signatures {
    resource: EntityUid,
    of: QuorumOf,
    judgement: Judgement,
}

/// What follows from the evidence, as the rules see it.
struct Derived<'a, 'e> {
    store: Store<'a, 'e>,
    facts: ContextFacts<'a>,
    signatures: Vec<Signatures>,
    /// Every need of every quorum that is not met, with the position of its signatures.
    shortfalls: Vec<(&'a Quorum, usize, Shortfall)>,
}

/// A request with its facts.
pub(super) struct Case<'a, 'e> {
    pub(super) program: &'a Program,
    request: &'a Request,
    pub(super) index: &'a Index<'e>,
    standing: &'a Standing<'e>,
    setting: Setting<'a>,
    action: (EntityUID, &'a Action),
    principal: Principal,
    subject: Subject<'e>,
    resource: EntityUID,
    favours: Favours,
    extra: Vec<Entity>,
}

impl<'a, 'e> Case<'a, 'e> {
    fn new(
        program: &'a Program,
        request: &'a Request,
        index: &'a Index<'e>,
        standing: &'a Standing<'e>,
        now: i64,
    ) -> Result<Self, Stop> {
        let setting = Setting {
            data: &program.data,
            now,
        };
        let (action_uid, action) = action(program, &request.action)?;
        let (principal, principal_uid) = principal(program, index, &request.principal)?;
        let extra = extra_entities(program, request)?;
        let (subject, resource_uid) = subject(program, index, setting, &request.resource, &extra)?;
        if !action.applies_to(&principal_uid, &resource_uid) {
            return Err(Stop::deny(
                code::UNKNOWN_ACTION,
                format!(
                    "`{}` is not something that a {} does to a {}",
                    request.action,
                    principal_uid.entity_type(),
                    resource_uid.entity_type()
                ),
            ));
        }
        Ok(Case {
            program,
            request,
            index,
            standing,
            setting,
            action: (action_uid, action),
            principal,
            subject,
            resource: resource_uid,
            favours: match action.context.counts() {
                true => Favours::read(index)?,
                false => Favours::default(),
            },
            extra,
        })
    }

    fn decide(self, wanted: &Wanted) -> Result<Verdict, Stop> {
        let Derived {
            store,
            facts,
            signatures,
            shortfalls,
        } = self.derive(wanted)?;
        let (_, action) = &self.action;
        let rules = &self.program.rules;
        let situation = Situation::new(facts.clone(), &action.context);
        let asked = self.asked(&store, &situation);
        self.check_context(&asked)?;
        let outcome = rules.evaluate(&asked)?;
        let if_met = if outcome.effect() == Effect::Deny && !shortfalls.is_empty() {
            let situation = situation.with_all_quorums_met();
            rules.evaluate(&self.asked(&store, &situation))?
        } else {
            outcome.clone()
        };
        let mut verdict = explain::verdict(self.program, self.request, &outcome, &if_met);
        let holding = explain::holding_quorums(self.program, &outcome, &if_met);
        let held = self.held(&signatures, &shortfalls, &holding);
        if !held.is_empty() {
            drop(situation);
            verdict.missing = self.missing(store, facts, held);
        }
        let approvals = signatures.into_iter().flat_map(|s| s.judgement.approvals);
        verdict.approvals = approvals.collect();
        Ok(verdict)
    }

    /// The question that the request is.
    fn asked<'s>(
        &'s self,
        store: &'s Store<'s, 'e>,
        situation: &'s Situation<'s>,
    ) -> Asked<'s, 'e> {
        let (action, Action { groups, .. }) = &self.action;
        Asked {
            direct: Direct {
                store,
                situation,
                principal: self.principal.thing(),
                resource: match &self.subject {
                    Subject::Change(facts) => Some(Thing::Change(facts)),
                    Subject::Deployment(facts) => Some(Thing::Deployment(facts)),
                    Subject::Other => None,
                },
            },
            action,
            groups,
            resource: &self.resource,
        }
    }

    /// The change or deployment of that name, if the request concerns it.
    pub(super) fn thing(&self, resource: &EntityUid) -> Option<Thing<'_>> {
        if let Subject::Deployment(facts) = &self.subject
            && resource.type_name == "Deployment"
        {
            let found = facts.deployment.id.as_str() == resource.id;
            return found.then_some(Thing::Deployment(facts));
        }
        let mut changes = self.changes().iter();
        let found = changes.find(|facts| facts.change.id.as_str() == resource.id);
        found
            .filter(|_| resource.type_name == "Change")
            .map(Thing::Change)
    }

    /// All that the rules look at.
    fn derive<'s>(&'s self, wanted: &'s Wanted) -> Result<Derived<'s, 'e>, Stop> {
        let store = self.store(wanted);
        if !self.extra.is_empty() {
            // They come from outside: what is wrong with them is wrong whatever the rules look at.
            store.entities()?;
        }
        let mut facts = self.context_facts()?;
        // What signers are asked sees no quorum, so that each is asked once, whatever the answer is for.
        let mut rules = ApproveRules::new(self, &store, &facts);
        let signatures = self.signatures(&mut rules)?;
        let shortfalls = self.shortfalls(&signatures);
        // A context that has to be as the schema says has to have all of it.
        let all = wanted.every_commit_reviewed || !self.action.1.context.others.is_empty();
        let of_approvals = self.approval_facts(&signatures, &mut rules, all)?;
        drop(rules);
        facts.met = self.met(&shortfalls);
        facts.approvals = Some(of_approvals);
        Ok(Derived {
            store,
            facts,
            signatures,
            shortfalls,
        })
    }

    /// Every entity that a rule can reach from the request or name by itself.
    fn store<'s>(&'s self, wanted: &'s Wanted) -> Store<'s, 'e> {
        let mut store = Store::new(
            &self.program.base,
            wanted,
            self.index,
            self.standing,
            &self.program.data,
        );
        store.add(self.program.vocabulary.action_entities.iter());
        store.add(&self.extra);
        match self.principal {
            Principal::Person(person) => store.add_person(person),
            Principal::Machine(machine) => store.add_machine(machine),
        }
        for person in self.signing_people().into_iter().chain(self.named_people()) {
            store.add_person(person);
        }
        match &self.subject {
            Subject::Change(facts) => store.add_change(facts),
            Subject::Deployment(facts) => store.add_deployment(facts),
            Subject::Other => {}
        }
        store
    }

    /// Whether the rules of the action look at signatures at all.
    fn counts(&self) -> bool {
        self.action.1.context.counts()
    }

    fn signing_people(&self) -> BTreeSet<PersonIx> {
        let mut accounts: Vec<&str> = Vec::new();
        if self.counts() {
            for change in self.changes() {
                accounts.extend(
                    change
                        .change
                        .approvals
                        .items
                        .iter()
                        .map(|a| a.account.as_str()),
                );
            }
            if let Subject::Deployment(facts) = &self.subject {
                let approvals = &facts.deployment.approvals.items;
                accounts.extend(approvals.iter().map(|a| a.account.as_str()));
            }
        }
        let person = |account| match self.index.identity(account) {
            Identity::Person(person) => Some(person),
            Identity::Machine(_) | Identity::Nobody => None,
        };
        accounts.into_iter().filter_map(person).collect()
    }

    /// People whom rules name: `Person::"ana".active` must find her.
    fn named_people(&self) -> BTreeSet<PersonIx> {
        let ids = self.program.named_people.iter();
        ids.filter_map(|id| self.index.person_ix(id)).collect()
    }

    fn changes(&self) -> &[ChangeFacts<'e>] {
        match &self.subject {
            Subject::Change(facts) => std::slice::from_ref(&**facts),
            Subject::Deployment(facts) => &facts.changes,
            Subject::Other => &[],
        }
    }

    fn context_facts(&self) -> Result<ContextFacts<'_>, Stop> {
        let others = self.request.context.as_deref().map(cedar_context);
        let others = others.transpose()?;
        if let Some(Context::Value(pairs)) = &others {
            let known = &self.action.1.context.others;
            let stranger = pairs.keys().find(|k| !known.contains(k.as_str()));
            if let Some(name) = stranger {
                return Err(Fault::invalid_request(format!(
                    "context: `{name}` is not an attribute that the pack's own schema adds to \
                     the context of `{}`",
                    self.request.action
                ))
                .into());
            }
        }
        check_time(self.setting.now)?;
        Ok(ContextFacts {
            setting: self.setting,
            session: self.session()?,
            counting: false,
            deployed_before: self.deployed_before(),
            approvals: None,
            met: BTreeSet::new(),
            others,
        })
    }

    /// How the one who asks is signed in.
    fn session(&self) -> Result<Option<SessionFacts<'_>>, Stop> {
        let whose = match self.principal {
            Principal::Person(person) => Identity::Person(person),
            Principal::Machine(machine) => Identity::Machine(machine),
        };
        let session = self.index.evidence.session.as_ref();
        let facts = |session| session_facts(self.index, session, whose, self.setting.now);
        Ok(session.map(facts).transpose()?)
    }

    /// Whether the one who asks deployed there before.
    fn deployed_before(&self) -> Option<bool> {
        let Subject::Deployment(facts) = &self.subject else {
            return None;
        };
        Some(match self.principal {
            Principal::Person(person) => facts.deployers.contains(&person),
            Principal::Machine(machine) => facts.machine_deployers.contains(&machine),
        })
    }

    /// What the request brought is checked against the schema; facts need no check.
    fn check_context(&self, asked: &Asked<'_, '_>) -> Result<(), Fault> {
        if self.action.1.context.others.is_empty() {
            return Ok(());
        }
        let Question {
            principal,
            action,
            resource,
            context,
        } = asked.question()?;
        cedar::Request::new(
            principal.into(),
            action.into(),
            resource.into(),
            context.into(),
            Some(&self.program.schema),
        )
        .map(drop)
        .map_err(|e| Fault::invalid_request(format!("context: {}", chain(&e))))
    }
}

impl Principal {
    fn thing(self) -> Thing<'static> {
        match self {
            Principal::Person(person) => Thing::Person(person),
            Principal::Machine(machine) => Thing::Machine(machine),
        }
    }
}
