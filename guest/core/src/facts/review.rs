//! What approvals cover, and what they look like beside others.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::approvals::{expiry, session_of};
use super::{ChangeFacts, Judgement, People};
use crate::evidence::{
    ApprovalState, Commit, EvidenceError, Identity, Index, OwnedPath, PersonIx, Range,
};
use crate::facts::SigningRules;
use crate::facts::contributors::{Contributors, is_reproducible_merge};
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
    let mut open: BTreeMap<u32, People> = BTreeMap::new();
    let own_work = |commit: &&Commit<'_>| !is_reproducible_merge(index, commit, &facts.commits);
    for ix in &facts.commits {
        let commit = index.graph.commit(*ix);
        if let Some(commit) = commit.filter(own_work) {
            open.insert(*ix, contributors(index, facts, commit));
        }
    }
    let something = !open.is_empty();
    for (approval, judged) in change.approvals.items.iter().zip(&judgement.approvals) {
        let standing = approval.state == ApprovalState::Approved
            && !approval.edited
            && approval.repository == change.repository
            && approval.target == change.target;
        let expires = expiry(approval.expires_at.as_deref())?;
        let Identity::Person(person) = index.identity(&approval.account) else {
            continue;
        };
        let session = session_of(index, &approval.account, approval.session.as_ref(), now)?;
        let withdrawn = judgement.withdrawn.get(&person);
        if !standing
            || withdrawn.is_some_and(|last| *last > judged.index)
            || expires.is_some_and(|at| now >= at)
            || rules.refusal(person, session, &resource).is_some()
        {
            continue;
        }
        let of = format!("an approval of change `{}`", change.id);
        let Ok(seen) = index.graph.range(Range {
            of: &of,
            base: Some(&change.base),
            head: &approval.head,
            boundary: &change.boundary,
        }) else {
            continue;
        };
        for ix in seen {
            if open.get(&ix).is_some_and(|who| !who.contains(&person)) {
                open.remove(&ix);
            }
        }
    }
    Ok(something && open.is_empty())
}

/// Everybody behind one commit: an account of nobody bars everybody.
fn contributors(index: &Index<'_>, facts: &ChangeFacts<'_>, commit: &Commit<'_>) -> People {
    let mut who = Contributors::default();
    who.add_commit(index, commit);
    // Which commits a push brought is not known for rewritten ones: a pusher had a hand in all.
    who.people.extend(&facts.pushers);
    if who.unattributed || who.ownerless_machine {
        let everybody = (0_u32..).zip(&index.evidence.people);
        return everybody.map(|(ix, _)| ix).collect();
    }
    who.people
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
    let listed: HashSet<&str> = owners
        .items
        .iter()
        .map(|owned| owned.path.as_str())
        .collect();
    let files = facts.change.files.items.iter();
    let mut paths = files.flat_map(|file| std::iter::once(&file.path).chain(&file.old_path));
    Ok(owners.items.iter().all(covered) && paths.all(|path| listed.contains(path.as_str())))
}

/// Who signed, and the teams that they are in.
struct Signatories<'e> {
    people: People,
    teams: HashSet<&'e str>,
}

impl<'e> Signatories<'e> {
    fn new(index: &Index<'e>, signers: &[PersonIx]) -> Self {
        let entries = signers.iter().filter_map(|signer| index.person(*signer));
        let teams = entries.flat_map(|person| &person.teams);
        Signatories {
            people: signers.iter().copied().collect(),
            teams: teams.map(|team| team.as_str()).collect(),
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

/// Who approved whose work how often, as far back as the evidence goes.
pub(crate) struct Favours {
    /// None where past reviews are not in the evidence.
    counts: Option<HashMap<(PersonIx, PersonIx), i64>>,
}

impl Favours {
    pub(crate) fn read(index: &Index<'_>) -> Result<Self, EvidenceError> {
        let Some(past) = &index.evidence.past_reviews else {
            return Ok(Favours { counts: None });
        };
        super::change::require_complete("the evidence", "past_reviews", past)?;
        let mut counts: HashMap<(PersonIx, PersonIx), i64> = HashMap::new();
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
        let count = |a, b| counts.get(&(a, b)).copied().unwrap_or(0);
        let mutual = contributors
            .iter()
            .map(|who| count(person, *who).min(count(*who, person)));
        Some(mutual.max().unwrap_or(0))
    }

    /// For the signer with whom it was most.
    pub(crate) fn most(&self, contributors: &People, signers: &[PersonIx]) -> Option<i64> {
        self.counts.as_ref()?;
        let each = signers
            .iter()
            .map(|signer| self.between(contributors, *signer));
        Some(each.flatten().max().unwrap_or(0))
    }
}

/// Seconds that each approval that counts took, by the order of the signers.
pub(crate) fn seconds_taken<'j>(
    facts: &'j ChangeFacts<'_>,
    judgement: &'j Judgement,
) -> impl Iterator<Item = Option<i64>> + 'j {
    let approvals = &facts.change.approvals.items;
    let taken = |at: &u32| approvals.get(*at as usize)?.after_seconds;
    judgement
        .positions
        .iter()
        .map(move |at| taken(at).map(i64::from))
}

/// Seconds that the quickest approval that counts took. None where there is no such approval, or one of them does not
/// say: it may have been the quickest.
pub(crate) fn quickest(facts: &ChangeFacts<'_>, judgement: &Judgement) -> Option<i64> {
    let seconds: Option<Vec<i64>> = seconds_taken(facts, judgement).collect();
    seconds?.into_iter().min()
}
