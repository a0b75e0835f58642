//! Which signatures are missing, and who could give them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Case, Principal, Signatures};
use crate::bundle::Quorum;
use crate::evidence::PersonIx;
use crate::facts::{Shortfall, SigningRules};
use crate::policy::entities::{ContextFacts, Store};
use crate::verdict::{Fault, Missing};

/// Candidates listed for a missing signature.
const MAX_CANDIDATES: usize = 50;
/// People asked about for a missing signature, whatever the directory holds.
const MAX_ASKED: usize = 500;

impl<'a, 'e> Case<'a, 'e> {
    /// The shortfalls of the quorums that hold a rule back.
    pub(super) fn missing(
        &self,
        store: &mut Store<'a, 'e>,
        facts: &ContextFacts,
        signatures: &[Signatures],
        shortfalls: &[(&Quorum, usize, Shortfall)],
        holding: &BTreeSet<&str>,
    ) -> Result<Vec<Missing>, Fault> {
        let held: Vec<_> = shortfalls
            .iter()
            .filter(|(quorum, ..)| holding.contains(quorum.name.as_str()))
            .filter_map(|(quorum, ix, shortfall)| Some((quorum, signatures.get(*ix)?, shortfall)))
            .collect();
        if held.is_empty() {
            return Ok(Vec::new());
        }
        let by_role = self.people_by_role();
        let pools: Vec<Vec<PersonIx>> = held
            .iter()
            .map(|(_, signed, shortfall)| self.pool(&by_role, signed, shortfall))
            .collect();
        for person in pools.iter().flatten() {
            store.add_person(*person);
        }
        let entities = store.entities()?;
        let mut rules = self.approve_rules(&entities, facts);
        let entries = held
            .into_iter()
            .zip(pools)
            .map(|((quorum, signed, shortfall), pool)| {
                let mut permitted = pool
                    .iter()
                    .take(MAX_ASKED)
                    .filter(|person| rules.refusal(**person, &signed.resource).is_none())
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
        Ok(entries.collect())
    }

    /// People who hold a role that would fill `shortfall`, do not count yet and
    /// are not the one who asks, sorted by id.
    fn pool(
        &self,
        by_role: &BTreeMap<&str, Vec<(&str, PersonIx)>>,
        signed: &Signatures,
        shortfall: &Shortfall,
    ) -> Vec<PersonIx> {
        let asks = |ix: PersonIx| matches!(self.principal, Principal::Person(p) if p == ix);
        let signers = &signed.judgement.signers;
        let roles = shortfall.fillable_by.iter();
        let holders = roles
            .filter_map(|role| by_role.get(role.as_str()))
            .flatten();
        let sorted: BTreeSet<_> = holders
            .filter(|(_, ix)| !signers.contains(ix) && !asks(*ix))
            .collect();
        // One more than is asked about tells that there are more.
        sorted
            .into_iter()
            .map(|(_, ix)| *ix)
            .take(MAX_ASKED + 1)
            .collect()
    }

    /// People by the roles that they hold, each list sorted by id.
    fn people_by_role(&self) -> BTreeMap<&'e str, Vec<(&'e str, PersonIx)>> {
        let mut map = BTreeMap::<&str, Vec<(&str, PersonIx)>>::new();
        for (ix, person) in (0..).zip(&self.index.evidence.people) {
            for role in self.standing.roles(self.index, ix) {
                map.entry(role).or_default().push((person.id.as_str(), ix));
            }
        }
        map
    }
}
