//! Everything that can be asked of one pack, asked.

use std::collections::BTreeSet;
use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use cedar_policy_symcc::{CompiledPolicySet, Env};
use serde::{Deserialize, Serialize};
use sod_core::Effect;
use sod_core::cedar::{Decision, EntityUid, Policy, RequestEnv};
use sod_pack::{Pack, Rule};

use crate::assumptions::Options;
use crate::counterexample::Counterexample;
use crate::error::ProveError;
use crate::question::{Theory, anything, as_permit, policy};
use crate::simplify::{Judge, simplify};
use crate::solver::{Answer, Session, Solver};

/// Raised whenever other questions are asked, or asked otherwise: answers to the old ones are worth nothing then.
pub const REVISION: u32 = 2;

/// What is to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A forbid in `invariants`: no request that it matches is allowed.
    NeverAllowed,
    /// A permit in `invariants`: every request that it matches is allowed.
    AlwaysAllowed,
    /// Some request is matched by the invariant: otherwise it promises nothing.
    SaysSomething,
    /// No request makes the rule err.
    NeverErrs,
    /// Some request is matched by the rule.
    CanApply,
    /// Some request that the permit matches is forbidden by no rule.
    CanPermit,
    /// Some request that the forbid matches is forbidden by no other rule.
    CanForbid,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub enum Outcome {
    /// It holds.
    Proved {
        /// It follows from the forbids alone, whatever options are chosen: no pack on top can undo it.
        whatever_is_added: bool,
    },
    /// It does not.
    Broken {
        /// A request that shows it, if one can.
        counterexample: Option<Box<Counterexample>>,
    },
    /// The solver does not know, or not in time.
    Undecided,
}

/// One property of a pack, and what was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Property {
    /// What is to hold.
    pub kind: Kind,
    /// `@id` of the invariant or rule.
    pub id: String,
    /// What was found.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// Asks everything about a pack: its invariants and those of all that it includes, and of its own rules whether they
/// may err, and whether they can ever apply.
///
/// # Errors
/// There is no solver, or it fails.
pub fn prove(pack: &Pack, solver: &Solver) -> Result<Vec<Property>, ProveError> {
    let questions = Questions::new(pack)?;
    let environments = questions.theory.environments.len();
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Found::new(questions.asked.len()));
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        let work = || -> Result<(), ProveError> {
            let mut session = solver.start()?;
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(env) = questions.theory.environments.get(at) else {
                    return Ok(());
                };
                questions.ask(env, at, &mut session, &found)?;
            }
        };
        let threads = (0..threads.min(environments)).map(|_| scope.spawn(work));
        let threads: Vec<_> = threads.collect();
        threads.into_iter().try_for_each(|thread| {
            let died = |_| ProveError::Solver("a thread of the proof died".to_owned());
            thread.join().map_err(died)?
        })
    })?;
    let found = found
        .into_inner()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    Ok(questions.answered(found))
}

/// One property, ready to be asked.
struct Asked<'p> {
    kind: Kind,
    rule: &'p Rule,
    policy: Policy,
    permit: Policy,
}

struct Questions<'p> {
    theory: Theory,
    rules: Vec<Policy>,
    /// Every forbid, and a permit of everything: the least that any pack on top leaves in place.
    floor: Vec<Policy>,
    known: BTreeSet<EntityUid>,
    asked: Vec<Asked<'p>>,
}

/// What is known so far of each property.
struct Found {
    /// By position in `asked`.
    each: Vec<Seen>,
}

#[derive(Default, Clone)]
struct Seen {
    /// Of the environment that comes first, so that the answer does not depend on which thread is quicker.
    example: Option<(usize, Box<Counterexample>)>,
    /// For what some request is to show: one was found.
    shown: bool,
    undecided: bool,
    /// The forbids alone do not do.
    needs_rules: bool,
}

impl Found {
    fn new(count: usize) -> Self {
        Found {
            each: vec![Seen::default(); count],
        }
    }
}

impl<'p> Questions<'p> {
    fn new(pack: &'p Pack) -> Result<Self, ProveError> {
        let bundle = pack.bundle();
        let parse = |rule: &Rule| policy(&rule.id, &rule.text);
        let rules = pack.rules().iter().map(parse);
        let rules = rules.collect::<Result<Vec<_>, _>>()?;
        let forbids = pack.rules().iter().zip(&rules);
        let forbids = forbids.filter(|(rule, _)| rule.effect == Effect::Deny);
        let mut floor: Vec<Policy> = forbids.map(|(_, policy)| policy.clone()).collect();
        floor.push(anything()?);
        let mut asked = Vec::new();
        for rule in pack.invariants() {
            let kind = match rule.effect {
                Effect::Deny => Kind::NeverAllowed,
                Effect::Allow => Kind::AlwaysAllowed,
            };
            asked.push(Asked::new(kind, rule)?);
            asked.push(Asked::new(Kind::SaysSomething, rule)?);
        }
        for rule in pack.own_rules() {
            asked.push(Asked::new(Kind::NeverErrs, rule)?);
            asked.push(Asked::new(Kind::CanApply, rule)?);
            let matters = match rule.effect {
                Effect::Allow => Kind::CanPermit,
                Effect::Deny => Kind::CanForbid,
            };
            asked.push(Asked::new(matters, rule)?);
        }
        let policies = rules.iter().chain(asked.iter().map(|asked| &asked.policy));
        let known = policies.flat_map(Policy::entity_literals).collect();
        Ok(Questions {
            theory: Theory::new(&bundle)?,
            rules,
            floor,
            known,
            asked,
        })
    }

    /// Every property in one environment.
    fn ask(
        &self,
        env: &RequestEnv,
        at: usize,
        session: &mut Session,
        found: &Mutex<Found>,
    ) -> Result<(), ProveError> {
        // From facts that contradict each other everything would follow.
        let possible = self
            .theory
            .compile([&anything()?], Some(Options::Chosen), env)?;
        if let Answer::Never = session.allowed(&possible)? {
            let message = format!(
                "what is known of {} requests contradicts itself",
                env.action()
            );
            return Err(ProveError::Untranslatable(message));
        }
        let pack = InEnvironment {
            questions: self,
            env,
            rules: self
                .theory
                .compile(&self.rules, Some(Options::Chosen), env)?,
            floor: self.theory.compile(&self.floor, Some(Options::Any), env)?,
        };
        for (number, asked) in self.asked.iter().enumerate() {
            let shown = |found: &Found| found.each.get(number).is_some_and(|seen| seen.shown);
            if asked.kind.needs_a_request() && shown(&lock(found)) {
                continue;
            }
            let reply = pack.reply(asked, session)?;
            if let Some(seen) = lock(found).each.get_mut(number) {
                seen.take(at, reply, |env| self.example(asked, env))?;
            }
        }
        Ok(())
    }

    /// Readable, and without what is not needed to show it.
    fn example(&self, asked: &Asked<'_>, env: &Env) -> Result<Counterexample, ProveError> {
        let example = Counterexample::new(env, &self.known)?;
        let rules = self.rules.iter();
        let (rules, decision) = match asked.kind {
            Kind::NeverAllowed => (rules.collect(), Decision::Allow),
            Kind::AlwaysAllowed => (rules.collect(), Decision::Deny),
            // Nothing is shown of these but that there is one.
            _ => return Ok(example),
        };
        let invariant = self.theory.known(Options::Chosen).iter();
        let invariant = invariant.chain([&asked.permit]).collect();
        let sets = [(rules, decision), (invariant, Decision::Allow)];
        let judge = Judge::new(self.theory.schema(), sets);
        Ok(match judge {
            Some(judge) => simplify(example, &judge),
            None => example,
        })
    }

    fn answered(&self, found: Found) -> Vec<Property> {
        let asked = self.asked.iter().zip(found.each);
        let properties = asked.map(|(asked, seen)| Property {
            kind: asked.kind,
            id: asked.rule.id.clone(),
            outcome: seen.outcome(asked.kind),
        });
        let properties: Vec<Property> = properties.collect();
        let idle = properties
            .iter()
            .filter(|one| one.kind == Kind::CanApply && one.is_broken());
        let idle: BTreeSet<String> = idle.map(|one| one.id.clone()).collect();
        // A rule that never applies has no effect either: said once.
        let says_more = |one: &Property| {
            !(matches!(one.kind, Kind::CanPermit | Kind::CanForbid) && idle.contains(&one.id))
        };
        properties.into_iter().filter(says_more).collect()
    }
}

impl Property {
    fn is_broken(&self) -> bool {
        matches!(self.outcome, Outcome::Broken { .. })
    }
}

fn lock(found: &Mutex<Found>) -> std::sync::MutexGuard<'_, Found> {
    found
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Kind {
    /// The name that programs read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::NeverAllowed => "never-allowed",
            Kind::AlwaysAllowed => "always-allowed",
            Kind::SaysSomething => "says-something",
            Kind::NeverErrs => "never-errs",
            Kind::CanApply => "can-apply",
            Kind::CanPermit => "can-permit",
            Kind::CanForbid => "can-forbid",
        }
    }

    /// It holds if there is a request, not if there is none.
    fn needs_a_request(self) -> bool {
        matches!(
            self,
            Kind::SaysSomething | Kind::CanApply | Kind::CanPermit | Kind::CanForbid
        )
    }
}

impl<'p> Asked<'p> {
    fn new(kind: Kind, rule: &'p Rule) -> Result<Self, ProveError> {
        let policy = policy(&rule.id, &rule.text)?;
        Ok(Asked {
            kind,
            rule,
            permit: as_permit(&policy)?,
            policy,
        })
    }
}

/// The pack as it decides one kind of request.
struct InEnvironment<'q> {
    questions: &'q Questions<'q>,
    env: &'q RequestEnv,
    rules: CompiledPolicySet,
    floor: CompiledPolicySet,
}

/// What the solver says of a property in one environment.
enum Reply {
    /// No request of this kind does what was asked for.
    Never,
    /// As [`Reply::Never`], and for invariants only with the pack's own permits and options.
    NotByForbidsAlone,
    Found(Box<Env>),
    Unknown,
}

impl InEnvironment<'_> {
    fn reply(&self, asked: &Asked<'_>, session: &mut Session) -> Result<Reply, ProveError> {
        let theory = &self.questions.theory;
        let alone = || theory.compile([&asked.permit], None, self.env);
        let known = || theory.compile([&asked.permit], Some(Options::Any), self.env);
        let answer = match asked.kind {
            Kind::NeverAllowed => {
                let invariant = alone()?;
                if let Answer::Never = session.allowed_by_both(&self.floor, &invariant)? {
                    return Ok(Reply::Never);
                }
                return Ok(match session.allowed_by_both(&self.rules, &invariant)? {
                    Answer::Never => Reply::NotByForbidsAlone,
                    other => other.into(),
                });
            }
            Kind::AlwaysAllowed => {
                let invariant = theory.compile([&asked.permit], Some(Options::Chosen), self.env)?;
                return Ok(match session.allowed_only_by(&invariant, &self.rules)? {
                    Answer::Never => Reply::NotByForbidsAlone,
                    other => other.into(),
                });
            }
            Kind::NeverErrs => session.errs(&theory.compile_one(&asked.policy, self.env)?)?,
            Kind::SaysSomething | Kind::CanApply => session.allowed(&known()?)?,
            Kind::CanPermit => session.allowed_by_both(&self.floor, &known()?)?,
            Kind::CanForbid => {
                let others = self.questions.floor.iter();
                let others = others.filter(|other| other.id() != asked.policy.id());
                let others = theory.compile(others, Some(Options::Any), self.env)?;
                session.allowed_by_both(&others, &alone()?)?
            }
        };
        Ok(answer.into())
    }
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Never => Reply::Never,
            Answer::Found(env) => Reply::Found(env),
            Answer::Unknown => Reply::Unknown,
        }
    }
}

impl Seen {
    fn take(
        &mut self,
        at: usize,
        reply: Reply,
        read: impl FnOnce(&Env) -> Result<Counterexample, ProveError>,
    ) -> Result<(), ProveError> {
        match reply {
            Reply::Never => {}
            Reply::NotByForbidsAlone => self.needs_rules = true,
            Reply::Unknown => self.undecided = true,
            Reply::Found(env) => {
                self.shown = true;
                if self.example.as_ref().is_none_or(|(first, _)| at < *first) {
                    self.example = Some((at, Box::new(read(&env)?)));
                }
            }
        }
        Ok(())
    }

    fn outcome(self, kind: Kind) -> Outcome {
        let proved = Outcome::Proved {
            whatever_is_added: kind == Kind::NeverAllowed && !self.needs_rules,
        };
        match (kind.needs_a_request(), self.shown, self.undecided) {
            (true, true, _) | (false, false, false) => proved,
            (true, false, false) => Outcome::Broken {
                counterexample: None,
            },
            (false, true, _) => Outcome::Broken {
                counterexample: self.example.map(|(_, example)| example),
            },
            (_, false, true) => Outcome::Undecided,
        }
    }
}
