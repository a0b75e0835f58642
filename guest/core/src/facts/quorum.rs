//! Quorums: different people matched to needs.
//!
//! One person signs once. Whether operations and security are both covered by
//! *different* people is a maximum matching of signers to needs, not a count.

use std::collections::{BTreeMap, BTreeSet};

/// Roles, teams and shifts, and how many different people each of them needs.
pub(crate) type Needs = BTreeMap<String, u32>;

/// Somebody whose approval counts, by the needs that they could fill.
#[derive(Debug)]
pub(crate) struct Signer<'n> {
    pub(crate) fills: BTreeSet<&'n str>,
}

/// What each need lacks by itself, where one person may fill several.
pub(crate) fn separate_shortfalls(needs: &Needs, signers: &[Signer<'_>]) -> Vec<Shortfall> {
    let shortfall = |(role, count): (&String, &u32)| {
        let filled = signers
            .iter()
            .filter(|s| s.fills.contains(role.as_str()))
            .count();
        let open = count.saturating_sub(u32::try_from(filled).unwrap_or(u32::MAX));
        (open > 0).then(|| Shortfall {
            role: role.clone(),
            count: open,
            fillable_by: BTreeSet::from([role.clone()]),
        })
    };
    needs.iter().filter_map(shortfall).collect()
}

/// A need that a best matching leaves open.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Shortfall {
    pub(crate) role: String,
    pub(crate) count: u32,
    /// Whoever holds one of these roles would fill it, somebody already
    /// counted moving over where necessary.
    pub(crate) fillable_by: BTreeSet<String>,
}

/// What is missing from `needs`; empty if the quorum is met.
pub(crate) fn shortfalls(needs: &Needs, signers: &[Signer<'_>]) -> Vec<Shortfall> {
    let mut matching = Matching::new(needs, signers);
    let open = matching.fill_all();
    let shortfall = |(role, count)| Shortfall {
        role: matching.role(role).to_owned(),
        count,
        fillable_by: matching.fillable_by(role),
    };
    open.into_iter().map(shortfall).collect()
}

/// Which need each signer fills, of those that a best matching fills.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn filled<'n>(needs: &'n Needs, signers: &'n [Signer<'n>]) -> Vec<Option<&'n str>> {
    let mut matching = Matching::new(needs, signers);
    matching.fill_all();
    let fills = matching.fills.iter();
    fills.map(|role| Some(matching.role((*role)?))).collect()
}

/// Kuhn's augmenting paths over roles; quorums are a handful of people.
struct Matching<'n> {
    roles: Vec<(&'n str, u32)>,
    signers: &'n [Signer<'n>],
    /// Which role each signer fills.
    fills: Vec<Option<usize>>,
}

impl<'n> Matching<'n> {
    fn new(needs: &'n Needs, signers: &'n [Signer<'n>]) -> Self {
        Matching {
            roles: needs
                .iter()
                .map(|(role, count)| (role.as_str(), *count))
                .collect(),
            fills: vec![None; signers.len()],
            signers,
        }
    }

    fn role(&self, role: usize) -> &'n str {
        self.roles.get(role).map_or("", |(name, _)| *name)
    }

    /// Fills what can be filled and returns what stays open, by role. A role
    /// that cannot be filled now never can: a later augmentation takes no
    /// signer away from where they help.
    fn fill_all(&mut self) -> Vec<(usize, u32)> {
        let mut open = Vec::new();
        for (role, (_, count)) in self.roles.clone().into_iter().enumerate() {
            let filled = (0..count).take_while(|_| self.fill(role)).count();
            let filled = u32::try_from(filled).unwrap_or(count);
            if filled < count {
                open.push((role, count - filled));
            }
        }
        open
    }

    fn holds(&self, signer: usize, role: usize) -> bool {
        let fills = self.signers.get(signer).map(|s| &s.fills);
        fills.is_some_and(|fills| fills.contains(self.role(role)))
    }

    /// Fills one place of `role`, moving signers to other roles if need be.
    fn fill(&mut self, role: usize) -> bool {
        let mut tried = BTreeSet::new();
        self.augment(role, &mut tried)
    }

    fn augment(&mut self, role: usize, tried: &mut BTreeSet<usize>) -> bool {
        for signer in 0..self.signers.len() {
            if !self.holds(signer, role) || !tried.insert(signer) {
                continue;
            }
            let now = self.fills.get(signer).copied().flatten();
            let free = match now {
                None => true,
                Some(other) => other != role && self.augment(other, tried),
            };
            if free && let Some(slot) = self.fills.get_mut(signer) {
                *slot = Some(role);
                return true;
            }
        }
        false
    }

    /// Roles from which a newcomer reaches `open` over signers who can move.
    fn fillable_by(&self, open: usize) -> BTreeSet<String> {
        let mut reached = BTreeSet::from([open]);
        let mut todo = vec![open];
        while let Some(role) = todo.pop() {
            for (signer, fills) in self.fills.iter().enumerate() {
                let from = fills.filter(|from| !reached.contains(from));
                if let Some(from) = from.filter(|_| self.holds(signer, role)) {
                    reached.insert(from);
                    todo.push(from);
                }
            }
        }
        reached
            .into_iter()
            .map(|r| self.role(r).to_owned())
            .collect()
    }
}

#[cfg(test)]
mod tests;
