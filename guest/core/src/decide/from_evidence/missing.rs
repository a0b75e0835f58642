//! Which signatures are missing, and who could give them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Case, Principal, Signatures};
use crate::bundle::{Quorum, QuorumOf};
use crate::decide::signing::ApproveRules;
use crate::evidence::PersonIx;
use crate::facts::{Shortfall, SigningRules};
use crate::policy::context::ContextFacts;
use crate::policy::entities::Store;
use crate::verdict::Missing;

/// Candidates listed for a missing signature.
const MAX_CANDIDATES: usize = 50;
/// People asked about for a missing signature, whatever the directory holds.
const MAX_ASKED: usize = 500;

/// A shortfall of a quorum, and the signatures that fall short.
type Held<'s> = (&'s Quorum, &'s Signatures, &'s Shortfall);

impl<'a, 'e> Case<'a, 'e> {
    /// The shortfalls of the quorums that hold a rule back, with the signatures that they are short of.
    pub(super) fn held<'s>(
        &self,
        signatures: &'s [Signatures],
        shortfalls: &'s [(&'s Quorum, usize, Shortfall)],
        holding: &BTreeSet<&str>,
    ) -> Vec<Held<'s>> {
        shortfalls
            .iter()
            .filter(|(quorum, ..)| holding.contains(quorum.name.as_str()))
            .filter_map(|(quorum, ix, shortfall)| Some((*quorum, signatures.get(*ix)?, shortfall)))
            .collect()
    }

    /// What would fill them, and who could.
    pub(super) fn missing(
        &self,
        store: Store<'_, 'e>,
        facts: ContextFacts<'_>,
        held: Vec<Held<'_>>,
    ) -> Vec<Missing> {
        let by_need = self.people_by_need(held.iter().map(|(.., shortfall)| *shortfall));
        let pools: Vec<Vec<PersonIx>> = held
            .iter()
            .map(|(quorum, signed, shortfall)| self.pool(&by_need, quorum, signed, shortfall))
            .collect();
        let store = store.with(pools.iter().flatten().copied());
        let mut rules = ApproveRules::new(self, &store, &facts);
        let entries = held
            .into_iter()
            .zip(pools)
            .map(|((quorum, signed, shortfall), pool)| {
                let mut permitted = pool
                    .iter()
                    .take(MAX_ASKED)
                    .filter(|person| rules.refusal(**person, None, &signed.resource).is_none())
                    .filter_map(|person| Some(self.index.person(*person)?.id.to_string()));
                let candidates: Vec<String> = permitted.by_ref().take(MAX_CANDIDATES).collect();
                let more = permitted.next().is_some();
                Missing {
                    quorum: quorum.name.clone(),
                    resource: signed.resource.clone(),
                    role: shortfall.role.clone(),
                    count: shortfall.count,
                    more_candidates: more || pool.len() > MAX_ASKED,
                    candidates,
                }
            });
        entries.collect()
    }

    /// People who would fill `shortfall`, do not count yet and
    /// are not the one who asks, sorted by id.
    fn pool(
        &self,
        by_need: &BTreeMap<&str, Vec<(&str, PersonIx)>>,
        quorum: &Quorum,
        signed: &Signatures,
        shortfall: &Shortfall,
    ) -> Vec<PersonIx> {
        let change = self.changes().iter();
        let mut change = change.filter(|facts| facts.change.id.as_str() == signed.resource.id);
        let change = change.next().filter(|_| quorum.of == QuorumOf::Change);
        let owes = |ix| change.is_some_and(|change| self.owes_a_favour(quorum, change, ix));
        let asks = |ix: PersonIx| matches!(self.principal, Principal::Person(p) if p == ix);
        let signers = &signed.judgement.signers;
        let needs = shortfall.fillable_by.iter();
        let fillers = needs
            .filter_map(|need| by_need.get(need.as_str()))
            .flatten();
        let sorted: BTreeSet<_> = fillers
            .filter(|(_, ix)| !signers.contains(ix) && !asks(*ix) && !owes(*ix))
            .collect();
        // One more than is asked about tells that there are more.
        sorted
            .into_iter()
            .map(|(_, ix)| *ix)
            .take(MAX_ASKED + 1)
            .collect()
    }

    /// Who could fill each of the needs that would help, sorted by id.
    fn people_by_need<'s>(
        &self,
        shortfalls: impl Iterator<Item = &'s Shortfall>,
    ) -> BTreeMap<&'s str, Vec<(&'e str, PersonIx)>> {
        let needs: BTreeSet<&str> = shortfalls
            .flat_map(|shortfall| &shortfall.fillable_by)
            .map(String::as_str)
            .collect();
        let people = |need: &str| {
            let all = (0..).zip(self.index.directory.people);
            let fill = all.filter(|(ix, _)| self.standing.fills(self.index, *ix, need));
            fill.map(|(ix, person)| (person.id.as_str(), ix)).collect()
        };
        needs.into_iter().map(|need| (need, people(need))).collect()
    }
}
