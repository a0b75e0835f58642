//! People at the time of the decision: what they hold, for how long, and what they must not hold.

use std::collections::{BTreeMap, BTreeSet};

use super::People;
use crate::bundle::{Conflict, ON_CALL, PERSON, TEAM};
use crate::evidence::{EvidenceError, Grant, Identity, Index, PersonIx, timestamp};

const MINUTE: i64 = 60_000;
/// In minutes.
const DAY: i64 = 24 * 60;

/// What the evidence says of people besides the directory.
#[derive(Debug, Default)]
pub(crate) struct Standing<'e> {
    held: BTreeMap<PersonIx, BTreeMap<&'e str, Held>>,
    on_call: People,
    /// Whole days since the access of a person was reviewed.
    days_since_review: BTreeMap<PersonIx, i64>,
}

/// What the grants of one role mean for one person now.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// A grant gives the role now.
    pub(crate) now: bool,
    /// Length of the longest of these grants in minutes, rounded up.
    pub(crate) minutes: i64,
    /// One of these grants names no incident that is open.
    pub(crate) without_incident: bool,
    /// One of these grants says not what for.
    pub(crate) without_reason: bool,
    /// Who gave those that hold now.
    pub(crate) granters: People,
    /// Grants that are over and that nobody else reviewed.
    pub(crate) unreviewed: i64,
}

impl<'e> Standing<'e> {
    /// # Errors
    /// Grants that are cut off, times that are none, ids of nobody, an incident that is absent.
    pub(crate) fn read(index: &Index<'e>, now: i64) -> Result<Self, EvidenceError> {
        let evidence = index.evidence;
        let mut standing = Standing::default();
        for (ix, person) in (0..).zip(index.directory.people) {
            let reviewed = person.access_reviewed_at.as_deref();
            let minutes = minutes_between("access_reviewed_at", reviewed, now)?;
            let by = person.access_reviewed_by.as_deref();
            let by_another = by.is_some_and(|by| another(index, ix, by).is_some());
            if let Some(minutes) = minutes.filter(|_| by_another) {
                standing.days_since_review.insert(ix, minutes / DAY);
            }
        }
        let mut incidents = BTreeMap::new();
        for incident in &evidence.incidents {
            if incidents
                .insert(incident.id.as_str(), incident.open)
                .is_some()
            {
                return Err(EvidenceError::invalid(format!(
                    "incident `{}` is listed twice",
                    incident.id
                )));
            }
        }
        for shift in &evidence.on_call {
            let person = person(index, "on_call", &shift.person)?;
            let from = timestamp("from", &shift.from)?;
            if from <= now && now < timestamp("until", &shift.until)? {
                standing.on_call.insert(person);
            }
        }
        let Some(grants) = &evidence.grants else {
            return Ok(standing);
        };
        super::change::require_complete("the evidence", "grants", grants)?;
        let mut ids = BTreeSet::new();
        for grant in &grants.items {
            if !ids.insert(grant.id.as_str()) {
                return Err(EvidenceError::invalid(format!(
                    "grant `{}` is listed twice",
                    grant.id
                )));
            }
            standing.add(index, &incidents, grant, now)?;
        }
        Ok(standing)
    }

    fn add(
        &mut self,
        index: &Index<'e>,
        incidents: &BTreeMap<&str, bool>,
        grant: &'e Grant<'e>,
        now: i64,
    ) -> Result<(), EvidenceError> {
        let to = person(index, "grants", &grant.person)?;
        let from = timestamp("from", &grant.from)?;
        let until = timestamp("until", &grant.until)?;
        let revoked = grant.revoked_at.as_deref();
        let revoked = revoked.map(|at| timestamp("revoked_at", at)).transpose()?;
        let incident = match grant.incident.as_deref() {
            None => false,
            Some(id) => *incidents.get(id).ok_or_else(|| {
                EvidenceError::invalid(format!(
                    "grant `{}` names the incident `{id}`, which the evidence does not have",
                    grant.id
                ))
            })?,
        };
        let held = self.held.entry(to).or_default();
        let held = held.entry(&grant.role).or_default();
        let ends = revoked.map_or(until, |revoked| revoked.min(until));
        if from <= now && now < ends {
            if let Some(granter) = another(index, to, &grant.granted_by) {
                let minutes = until.saturating_sub(from).saturating_add(MINUTE - 1) / MINUTE;
                held.now = true;
                held.minutes = held.minutes.max(minutes);
                held.without_incident |= !incident;
                let reason = grant.reason.as_deref();
                held.without_reason |= reason.is_none_or(|reason| reason.trim().is_empty());
                held.granters.insert(granter);
            }
        } else if from <= now && from < ends {
            let reviewer = grant.reviewed_by.as_deref();
            let reviewed = reviewer.is_some_and(|by| another(index, to, by).is_some());
            held.unreviewed += i64::from(!reviewed);
        }
        Ok(())
    }

    /// By role.
    pub(crate) fn held(&self, person: PersonIx) -> impl Iterator<Item = (&'e str, &Held)> {
        let held = self.held.get(&person).into_iter().flatten();
        held.map(|(role, held)| (*role, held))
    }

    /// Names of the roles that a person holds now by a grant.
    pub(crate) fn granted(&self, person: PersonIx) -> impl Iterator<Item = &'e str> {
        let now = self.held(person).filter(|(_, held)| held.now);
        now.map(|(role, _)| role)
    }

    /// Everybody who gave a person a role that they hold now.
    pub(crate) fn granters(&self, person: PersonIx) -> impl Iterator<Item = PersonIx> {
        self.held(person)
            .flat_map(|(_, held)| held.granters.iter().copied())
    }

    pub(crate) fn is_on_call(&self, person: PersonIx) -> bool {
        self.on_call.contains(&person)
    }

    pub(crate) fn days_since_review(&self, person: PersonIx) -> Option<i64> {
        self.days_since_review.get(&person).copied()
    }

    /// Whether a person fills a need of a quorum: a role, `team:NAME`, `person:ID` or [`ON_CALL`], or one of several
    /// with `|` between them. No role takes the place of the others, whatever its name.
    pub(crate) fn fills(&self, index: &Index<'e>, person: PersonIx, need: &str) -> bool {
        need.split('|')
            .any(|one| self.fills_one(index, person, one))
    }

    fn fills_one(&self, index: &Index<'e>, person: PersonIx, need: &str) -> bool {
        if need == ON_CALL {
            return self.is_on_call(person);
        }
        let Some(entry) = index.person(person) else {
            return false;
        };
        if let Some(team) = need.strip_prefix(TEAM) {
            entry.teams.iter().any(|name| name.as_str() == team)
        } else if let Some(id) = need.strip_prefix(PERSON) {
            entry.id.as_str() == id
        } else {
            entry.roles.iter().any(|role| role.as_str() == need)
                || self.granted(person).any(|role| role == need)
        }
    }

    /// Names of the roles that a person holds now, by the directory and by grants.
    pub(crate) fn roles(&self, index: &Index<'e>, person: PersonIx) -> BTreeSet<&'e str> {
        let entry = index.person(person);
        let directory = entry.into_iter().flat_map(|p| &p.roles);
        let directory = directory.map(|role| role.as_str());
        directory.chain(self.granted(person)).collect()
    }
}

/// Nobody gives a role to themselves, reviews what they did with it or confirms it; nor does a machine or whoever left.
fn another(index: &Index<'_>, to: PersonIx, by: &str) -> Option<PersonIx> {
    match index.identity(by) {
        Identity::Person(by) => (by != to && index.person(by)?.active).then_some(by),
        Identity::Machine(_) | Identity::Nobody => None,
    }
}

fn person(index: &Index<'_>, list: &str, id: &str) -> Result<PersonIx, EvidenceError> {
    index.person_ix(id).ok_or_else(|| {
        EvidenceError::invalid(format!(
            "`{list}` names the person `{id}`, whom the evidence does not have"
        ))
    })
}

/// Which of the pack's conflicts the holder of `roles` is in.
pub(crate) fn conflicts(conflicts: &[Conflict], roles: &BTreeSet<&str>) -> BTreeMap<String, bool> {
    let held = |conflict: &Conflict| {
        let held = conflict
            .roles
            .iter()
            .filter(|role| roles.contains(role.as_str()));
        u32::try_from(held.count()).unwrap_or(u32::MAX) >= conflict.at
    };
    conflicts
        .iter()
        .map(|c| (c.name.clone(), held(c)))
        .collect()
}

/// Whole minutes from `at` to `then`; none if `at` is later.
pub(crate) fn minutes_between(
    field: &str,
    at: Option<&str>,
    then: i64,
) -> Result<Option<i64>, EvidenceError> {
    let at = at.map(|at| timestamp(field, at)).transpose()?;
    Ok(at
        .filter(|at| *at <= then)
        .map(|at| then.saturating_sub(at) / MINUTE))
}
