//! A request with raw evidence: facts first, then the rules.

#[cfg(not(target_arch = "wasm32"))]
mod facts;
mod missing;

use std::collections::BTreeSet;

use cedar_policy_core::ast::{Context, Entity, EntityUID};
use cedar_policy_core::entities::Entities;

use super::plain::chain;
use super::signing::{ApproveRules, Asked};
use super::{Stop, explain};
use crate::bundle::{Quorum, QuorumOf};
use crate::cedar;
use crate::evidence::{Evidence, Identity, Index, MachineIx, PersonIx, Read};
use crate::facts::people::Standing;
use crate::facts::review::{self, Favours, every_commit_reviewed, owners_covered};
use crate::facts::{
    ChangeFacts, DeploymentFacts, Judgement, SessionFacts, Setting, Shortfall, Signer,
    change_facts, count_change, count_deployment, deployment_facts, separate_shortfalls,
    session_facts, shortfalls,
};
use crate::policy::actions::Action;
use crate::policy::context::{ApprovalFacts, ContextFacts, Situation, check_time};
use crate::policy::direct::Direct;
use crate::policy::entities::{Store, uid};
use crate::policy::fact::Thing;
use crate::policy::{Question, Wanted};
use crate::program::Program;
use crate::request::{EntityUid, Request};
use crate::verdict::{Effect, Fault, Verdict, code};

#[cfg(not(target_arch = "wasm32"))]
use crate::Facts;

pub(super) fn decide(program: &Program, request: &Request) -> Result<Verdict, Stop> {
    let now = now(request)?;
    let Read { evidence, unknown } = read(program, request)?;
    let wanted = &program.wanted;
    let verdict = on(program, request, &evidence, now, |case| case.decide(wanted))?;
    Ok(Verdict {
        warnings: unknown,
        ..verdict
    })
}

/// What the rules are asked, to decide the request.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn facts(program: &Program, request: &Request) -> Result<Facts, Stop> {
    let now = now(request)?;
    let Read { evidence, .. } = read(program, request)?;
    let wanted = Wanted::all(program.schema.as_ref(), &program.base);
    on(program, request, &evidence, now, |case| case.tell(&wanted))
}

/// What `answer` makes of the request and its evidence.
fn on<T>(
    program: &Program,
    request: &Request,
    evidence: &Evidence<'_>,
    now: i64,
    answer: impl FnOnce(Case<'_, '_>) -> Result<T, Stop>,
) -> Result<T, Stop> {
    let index = Index::build(evidence)?;
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
    index: &'a Index<'e>,
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
        store.add(&self.program.vocabulary.action_entities);
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

    /// Counts the approvals of everything that the request concerns.
    fn signatures(&self, rules: &mut ApproveRules<'_, 'e>) -> Result<Vec<Signatures>, Stop> {
        if !self.counts() {
            return Ok(Vec::new());
        }
        let mut list = Vec::new();
        for change in self.changes() {
            list.push(Signatures {
                resource: EntityUid::new("Change", change.change.id.as_str()),
                of: QuorumOf::Change,
                judgement: count_change(self.index, self.setting, change, rules)?,
            });
        }
        if let Subject::Deployment(facts) = &self.subject {
            let (action, now) = (self.request.action.id.as_str(), self.setting.now);
            list.push(Signatures {
                resource: EntityUid::new("Deployment", facts.deployment.id.as_str()),
                of: QuorumOf::Deployment,
                judgement: count_deployment(self.index, facts, action, now, rules)?,
            });
        }
        Ok(list)
    }

    fn quorums(&self) -> impl Iterator<Item = &'a Quorum> {
        let names = self.action.1.context.quorums.as_ref();
        let named = move |q: &&Quorum| names.is_some_and(|names| names.contains(&q.name));
        self.program.description.quorums.iter().filter(named)
    }

    /// Every need of every quorum that is not met, with the position of its signatures.
    fn shortfalls(&self, signatures: &[Signatures]) -> Vec<(&'a Quorum, usize, Shortfall)> {
        let mut list = Vec::new();
        for quorum in self.quorums() {
            for (ix, signed) in signatures.iter().enumerate() {
                if signed.of == quorum.of {
                    let signers = self.signers(quorum, self.changes().get(ix), &signed.judgement);
                    let open = match quorum.one_person_may_fill_several {
                        true => separate_shortfalls(&quorum.need, &signers),
                        false => shortfalls(&quorum.need, &signers),
                    };
                    list.extend(open.into_iter().map(|open| (quorum, ix, open)));
                }
            }
        }
        list
    }

    fn signers<'q>(
        &self,
        quorum: &'q Quorum,
        change: Option<&ChangeFacts<'_>>,
        judgement: &Judgement,
    ) -> Vec<Signer<'q>> {
        let fills = |person, need: &&String| self.standing.fills(self.index, person, need);
        let signer = |person| {
            let needs = quorum.need.keys();
            let fills = needs.filter(|need| fills(person, need));
            Signer {
                fills: fills.map(String::as_str).collect(),
            }
        };
        let signers = self.unbiased(quorum, change, judgement);
        signers.into_iter().map(signer).collect()
    }

    /// Whose approvals count and are not left out by the quorum.
    fn unbiased(
        &self,
        quorum: &Quorum,
        change: Option<&ChangeFacts<'_>>,
        judgement: &Judgement,
    ) -> Vec<PersonIx> {
        let signers = judgement.signers.iter().copied();
        let (Some(change), false) = (change, quorum.leaves_out.is_nobody()) else {
            return signers.collect();
        };
        let taken = review::seconds_taken(change, judgement);
        let unbiased = signers.zip(taken).filter(|(person, seconds)| {
            !self.owes_a_favour(quorum, change, *person) && !self.is_too_quick(quorum, *seconds)
        });
        unbiased.map(|(person, _)| person).collect()
    }

    /// Whether the quorum leaves out a person who approved a contributor's work, and the other way round, so often. Where
    /// that, or how often, is not known, it does.
    fn owes_a_favour(&self, quorum: &Quorum, change: &ChangeFacts<'_>, person: PersonIx) -> bool {
        let Some(option) = &quorum.leaves_out.reciprocal_reviews else {
            return false;
        };
        let often = self.favours.between(&change.contributors.people, person);
        let limit = self.setting.data.number(option);
        often.zip(limit).is_none_or(|(often, limit)| often >= limit)
    }

    /// Whether the quorum leaves out an approval that took so long. Where that is not known, it does.
    fn is_too_quick(&self, quorum: &Quorum, seconds: Option<i64>) -> bool {
        let Some(option) = &quorum.leaves_out.quicker_than_seconds else {
            return false;
        };
        let limit = self.setting.data.number(option);
        seconds
            .zip(limit)
            .is_none_or(|(seconds, limit)| seconds < limit)
    }

    /// A quorum of nothing is not met: there must be something that meets it.
    fn met(&self, shortfalls: &[(&Quorum, usize, Shortfall)]) -> BTreeSet<String> {
        let subjects = |of| match of {
            QuorumOf::Change => !self.changes().is_empty(),
            QuorumOf::Deployment => matches!(self.subject, Subject::Deployment(_)),
        };
        let short = |quorum: &Quorum| shortfalls.iter().any(|(q, ..)| q.name == quorum.name);
        let met = self.quorums().filter(|q| subjects(q.of) && !short(q));
        met.map(|quorum| quorum.name.clone()).collect()
    }

    /// Facts that are made from approvals; of commits, if they are asked for.
    fn approval_facts(
        &self,
        signatures: &[Signatures],
        rules: &mut ApproveRules<'_, 'e>,
        commits: bool,
    ) -> Result<ApprovalFacts, Stop> {
        let own = signatures.last();
        let signers = own.map_or(&[][..], |s| &s.judgement.signers);
        let objections = || signatures.iter().map(|s| &s.judgement.objectors);
        let objectors = objections().flat_map(|objectors| &objectors.people);
        let machines = objections().flat_map(|objectors| &objectors.machines);
        let of_changes = self.changes().iter().zip(signatures);
        let of_changes = of_changes.flat_map(|(_, s)| &s.judgement.signers);
        let (mut reviewed, mut covered) = (true, true);
        let (mut mutual, mut quickest) = (Some(0), Some(i64::MAX));
        for (change, signed) in self.changes().iter().zip(signatures) {
            let (index, judgement) = (self.index, &signed.judgement);
            let now = self.setting.now;
            if commits {
                reviewed &= every_commit_reviewed(index, change, judgement, now, rules)?;
            }
            covered &= owners_covered(index, change, &judgement.signers)?;
            let people = &change.contributors.people;
            let pair = self.favours.most(people, &judgement.signers);
            mutual = mutual.zip(pair).map(|(most, here)| most.max(here));
            let here = review::quickest(change, judgement);
            quickest = quickest.zip(here).map(|(least, here)| least.min(here));
        }
        let something = !self.changes().is_empty() && !signatures.is_empty();
        Ok(ApprovalFacts {
            approvers: signers.iter().copied().collect(),
            objectors: objectors.copied().collect(),
            machine_objectors: machines.copied().collect(),
            change_approvers: of_changes.copied().collect(),
            every_commit_reviewed: commits.then_some(something && reviewed),
            owners_covered: something && covered,
            reciprocal_reviews: mutual.filter(|_| something),
            quickest_approval_seconds: quickest.filter(|_| something),
        })
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

fn action<'a>(program: &'a Program, uid: &EntityUid) -> Result<(EntityUID, &'a Action), Stop> {
    let vocabulary = &program.vocabulary;
    let found = vocabulary.uid(&uid.type_name, &uid.id);
    found
        .and_then(|uid| Some((uid.clone(), vocabulary.action(&uid)?)))
        .ok_or_else(|| {
            Stop::deny(
                code::UNKNOWN_ACTION,
                format!("the pack has no action `{uid}`"),
            )
        })
}

fn principal(
    program: &Program,
    index: &Index<'_>,
    request: &EntityUid,
) -> Result<(Principal, EntityUID), Stop> {
    let id = request.id.as_str();
    let found = match request.type_name.as_str() {
        "Person" => index.person_ix(id).map(Principal::Person),
        "Machine" => index.machine_ix(id).map(Principal::Machine),
        "Account" => match index.identity(id) {
            Identity::Person(person) => Some(Principal::Person(person)),
            Identity::Machine(machine) => Some(Principal::Machine(machine)),
            Identity::Nobody => None,
        },
        _ => None,
    };
    let named = found.and_then(|principal| {
        let uid = match principal {
            Principal::Person(ix) => uid(&program.base.person, &index.person(ix)?.id),
            Principal::Machine(ix) => uid(&program.base.machine, &index.machine(ix)?.id),
        };
        Some((principal, uid))
    });
    named.ok_or_else(|| {
        Stop::deny(
            code::UNKNOWN_PRINCIPAL,
            format!("`{request}` is nobody in the directory of the evidence"),
        )
    })
}

fn subject<'e>(
    program: &Program,
    index: &Index<'e>,
    setting: Setting<'_>,
    resource: &EntityUid,
    extra: &[Entity],
) -> Result<(Subject<'e>, EntityUID), Stop> {
    let id = resource.id.as_str();
    let unknown = || {
        Stop::deny(
            code::UNKNOWN_RESOURCE,
            format!("the evidence does not have `{resource}`"),
        )
    };
    match resource.type_name.as_str() {
        "Change" => {
            let change = index.change(id).ok_or_else(unknown)?;
            let facts = Box::new(change_facts(index, setting, change)?);
            Ok((Subject::Change(facts), uid(&program.base.change, id)))
        }
        "Deployment" => {
            let deployment = index.deployment(id).ok_or_else(unknown)?;
            let facts = deployment_facts(index, setting, deployment)?;
            Ok((
                Subject::Deployment(facts),
                uid(&program.base.deployment, id),
            ))
        }
        other => {
            let uid = program.vocabulary.uid(other, id).ok_or_else(unknown)?;
            let known = extra.iter().any(|entity| *entity.uid() == uid);
            known.then_some((Subject::Other, uid)).ok_or_else(unknown)
        }
    }
}

/// Entities that the request brings: only of types that the pack's own schema
/// declares. What the base schema declares follows from evidence alone.
fn extra_entities(program: &Program, request: &Request) -> Result<Vec<Entity>, Fault> {
    let Some(json) = &request.entities else {
        return Ok(Vec::new());
    };
    let entities = cedar::Entities::from_json_str(json, Some(&program.schema))
        .map_err(|e| Fault::invalid_request(format!("entities: {}", chain(&e))))?;
    let base = program.base.all();
    let mut list = Vec::new();
    for entity in AsRef::<Entities>::as_ref(&entities).iter() {
        let ty = entity.uid().entity_type();
        if base.contains(&ty) {
            return Err(Fault::invalid_request(format!(
                "entities: `{}` is of a type of the base schema, which only evidence may fill",
                entity.uid()
            )));
        }
        if !ty.is_action() {
            list.push(entity.clone());
        }
    }
    Ok(list)
}

fn cedar_context(json: &str) -> Result<Context, Fault> {
    let context = cedar::Context::from_json_str(json, None)
        .map_err(|e| Fault::invalid_request(format!("context: {}", chain(&e))))?;
    Ok(AsRef::<Context>::as_ref(&context).clone())
}
