//! What an engine says that it is, as JSON: the contract's `description`.

use serde::Serialize;
use sod_core::{ActionInfo, Description, Mode, PolicyInfo, Quorum, QuorumOf};

#[derive(Serialize)]
struct Described<'a> {
    name: &'a str,
    version: &'a str,
    engine: &'a str,
    mode: Mode,
    policy_digest: &'a str,
    policies: &'a [PolicyInfo],
    quorums: Vec<QuorumInfo<'a>>,
    actions: &'a [ActionInfo],
}

#[derive(Serialize)]
struct QuorumInfo<'a> {
    name: &'a str,
    of: QuorumOf,
    needs: Vec<Need<'a>>,
}

#[derive(Serialize)]
struct Need<'a> {
    role: &'a String,
    count: u32,
}

/// The same bytes as those of the host's `Description`.
///
/// # Errors
/// None that is known of.
pub fn describe(description: &Description) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&Described {
        name: &description.name,
        version: &description.version,
        engine: &description.engine,
        mode: description.mode,
        policy_digest: &description.policy_digest,
        policies: &description.policies,
        quorums: description.quorums.iter().map(quorum).collect(),
        actions: &description.actions,
    })
}

fn quorum(quorum: &Quorum) -> QuorumInfo<'_> {
    QuorumInfo {
        name: &quorum.name,
        of: quorum.of,
        needs: quorum.need.iter().map(need).collect(),
    }
}

fn need<'a>((role, count): (&'a String, &u32)) -> Need<'a> {
    Need {
        role,
        count: *count,
    }
}
