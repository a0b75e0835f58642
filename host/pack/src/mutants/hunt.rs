//! Which mutants do the cases of a pack notice?

use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use sod_core::{Program, Request};

use super::{Exemptions, Mutant};
use crate::cases::Case;
use crate::finding::Findings;
use crate::options::Choice;
use crate::pack::Pack;

/// A case that passes, and its request as the engine takes it.
#[derive(Debug)]
pub struct Question<'c> {
    /// What is expected.
    pub case: &'c Case,
    /// What is asked.
    pub request: Request,
}

/// What became of the mutants of a pack.
#[derive(Debug, Default)]
pub struct Hunted {
    /// How many there are.
    pub mutants: usize,
    /// How many of them a case notices.
    pub noticed: usize,
    /// How many need no case.
    pub exempt: usize,
    /// One for each that no case notices, and for each exemption that is not needed.
    pub findings: Findings,
}

/// Decides the cases with each of the mutants, until one of them has another verdict than it expects.
///
/// `progress` is told whenever one more mutant is done with.
pub fn hunt(
    pack: &Pack,
    mutants: &[Mutant],
    questions: &[Question<'_>],
    exemptions: &Exemptions,
    progress: &(dyn Fn() + Sync),
) -> Hunted {
    let hunter = Hunter::new(pack, questions);
    let survivors = hunter.survivors(mutants, progress);
    let (exempt, left): (Vec<&Mutant>, Vec<&Mutant>) = survivors
        .into_iter()
        .partition(|mutant| exemptions.has(mutant));
    let mut findings = exemptions.unneeded(exempt.iter().copied());
    left.iter()
        .for_each(|mutant| findings.append(mutant.survives()));
    Hunted {
        mutants: mutants.len(),
        noticed: mutants.len() - left.len() - exempt.len(),
        exempt: exempt.len(),
        findings: findings.sorted(),
    }
}

/// The pack and its cases, by what they choose of its options.
struct Hunter<'q> {
    groups: Vec<(Pack, &'q BTreeMap<String, Choice>)>,
    asked: Vec<Asked<'q>>,
}

struct Asked<'q> {
    question: &'q Question<'q>,
    group: usize,
    /// How many mutants it noticed: what noticed many is likely to notice the next.
    noticed: AtomicUsize,
}

impl<'q> Hunter<'q> {
    fn new(pack: &Pack, questions: &'q [Question<'q>]) -> Self {
        let mut groups: Vec<(Pack, &BTreeMap<String, Choice>)> = Vec::new();
        let mut asked = Vec::new();
        for question in questions {
            let choose = &question.case.choose;
            let known = groups.iter().position(|(_, known)| *known == choose);
            let group = known.unwrap_or(groups.len());
            if known.is_none() {
                // Cases that choose what the pack does not have were refused when they were read.
                let Ok(chosen) = pack.choosing(choose) else {
                    continue;
                };
                groups.push((chosen, choose));
            }
            asked.push(Asked {
                question,
                group,
                noticed: AtomicUsize::new(0),
            });
        }
        Hunter { groups, asked }
    }

    /// On as many threads as there are processors.
    fn survivors<'m>(
        &self,
        mutants: &'m [Mutant],
        progress: &(dyn Fn() + Sync),
    ) -> Vec<&'m Mutant> {
        let next = AtomicUsize::new(0);
        let work = || {
            let mut survivors = Vec::new();
            while let Some(mutant) = mutants.get(next.fetch_add(1, Ordering::Relaxed)) {
                if !self.is_noticed(mutant) {
                    survivors.push(mutant);
                }
                progress();
            }
            survivors
        };
        let threads = thread::available_parallelism().map_or(1, usize::from);
        thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            // A worker that died has shown nothing: all are then taken for survivors.
            let join = |worker: thread::ScopedJoinHandle<'_, Vec<&'m Mutant>>| {
                worker.join().unwrap_or_else(|_| mutants.iter().collect())
            };
            workers.into_iter().flat_map(join).collect()
        })
    }

    fn is_noticed(&self, mutant: &Mutant) -> bool {
        let mut asked: Vec<&Asked<'_>> = self.asked.iter().collect();
        asked.sort_by_cached_key(|one| {
            let names = mutant
                .rule()
                .is_some_and(|rule| one.question.case.decided_by().contains(rule));
            (!names, Reverse(one.noticed.load(Ordering::Relaxed)))
        });
        let programs: Vec<OnceCell<Made>> = self.groups.iter().map(|_| OnceCell::new()).collect();
        let noticing = asked.into_iter().find(|one| {
            let made = programs.get(one.group).zip(self.groups.get(one.group));
            let made = made.map(|(made, group)| made.get_or_init(|| make(group, mutant)));
            match made {
                Some(Made::Program(program)) => !passes(one.question, program),
                // Nobody could build it.
                Some(Made::Refused) => true,
                Some(Made::Same) | None => false,
            }
        });
        noticing
            .map(|one| one.noticed.fetch_add(1, Ordering::Relaxed))
            .is_some()
    }
}

/// A mutant, ready to decide.
enum Made {
    Program(Box<Program>),
    /// The engine does not take it.
    Refused,
    /// Under these choices it is no other pack.
    Same,
}

fn make((pack, choose): &(Pack, &BTreeMap<String, Choice>), mutant: &Mutant) -> Made {
    let mut bundle = pack.bundle();
    if !mutant.apply(&mut bundle, choose) {
        return Made::Same;
    }
    match Program::load(bundle) {
        Ok(program) => Made::Program(Box::new(program)),
        Err(_) => Made::Refused,
    }
}

fn passes(question: &Question<'_>, program: &Program) -> bool {
    let verdict = program.decide(&question.request);
    let verdict = verdict
        .ok()
        .and_then(|verdict| serde_json::to_value(verdict).ok());
    verdict.is_some_and(|verdict| question.case.judge(&verdict).is_empty())
}
