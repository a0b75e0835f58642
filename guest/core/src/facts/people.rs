//! People at the time of the decision: what they hold, for how long, and what they must not hold.

use std::collections::{BTreeMap, BTreeSet};

use super::People;
use crate::bundle::Conflict;
use crate::evidence::{EvidenceError, Grant, Identity, Index, PersonIx, timestamp};

const MINUTE: i64 = 60_000;
/// In minutes.
const DAY: i64 = 24 * 60;

/// What the evidence says of people besides the directory.
#[derive(Debug, Default)]
pub(crate) struct Standing<'e> {
    held: BTreeMap<PersonIx, Held<'e>>,
    on_call: People,
    /// Whole days since the access of a person was reviewed.
    days_since_review: BTreeMap<PersonIx, i64>,
}

/// What grants give to one person now.
#[derive(Debug, Default)]
pub(crate) struct Held<'e> {
    /// Roles by grants that hold now.
    pub(crate) roles: BTreeSet<&'e str>,
    /// Length of the longest of these grants in minutes, rounded up.
    pub(crate) minutes: i64,
    /// One of these grants names no incident that is open.
    pub(crate) without_incident: bool,
    /// Grants that are over and that nobody else reviewed.
    pub(crate) unreviewed: i64,
}

impl<'e> Standing<'e> {
    /// # Errors
    /// Grants that are cut off, times that are none, ids of nobody, an incident that is absent.
    pub(crate) fn read(index: &Index<'e>, now: i64) -> Result<Self, EvidenceError> {
        let evidence = index.evidence;
        let mut standing = Standing::default();
        for (ix, person) in (0..).zip(&evidence.people) {
            let reviewed = person.access_reviewed_at.as_deref();
            if let Some(minutes) = minutes_since("access_reviewed_at", reviewed, now)? {
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
        if from <= now && now < until && !grant.revoked {
            if given_by_another(index, to, &grant.granted_by) {
                held.roles.insert(&grant.role);
                let minutes = until.saturating_sub(from).saturating_add(MINUTE - 1) / MINUTE;
                held.minutes = held.minutes.max(minutes);
                held.without_incident |= !incident;
            }
        } else if from <= now {
            let reviewer = grant.reviewed_by.as_deref();
            let reviewed = reviewer.is_some_and(|by| given_by_another(index, to, by));
            held.unreviewed += i64::from(!reviewed);
        }
        Ok(())
    }

    pub(crate) fn held(&self, person: PersonIx) -> Option<&Held<'e>> {
        self.held.get(&person)
    }

    pub(crate) fn is_on_call(&self, person: PersonIx) -> bool {
        self.on_call.contains(&person)
    }

    pub(crate) fn days_since_review(&self, person: PersonIx) -> Option<i64> {
        self.days_since_review.get(&person).copied()
    }

    /// Names of the roles that a person holds now, by the directory and by grants.
    pub(crate) fn roles(&self, index: &Index<'e>, person: PersonIx) -> BTreeSet<&'e str> {
        let entry = index.person(person);
        let directory = entry.into_iter().flat_map(|p| &p.roles);
        let granted = self.held(person).into_iter().flat_map(|held| &held.roles);
        directory
            .map(|role| role.as_str())
            .chain(granted.copied())
            .collect()
    }
}

/// Nobody gives a role to themselves, or reviews what they did with it; nor does a machine or whoever left.
fn given_by_another(index: &Index<'_>, to: PersonIx, by: &str) -> bool {
    match index.identity(by) {
        Identity::Person(by) => by != to && index.person(by).is_some_and(|by| by.active),
        Identity::Machine(_) | Identity::Nobody => false,
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

/// Whole minutes since `at`; none if that is yet to come.
pub(crate) fn minutes_since(
    field: &str,
    at: Option<&str>,
    now: i64,
) -> Result<Option<i64>, EvidenceError> {
    let at = at.map(|at| timestamp(field, at)).transpose()?;
    Ok(at
        .filter(|at| *at <= now)
        .map(|at| now.saturating_sub(at) / MINUTE))
}
