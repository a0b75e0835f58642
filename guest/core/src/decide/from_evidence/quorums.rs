//! Signatures counted, and which quorums they meet.

use std::collections::BTreeSet;

use super::{Case, Signatures, Subject};
use crate::bundle::{Quorum, QuorumOf};
use crate::decide::Stop;
use crate::decide::signing::ApproveRules;
use crate::evidence::PersonIx;
use crate::facts::review::{self, every_commit_reviewed, owners_covered};
use crate::facts::{
    ChangeFacts, Judgement, Shortfall, Signer, count_change, count_deployment, separate_shortfalls,
    shortfalls,
};
use crate::policy::context::ApprovalFacts;
use crate::request::EntityUid;

impl<'a, 'e> Case<'a, 'e> {
    /// Counts the approvals of everything that the request concerns.
    pub(super) fn signatures(
        &self,
        rules: &mut ApproveRules<'_, 'e>,
    ) -> Result<Vec<Signatures>, Stop> {
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

    pub(super) fn quorums(&self) -> impl Iterator<Item = &'a Quorum> {
        let names = self.action.1.context.quorums.as_ref();
        let named = move |q: &&Quorum| names.is_some_and(|names| names.contains(&q.name));
        self.program.description.quorums.iter().filter(named)
    }

    /// Every need of every quorum that is not met, with the position of its signatures.
    pub(super) fn shortfalls(
        &self,
        signatures: &[Signatures],
    ) -> Vec<(&'a Quorum, usize, Shortfall)> {
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

    pub(super) fn signers<'q>(
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
    pub(super) fn unbiased(
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
    pub(super) fn owes_a_favour(
        &self,
        quorum: &Quorum,
        change: &ChangeFacts<'_>,
        person: PersonIx,
    ) -> bool {
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
    pub(super) fn met(&self, shortfalls: &[(&Quorum, usize, Shortfall)]) -> BTreeSet<String> {
        let subjects = |of| match of {
            QuorumOf::Change => !self.changes().is_empty(),
            QuorumOf::Deployment => matches!(self.subject, Subject::Deployment(_)),
        };
        let short = |quorum: &Quorum| shortfalls.iter().any(|(q, ..)| q.name == quorum.name);
        let met = self.quorums().filter(|q| subjects(q.of) && !short(q));
        met.map(|quorum| quorum.name.clone()).collect()
    }

    /// Facts that are made from approvals; of commits, if they are asked for.
    pub(super) fn approval_facts(
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
