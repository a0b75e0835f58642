//! What approvals cover, and what they look like beside others.

use std::collections::BTreeMap;

use super::approvals::{expiry, session_of};
use super::{ChangeFacts, Judgement, People};
use crate::evidence::{ApprovalState, EvidenceError, Identity, Index, OwnedPath, PersonIx};
use crate::facts::SigningRules;
use crate::facts::contributors::{Behind, Contributors, is_reproducible_merge};
use crate::hashing::Set;
use crate::request::EntityUid;
use crate::text::Text;

/// Whether each commit of the change was approved by somebody who had no hand in it: in a state of the change that
/// had the commit, for this repository and branch, and permitted by the pack's `approve` rules. A later push takes
/// such an approval away from later commits only.
pub(crate) fn every_commit_reviewed<'e>(
    index: &Index<'e>,
    facts: &ChangeFacts<'e>,
    judgement: &Judgement,
    now: i64,
    rules: &mut impl SigningRules<'e>,
) -> Result<bool, EvidenceError> {
    let change = facts.change;
    let resource = EntityUid::new("Change", change.id.as_str());
    let mut approved = Vec::new();
    for (approval, judged) in change.approvals.items.iter().zip(&judgement.approvals) {
        let standing = approval.state == ApprovalState::Approved
            && !approval.edited
            && approval.dismissed_by.is_none()
            && approval.repository == change.repository
            && approval.target == change.target;
        let expires = expiry(approval.expires_at.as_deref())?;
        let Identity::Person(person) = index.identity(&approval.account) else {
            continue;
        };
        let session = session_of(index, &approval.account, approval.session.as_ref(), now)?;
        let withdrawn = judgement.withdrawn.get(&person);
        // Which commits a push brought is not known for rewritten ones: a pusher had a hand in all.
        if standing
            && !facts.pushers.contains(&person)
            && withdrawn.is_none_or(|last| *last <= judged.index)
            && expires.is_none_or(|at| now < at)
            && rules.refusal(person, session, &resource).is_none()
        {
            approved.push((approval.head.as_str(), person));
        }
    }
    let commits = facts.commits.iter().filter_map(|ix| {
        let commit = index.graph.commit(*ix)?;
        (!is_reproducible_merge(index, commit, &facts.commits))
            .then(|| (*ix, Behind::new(index, commit)))
    });
    let commits: Vec<(u32, Behind<'_, '_>)> = commits.collect();
    // Of one approver more than there are contributors one at least is none of them.
    let most = commits.iter().map(|(_, behind)| behind.most()).max();
    let approvers =
        index
            .graph
            .said_of(&facts.commits, approved.into_iter(), most.unwrap_or(0) + 1);
    let reviewed = |(ix, behind): &(u32, Behind<'_, '_>)| {
        let mut approvers = approvers.get(ix).into_iter().flatten();
        approvers.any(|approver| !behind.may_be(*approver))
    };
    Ok(!commits.is_empty() && commits.iter().all(reviewed))
}

/// Whether every file that has owners is signed for by one of them who works here still. A list of owners that is
/// absent, or says nothing of a file, covers nothing.
pub(crate) fn owners_covered(
    index: &Index<'_>,
    facts: &ChangeFacts<'_>,
    signers: &[PersonIx],
) -> Result<bool, EvidenceError> {
    let Some(owners) = &facts.change.owners else {
        return Ok(false);
    };
    let of = format!("change `{}`", facts.change.id);
    super::change::require_complete(&of, "owners", owners)?;
    let signers = Signatories::new(index, signers);
    let covered = |owned: &OwnedPath<'_>| signers.cover(index, owned);
    let mut listed = Set::with_hasher(index.key.clone());
    listed.extend(owners.items.iter().map(|owned| owned.path.as_str()));
    let files = facts.change.files.items.iter();
    let mut paths = files.flat_map(|file| std::iter::once(&file.path).chain(&file.old_path));
    Ok(owners.items.iter().all(covered) && paths.all(|path| listed.contains(path.as_str())))
}

/// Who signed, and the teams that they are in.
struct Signatories<'e> {
    people: People,
    teams: Set<&'e str>,
}

impl<'e> Signatories<'e> {
    fn new(index: &Index<'e>, signers: &[PersonIx]) -> Self {
        let entries = signers.iter().filter_map(|signer| index.person(*signer));
        let names = entries.flat_map(|person| &person.teams);
        let mut teams = Set::with_hasher(index.key.clone());
        teams.extend(names.map(|team| team.as_str()));
        Signatories {
            people: signers.iter().copied().collect(),
            teams,
        }
    }

    /// One of the owners signed, or there are none.
    fn cover(&self, index: &Index<'_>, owned: &OwnedPath<'_>) -> bool {
        let signed = |account: &Text<'_>| match index.identity(account) {
            Identity::Person(person) => self.people.contains(&person),
            Identity::Machine(_) | Identity::Nobody => false,
        };
        let nobodys = owned.accounts.is_empty() && owned.teams.is_empty();
        nobodys
            || owned.accounts.iter().any(signed)
            || owned
                .teams
                .iter()
                .any(|team| self.teams.contains(team.as_str()))
    }
}

/// How often each person approved work of each other one, as far back as the evidence goes.
#[derive(Default)]
pub(crate) struct Favours {
    /// None where past reviews are not in the evidence.
    counts: Option<BTreeMap<(PersonIx, PersonIx), i64>>,
}

impl Favours {
    pub(crate) fn read(index: &Index<'_>) -> Result<Self, EvidenceError> {
        let Some(past) = &index.evidence.past_reviews else {
            return Ok(Favours::default());
        };
        super::change::require_complete("the evidence", "past_reviews", past)?;
        let mut counts = BTreeMap::new();
        for review in &past.items {
            let Identity::Person(reviewer) = index.identity(&review.reviewer) else {
                continue;
            };
            let mut who = Contributors::default();
            for account in &review.contributors {
                who.add(index, account);
            }
            for contributor in who.people {
                *counts.entry((reviewer, contributor)).or_default() += 1;
            }
        }
        Ok(Favours {
            counts: Some(counts),
        })
    }

    /// How often the person and one of the contributors approved each other's work: for the contributor with whom it
    /// was most, the smaller of the two numbers.
    pub(crate) fn between(&self, contributors: &People, person: PersonIx) -> Option<i64> {
        let counts = self.counts.as_ref()?;
        let approved = counts.range((person, 0)..=(person, PersonIx::MAX));
        let of_contributors = approved.filter(|((_, who), _)| contributors.contains(who));
        let mutual = of_contributors.map(|((_, who), count)| {
            let back = counts.get(&(*who, person)).copied().unwrap_or(0);
            back.min(*count)
        });
        Some(mutual.max().unwrap_or(0))
    }

    /// For the signer with whom it was most.
    pub(crate) fn most(&self, contributors: &People, signers: &[PersonIx]) -> Option<i64> {
        self.counts.as_ref()?;
        let signers = signers.iter();
        let each = signers.filter_map(|signer| self.between(contributors, *signer));
        Some(each.max().unwrap_or(0))
    }
}

/// Seconds that each signer took, in their order: of several approvals that one of them gave, those of the longest.
pub(crate) fn seconds_taken<'j>(
    facts: &'j ChangeFacts<'_>,
    judgement: &'j Judgement,
) -> impl Iterator<Item = Option<i64>> + 'j {
    let approvals = &facts.change.approvals.items;
    let mut longest: BTreeMap<PersonIx, Option<i64>> = BTreeMap::new();
    for (person, at) in &judgement.standing {
        let approval = approvals.get(*at as usize);
        let seconds = approval.and_then(|a| a.after_seconds).map(i64::from);
        let known = longest.entry(*person).or_default();
        *known = (*known).max(seconds);
    }
    let signers = judgement.signers.iter();
    signers.map(move |signer| longest.get(signer).copied().flatten())
}

/// Seconds that the quickest signer took. None where there is none, or of one of them it is not known: they may have
/// been the quickest.
pub(crate) fn quickest(facts: &ChangeFacts<'_>, judgement: &Judgement) -> Option<i64> {
    let seconds: Option<Vec<i64>> = seconds_taken(facts, judgement).collect();
    seconds?.into_iter().min()
}
