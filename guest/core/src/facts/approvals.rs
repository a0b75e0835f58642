//! Approvals: which of them count, and for each of the others why not.

use std::collections::{BTreeMap, BTreeSet};

use super::contributors::Contributors;
use super::session::{SessionFacts, session_facts};
use super::{ChangeFacts, DeploymentFacts, People, Setting};
use crate::bundle::StandsFor;
use crate::evidence::{
    ApprovalState, Change, ChangeApproval, DeploymentApproval, EvidenceError, Identity, Index,
    MachineIx, PersonIx, Session, timestamp,
};
use crate::request::EntityUid;
use crate::text::Text;
use crate::verdict::{Approval, code};

/// The pack's own `approve` rules: written once, for signing and for counting.
pub(crate) trait SigningRules<'e> {
    /// The ids of the policies that refuse `person`, signed in like this, on
    /// `resource`, or `None` if the rules permit them. An empty list: no rule permits.
    fn refusal(
        &mut self,
        person: PersonIx,
        session: Option<SessionFacts<'e>>,
        resource: &EntityUid,
    ) -> Option<Vec<String>>;
}

/// What became of the approvals of one change or deployment.
#[derive(Debug)]
pub(crate) struct Judgement {
    pub(crate) approvals: Vec<Approval>,
    /// People whose approvals count, each once, in the order given.
    pub(crate) signers: Vec<PersonIx>,
    /// Where in the list their approvals are, those that they gave again among them.
    pub(crate) standing: Vec<(PersonIx, u32)>,
    /// Where in the list each person last objected or took an approval back.
    pub(crate) withdrawn: BTreeMap<PersonIx, u32>,
    pub(crate) objectors: Objectors,
}

/// An approval of either kind, its place already compared.
struct Given<'e> {
    account: &'e str,
    state: ApprovalState,
    /// Why it was given for something else than this, if it was.
    elsewhere: Option<&'static str>,
    dismissed_by: Option<&'e str>,
    edited: bool,
    session: Option<SessionFacts<'e>>,
    expires_at: Option<i64>,
}

/// As [`session_facts`], if there is a session.
pub(crate) fn session_of<'e>(
    index: &Index<'_>,
    account: &str,
    session: Option<&'e Session<'_>>,
    now: i64,
) -> Result<Option<SessionFacts<'e>>, EvidenceError> {
    let facts = |session| session_facts(index, session, index.identity(account), now);
    session.map(facts).transpose()
}

/// Counts the approvals of a change.
pub(crate) fn count_change<'e>(
    index: &Index<'e>,
    setting: Setting<'_>,
    facts: &ChangeFacts<'e>,
    rules: &mut impl SigningRules<'e>,
) -> Result<Judgement, EvidenceError> {
    let change = facts.change;
    let elsewhere = |a: &ChangeApproval<'_>| {
        if a.repository != change.repository {
            Some(code::OTHER_REPOSITORY)
        } else if a.target != change.target {
            Some(code::OTHER_BRANCH)
        } else if !is_of_present_content(setting.data.stands_for, change, a) {
            Some(code::STALE_HEAD)
        } else {
            None
        }
    };
    let mut list = Vec::with_capacity(change.approvals.items.len());
    for item in &change.approvals.items {
        list.push(Given {
            account: &item.account,
            state: item.state,
            elsewhere: elsewhere(item),
            dismissed_by: item.dismissed_by.as_deref(),
            edited: item.edited,
            session: session_of(index, &item.account, item.session.as_ref(), setting.now)?,
            expires_at: expiry(item.expires_at.as_deref())?,
        });
    }
    let resource = EntityUid::new("Change", change.id.as_str());
    let who = &facts.contributors;
    Ok(judge(index, &resource, who, &list, setting.now, rules))
}

/// Counts the sign-offs of a deployment for `action` at `now`.
pub(crate) fn count_deployment<'e>(
    index: &Index<'e>,
    facts: &DeploymentFacts<'e>,
    action: &str,
    now: i64,
    rules: &mut impl SigningRules<'e>,
) -> Result<Judgement, EvidenceError> {
    let deployment = facts.deployment;
    let elsewhere = |a: &DeploymentApproval<'_>| {
        if a.environment != deployment.environment {
            Some(code::OTHER_ENVIRONMENT)
        } else if a.artifact != deployment.artifact {
            Some(code::OTHER_ARTIFACT)
        } else if a.action.as_deref().is_some_and(|given| given != action) {
            Some(code::OTHER_ACTION)
        } else {
            None
        }
    };
    let mut list = Vec::with_capacity(deployment.approvals.items.len());
    for item in &deployment.approvals.items {
        list.push(Given {
            account: &item.account,
            state: item.state,
            elsewhere: elsewhere(item),
            dismissed_by: item.dismissed_by.as_deref(),
            edited: item.edited,
            session: session_of(index, &item.account, item.session.as_ref(), now)?,
            expires_at: expiry(item.expires_at.as_deref())?,
        });
    }
    let resource = EntityUid::new("Deployment", deployment.id.as_str());
    let who = &facts.contributors;
    Ok(judge(index, &resource, who, &list, now, rules))
}

/// Whether the approval was given on what the change is now. What is not known is not the same.
fn is_of_present_content(
    stands_for: StandsFor,
    change: &Change<'_>,
    approval: &ChangeApproval<'_>,
) -> bool {
    let same = |a: &Option<Text<'_>>, b: &Option<Text<'_>>| a.is_some() && a == b;
    approval.head == change.head
        || (stands_for >= StandsFor::Tree && same(&approval.tree, &change.tree))
        || (stands_for >= StandsFor::Patch && same(&approval.patch_id, &change.patch_id))
}

pub(super) fn expiry(expires_at: Option<&str>) -> Result<Option<i64>, EvidenceError> {
    expires_at
        .map(|text| timestamp("expires_at", text))
        .transpose()
}

fn judge<'e>(
    index: &Index<'e>,
    resource: &EntityUid,
    contributors: &Contributors,
    given: &[Given<'e>],
    now: i64,
    rules: &mut impl SigningRules<'e>,
) -> Judgement {
    let (mut signers, mut stands) = (Vec::new(), Vec::new());
    let mut signed = People::new();
    let mut approvals = Vec::with_capacity(given.len());
    let withdrawn = last_withdrawals(index, given);
    for (ix, approval) in (0_u32..).zip(given) {
        let identity = index.identity(approval.account);
        let person = identity_person(identity);
        let last = person.and_then(|p| withdrawn.get(&p));
        let superseded = last.is_some_and(|last| *last > ix);
        let mut policies = Vec::new();
        let code = form(approval, now)
            .or_else(|| standing(identity, superseded, &signed))
            .or_else(|| {
                policies = rules.refusal(person?, approval.session, resource)?;
                Some(code::NOT_PERMITTED)
            })
            .unwrap_or(code::COUNTED);
        match person {
            Some(person) if code == code::COUNTED => {
                signers.push(person);
                signed.insert(person);
                stands.push((person, ix));
            }
            Some(person) if code == code::DUPLICATE_PERSON => stands.push((person, ix)),
            _ => {}
        }
        approvals.push(Approval {
            resource: resource.clone(),
            index: ix,
            account: approval.account.to_owned(),
            person: person
                .and_then(|p| index.person(p))
                .map(|p| p.id.to_string()),
            code: code.to_owned(),
            policies,
        });
    }
    Judgement {
        approvals,
        signers,
        standing: stands,
        withdrawn,
        objectors: objectors(index, given, now, contributors),
    }
}

/// What is wrong with the approval itself.
fn form(approval: &Given<'_>, now: i64) -> Option<&'static str> {
    match approval.state {
        ApprovalState::Dismissed => return Some(code::DISMISSED),
        ApprovalState::ChangesRequested => return Some(code::OBJECTION),
        ApprovalState::Commented => return Some(code::NOT_AN_APPROVAL),
        ApprovalState::Approved if approval.dismissed_by.is_some() => {
            return Some(code::DISMISSED);
        }
        ApprovalState::Approved => {}
    }
    let expired = approval.expires_at.is_some_and(|at| now >= at);
    let edited = approval.edited.then_some(code::EDITED);
    let expired = expired.then_some(code::EXPIRED);
    approval.elsewhere.or(edited).or(expired)
}

/// What is wrong with whoever gave it.
fn standing(identity: Identity, superseded: bool, signed: &People) -> Option<&'static str> {
    match identity {
        Identity::Nobody => Some(code::UNKNOWN_ACCOUNT),
        Identity::Machine(_) => Some(code::MACHINE),
        Identity::Person(_) if superseded => Some(code::SUPERSEDED),
        Identity::Person(person) if signed.contains(&person) => Some(code::DUPLICATE_PERSON),
        Identity::Person(_) => None,
    }
}

/// Where each person last objected or took an approval back.
fn last_withdrawals(index: &Index<'_>, given: &[Given<'_>]) -> BTreeMap<PersonIx, u32> {
    let mut last = BTreeMap::new();
    for (ix, approval) in (0..).zip(given) {
        let withdraws = matches!(
            approval.state,
            ApprovalState::Dismissed | ApprovalState::ChangesRequested
        );
        let person = identity_person(index.identity(approval.account));
        if let Some(person) = person.filter(|_| withdraws) {
            last.insert(person, ix);
        }
    }
    last
}

/// Whoever asked for changes and did not take it back. Comments are no last word, and an approval of something else, or
/// one that is over, takes no objection back. Somebody else may dismiss it, who works here and has no hand in the work.
fn objectors(
    index: &Index<'_>,
    given: &[Given<'_>],
    now: i64,
    contributors: &Contributors,
) -> Objectors {
    let stands = |approval: &Given<'_>| {
        let here = matches!(approval.elsewhere, None | Some(code::STALE_HEAD));
        let over = approval.expires_at.is_some_and(|at| now >= at);
        here && !over && !approval.edited && approval.dismissed_by.is_none()
    };
    let may_dismiss = |by: &str| match index.identity(by) {
        Identity::Person(by) => {
            !contributors.people.contains(&by) && index.person(by).is_some_and(|by| by.active)
        }
        Identity::Machine(_) | Identity::Nobody => false,
    };
    let mut objectors = Objectors::default();
    for approval in given {
        let identity = index.identity(approval.account);
        match approval.state {
            ApprovalState::ChangesRequested if !approval.dismissed_by.is_some_and(may_dismiss) => {
                objectors.add(identity);
            }
            ApprovalState::Approved if stands(approval) => objectors.remove(identity),
            // What is only known to be dismissed is as if it had never been said.
            _ => {}
        }
    }
    objectors
}

/// People and machines whose last word is an objection.
#[derive(Debug, Default)]
pub(crate) struct Objectors {
    pub(crate) people: People,
    pub(crate) machines: BTreeSet<MachineIx>,
}

impl Objectors {
    fn add(&mut self, identity: Identity) {
        match identity {
            Identity::Person(person) => drop(self.people.insert(person)),
            Identity::Machine(machine) => drop(self.machines.insert(machine)),
            Identity::Nobody => {}
        }
    }

    fn remove(&mut self, identity: Identity) {
        match identity {
            Identity::Person(person) => drop(self.people.remove(&person)),
            Identity::Machine(machine) => drop(self.machines.remove(&machine)),
            Identity::Nobody => {}
        }
    }
}

fn identity_person(identity: Identity) -> Option<PersonIx> {
    match identity {
        Identity::Person(person) => Some(person),
        Identity::Machine(_) | Identity::Nobody => None,
    }
}
