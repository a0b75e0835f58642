//! What the rules are asked, told to those who write them.

use super::{ApproveRules, Case, Derived, Signatures, Situation, Stop, Subject};
use crate::bundle::Quorum;
use crate::evidence::{Identity, Session};
use crate::facts::{filled, session_of};
use crate::plain_facts::{Facts, Place, Signing, as_request};
use crate::policy::Wanted;
use crate::request::EntityUid;
use crate::verdict::{Approval, code};

impl<'a, 'e> Case<'a, 'e> {
    /// The question with its facts, and those that were asked to count signatures.
    pub(super) fn tell(self, wanted: &Wanted) -> Result<Facts, Stop> {
        let derived = self.derive(wanted)?;
        let store = &derived.store;
        let situation = Situation::new(derived.facts.clone(), &self.action.1.context);
        let asked = self.asked(store, &situation);
        self.check_context(&asked)?;
        Ok(Facts {
            signing: self.refused(&derived)?,
            places: self.places(&derived.signatures),
            request: as_request(asked.question()?, store.entities()?)?,
        })
    }

    fn refused(&self, derived: &Derived<'_, 'e>) -> Result<Vec<Signing>, Stop> {
        let rules = ApproveRules::new(self, &derived.store, &derived.facts);
        let judged = derived.signatures.iter().map(|signed| &signed.judgement);
        let approvals = judged.flat_map(|judgement| &judgement.approvals);
        let mut list = Vec::new();
        for approval in approvals.filter(|approval| approval.code == code::NOT_PERMITTED) {
            let Identity::Person(person) = self.index.identity(&approval.account) else {
                continue;
            };
            let session = self.session_behind(approval);
            let session = session_of(self.index, &approval.account, session, self.setting.now)?;
            if let Some(question) = rules.question(person, session, &approval.resource) {
                list.push(Signing {
                    resource: approval.resource.clone(),
                    index: approval.index,
                    request: as_request(question?, derived.store.entities()?)?,
                });
            }
        }
        Ok(list)
    }

    /// How whoever gave the approval was signed in, as the evidence has it.
    fn session_behind(&self, approval: &Approval) -> Option<&'e Session<'e>> {
        let at = usize::try_from(approval.index).ok()?;
        if let Subject::Deployment(facts) = &self.subject
            && approval.resource == EntityUid::new("Deployment", facts.deployment.id.as_str())
        {
            let given = facts.deployment.approvals.items.get(at)?;
            return given.session.as_ref();
        }
        let mut changes = self.changes().iter();
        let change = changes.find(|facts| facts.change.id.as_str() == approval.resource.id)?;
        change.change.approvals.items.get(at)?.session.as_ref()
    }

    fn places(&self, signatures: &[Signatures]) -> Vec<Place> {
        let mut list = Vec::new();
        for quorum in self.quorums() {
            for (ix, signed) in signatures.iter().enumerate() {
                if signed.of == quorum.of {
                    list.extend(self.places_of(quorum, ix, signed));
                }
            }
        }
        list
    }

    fn places_of(&self, quorum: &Quorum, ix: usize, signed: &Signatures) -> Vec<Place> {
        let change = self.changes().get(ix);
        let people = self.unbiased(quorum, change, &signed.judgement);
        let signers = self.signers(quorum, change, &signed.judgement);
        let matched = filled(&quorum.need, &signers);
        let place = |(need, count): (&String, &u32)| {
            let fills = signers.iter().zip(&matched).map(|(signer, matched)| {
                match quorum.one_person_may_fill_several {
                    true => signer.fills.contains(need.as_str()),
                    false => *matched == Some(need.as_str()),
                }
            });
            let who = people.iter().zip(fills).filter(|(_, fills)| *fills);
            let names =
                who.filter_map(|(person, _)| Some(self.index.person(*person)?.id.to_string()));
            Place {
                quorum: quorum.name.clone(),
                resource: signed.resource.clone(),
                need: need.clone(),
                count: *count,
                people: names
                    .take(usize::try_from(*count).unwrap_or(usize::MAX))
                    .collect(),
            }
        };
        quorum.need.iter().map(place).collect()
    }
}
