//! The fewest signatures and facts that would turn a deny, found by deciding again.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;
use sod_core::cedar::Schema;
use sod_core::{Effect, EntityUid, Program, Request, Verdict};

use super::facts::{Asked, PlainFacts};
use super::flip::{Flip, Flips};
use super::sign::signed;
use super::term::Demand;

/// More changes at a time than this are no advice.
const MOST_CHANGES: usize = 3;
/// Sets tried.
const MOST_TRIED: usize = 1000;
/// Sets tried however large the evidence is.
const LEAST_TRIED: usize = 20;
/// Bytes of evidence or facts read for all sets together, beyond the least.
const MOST_READ: usize = 64 << 20;

/// What would turn a deny.
#[derive(Debug, Clone, Serialize)]
pub struct Turning {
    /// The smallest sets, each of as many changes. None: no set that was tried turns it.
    pub sets: Vec<Vec<Change>>,
    /// How many sets of changes were tried.
    pub tried: usize,
    /// Sets of up to so many changes were tried.
    pub up_to: usize,
    /// Not all of them: there were too many.
    pub cut_off: bool,
}

/// Something that would be otherwise.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Change {
    /// Which of the two.
    pub kind: ChangeKind,
    /// ``if `` before it makes it a clause: ``resource.unattributed` were `false``.
    pub words: String,
}

/// What kind of thing would be otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// An approval of somebody who may give it: to be asked for.
    Signature,
    /// What is so, or is not: nothing to ask for.
    Fact,
}

/// What deciding again needs.
pub(super) struct Search<'a> {
    /// Decides on evidence; absent if the facts are given.
    pub(super) program: Option<(&'a Program, &'a Request)>,
    /// Decides on facts.
    pub(super) on_facts: &'a Program,
    pub(super) schema: &'a Schema,
    /// The rules that concern the request, in one order.
    pub(super) rules: Vec<(Effect, &'a [Demand])>,
}

type Signatures = BTreeSet<(EntityUid, String)>;

/// What would be otherwise, and what follows from it.
#[derive(Clone)]
struct State {
    signatures: Signatures,
    flips: Vec<Flip>,
    facts: PlainFacts,
    /// On evidence, as long as no fact was changed.
    verdict: Option<Verdict>,
}

/// One change more.
enum Step {
    Signature(EntityUid, String),
    Flip(Flip),
}

impl Step {
    fn change(&self) -> Change {
        match self {
            Step::Signature(resource, person) => signature(resource, person),
            Step::Flip(flip) => fact(flip),
        }
    }
}

fn signature(resource: &EntityUid, person: &str) -> Change {
    Change {
        kind: ChangeKind::Signature,
        words: format!("`{person}` approved `{resource}`"),
    }
}

fn fact(flip: &Flip) -> Change {
    Change {
        kind: ChangeKind::Fact,
        words: flip.words.clone(),
    }
}

impl State {
    fn changes(&self) -> BTreeSet<Change> {
        let signatures = self.signatures.iter();
        let signatures = signatures.map(|(resource, person)| signature(resource, person));
        signatures.chain(self.flips.iter().map(fact)).collect()
    }
}

impl Search<'_> {
    /// The smallest sets of changes that turn the denied request.
    pub(super) fn run(&self, facts: &PlainFacts, verdict: &Verdict) -> Turning {
        let mut level = vec![State {
            signatures: Signatures::new(),
            flips: Vec::new(),
            facts: facts.clone(),
            verdict: self.program.is_some().then(|| verdict.clone()),
        }];
        let most = self.most_tried(facts);
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        let mut up_to = 0;
        while up_to < MOST_CHANGES && found.is_empty() && !level.is_empty() {
            up_to += 1;
            let mut next = Vec::new();
            let steps = level.iter().flat_map(|state| {
                let steps = self.steps(state).into_iter();
                steps.map(move |step| (state, step))
            });
            for (state, step) in steps {
                let mut changes = state.changes();
                changes.insert(step.change());
                if seen.contains(&changes) {
                    continue;
                }
                if seen.len() == most {
                    return self.turning(found, seen.len(), up_to, true);
                }
                seen.insert(changes);
                match self.after(state, step) {
                    Some(after) if self.allows(&after) => found.push(after),
                    Some(after) => next.push(after),
                    None => {}
                }
            }
            level = next;
        }
        self.turning(found, seen.len(), up_to, false)
    }

    /// The more there is to read each time, the fewer.
    fn most_tried(&self, facts: &PlainFacts) -> usize {
        let evidence = self
            .program
            .and_then(|(_, request)| request.evidence.as_deref());
        let facts = facts
            .request()
            .entities
            .map_or(0, |entities| entities.len());
        let size = facts + evidence.map_or(0, str::len);
        (MOST_READ / size.max(1)).clamp(LEAST_TRIED, MOST_TRIED)
    }

    fn turning(&self, found: Vec<State>, tried: usize, up_to: usize, cut_off: bool) -> Turning {
        let smallest = found.iter().map(|state| self.smallest(state));
        let smallest: BTreeSet<BTreeSet<Change>> = smallest.collect();
        let least = smallest.iter().map(BTreeSet::len).min();
        let sets = smallest.into_iter().filter(|set| Some(set.len()) == least);
        Turning {
            sets: sets.map(|set| set.into_iter().collect()).collect(),
            tried,
            up_to,
            cut_off,
        }
    }

    /// The changes of a state that allows, without any that are not needed.
    fn smallest(&self, state: &State) -> BTreeSet<Change> {
        let signatures = state.signatures.iter();
        let fewer_signatures = signatures.map(|one| {
            let mut fewer = state.signatures.clone();
            fewer.remove(one);
            (fewer, state.flips.clone())
        });
        let fewer_flips = (0..state.flips.len()).map(|at| {
            let mut fewer = state.flips.clone();
            fewer.remove(at);
            (state.signatures.clone(), fewer)
        });
        for (signatures, flips) in fewer_signatures.chain(fewer_flips) {
            if let Some(fewer) = self.state(&signatures, &flips)
                && self.allows(&fewer)
            {
                return self.smallest(&fewer);
            }
        }
        state.changes()
    }

    fn allows(&self, state: &State) -> bool {
        if let (Some(verdict), true) = (&state.verdict, state.flips.is_empty()) {
            return verdict.effect == Effect::Allow;
        }
        let verdict = self.on_facts.decide(&state.facts.request());
        verdict.is_ok_and(|verdict| verdict.effect == Effect::Allow)
    }

    /// What could be otherwise besides.
    fn steps(&self, state: &State) -> Vec<Step> {
        let signatures = self.signatures_after(state).into_iter();
        let signatures = signatures.map(|(resource, person)| Step::Signature(resource, person));
        let flips = self.flips(state).into_iter().map(Step::Flip);
        signatures.chain(flips).collect()
    }

    fn after(&self, state: &State, step: Step) -> Option<State> {
        match step {
            Step::Signature(resource, person) => {
                let mut signatures = state.signatures.clone();
                signatures.insert((resource, person));
                self.state(&signatures, &[])
            }
            Step::Flip(flip) => {
                let mut after = state.clone();
                after.facts = flip.of(&state.facts)?;
                after.flips.push(flip);
                Some(after)
            }
        }
    }

    /// Signatures first, so that each set is met once.
    fn signatures_after(&self, state: &State) -> Signatures {
        let verdict = state.verdict.as_ref().filter(|_| state.flips.is_empty());
        let missing = verdict.into_iter().flat_map(|verdict| &verdict.missing);
        let candidates = missing.flat_map(|missing| {
            let people = missing.candidates.iter();
            people.map(|person| (missing.resource.clone(), person.clone()))
        });
        candidates.collect()
    }

    fn state(&self, signatures: &Signatures, flips: &[Flip]) -> Option<State> {
        let (program, request) = self.program?;
        let evidence = request.evidence.as_deref()?;
        let mut evidence: Value = serde_json::from_str(evidence).ok()?;
        for (resource, person) in signatures {
            evidence = signed(&evidence, resource, person)?;
        }
        let request = Request {
            evidence: Some(evidence.to_string()),
            ..request.clone()
        };
        let facts = program.facts(&request).ok()??;
        let mut facts = PlainFacts::read(&facts.request).ok()?;
        for flip in flips {
            facts = flip.of(&facts)?;
        }
        Some(State {
            signatures: signatures.clone(),
            flips: flips.to_vec(),
            facts,
            verdict: Some(program.decide(&request).ok()?),
        })
    }

    /// Single facts that stand in the way.
    fn flips(&self, state: &State) -> Vec<Flip> {
        let Ok(asked) = Asked::new(&state.facts, self.schema) else {
            return Vec::new();
        };
        let flips = Flips {
            facts: &state.facts,
            asked: &asked,
        };
        let holds = |demand: &Demand| asked.truth(&demand.term.expression) == Ok(demand.wants());
        let of = |effect| self.rules.iter().filter(move |rule| rule.0 == effect);
        let mut forbids = of(Effect::Deny).filter(|(_, demands)| demands.iter().all(holds));
        let all = match forbids.next() {
            // Each that applies must stop to: the others' turn comes once this one has.
            Some((_, demands)) => {
                let demands = demands.iter();
                let flips = demands.map(|d| flips.towards(&d.term, !d.wants()));
                flips.flatten().collect()
            }
            None => {
                let open = of(Effect::Allow).filter_map(|(_, demands)| {
                    let mut demands = demands.iter();
                    demands.find(|demand| !holds(demand))
                });
                let flips = open.map(|d| flips.towards(&d.term, d.wants()));
                flips.flatten().collect::<Vec<_>>()
            }
        };
        let open = self.quorums_that_nobody_can_meet(state);
        let lawful = |flip: &Flip| {
            !flip.is_quorum()
                || open
                    .as_ref()
                    .is_none_or(|open| open.iter().any(|q| flip.names(q)))
        };
        let by_words = all.into_iter().filter(lawful);
        let by_words: BTreeMap<String, Flip> =
            by_words.map(|flip| (flip.words.clone(), flip)).collect();
        by_words.into_values().collect()
    }

    /// Of others it is said whose signatures they lack. `None` where signatures are given facts.
    fn quorums_that_nobody_can_meet(&self, state: &State) -> Option<BTreeSet<String>> {
        let verdict = state.verdict.as_ref()?;
        let stuck = verdict.missing.iter().filter(|m| m.candidates.is_empty());
        Some(stuck.map(|missing| missing.quorum.clone()).collect())
    }
}
