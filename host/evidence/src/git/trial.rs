//! A directory made up from the evidence itself, for trials.

use std::collections::BTreeSet;

use crate::evidence::{Account, Evidence, Person};

/// Makes a person of every well-formed e-mail address. Not safe for
/// enforcement: an address in a commit is only a claim.
pub(super) fn assume(roles: &[String], evidence: &mut Evidence) {
    let addresses: BTreeSet<String> = accounts(evidence)
        .filter_map(|account| account.strip_prefix("email:"))
        .map(str::to_ascii_lowercase)
        .filter(|address| is_address(address))
        .collect();
    for address in addresses {
        evidence.accounts.push(Account {
            account: format!("email:{address}"),
            person: Some(address.clone()),
            machine: None,
        });
        evidence.people.push(Person {
            id: address,
            active: true,
            roles: roles.to_vec(),
            teams: Vec::new(),
        });
    }
}

/// Every account that the evidence names.
fn accounts(evidence: &Evidence) -> impl Iterator<Item = &String> {
    let of_commits = evidence.commits.items.iter().flat_map(|commit| {
        [&commit.author, &commit.committer]
            .into_iter()
            .chain(&commit.co_authors)
    });
    let of_changes = evidence.changes.iter().flat_map(|change| {
        let pushes = change.pushes.iter().flat_map(|pushes| &pushes.items);
        let approvals = change.approvals.items.iter().map(|a| &a.account);
        approvals.chain(pushes.map(|push| &push.account))
    });
    let of_deployments = evidence.deployments.iter().flat_map(|deployment| {
        let approvals = deployment.approvals.items.iter().map(|a| &a.account);
        approvals.chain(&deployment.requester)
    });
    of_commits.chain(of_changes).chain(of_deployments)
}

/// One `@` with something on both sides, and nothing that an address cannot hold.
pub(super) fn is_address(address: &str) -> bool {
    let strange = |c: char| c.is_whitespace() || c.is_control() || r#"<>()[]\,;:""#.contains(c);
    match address.split_once('@') {
        Some((local, domain)) => {
            !local.is_empty()
                && !domain.is_empty()
                && !domain.contains('@')
                && !address.contains(strange)
        }
        None => false,
    }
}
