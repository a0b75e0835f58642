//! How somebody was signed in, for the one who asks and for those who signed.

use super::people::minutes_between;
use crate::evidence::{EvidenceError, Identity, Index, Session, timestamp};

/// What is known of a session. Each is an attribute of `Session` in the base schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SessionFacts<'e> {
    pub(crate) network: Option<&'e str>,
    pub(crate) country: Option<&'e str>,
    /// From the newest proof by a second factor to the use of the session.
    pub(crate) minutes_since_mfa: Option<i64>,
}

/// Derives the facts of `session`.
///
/// # Errors
/// A session of somebody else, which says nothing about `whose`; times that are none.
pub(crate) fn session_facts<'e>(
    index: &Index<'_>,
    session: &'e Session<'_>,
    whose: Identity,
    now: i64,
) -> Result<SessionFacts<'e>, EvidenceError> {
    let signed_in = index.identity(&session.account);
    if signed_in == Identity::Nobody || signed_in != whose {
        return Err(EvidenceError::invalid(format!(
            "the session is of account `{}`, which is not that of whoever used it",
            session.account
        )));
    }
    let used = session.at.as_deref().map(|at| timestamp("at", at));
    // A clock that is ahead makes no proof younger.
    let used = used.transpose()?.map_or(now, |at| at.min(now));
    Ok(SessionFacts {
        network: session.network.as_deref(),
        country: session.country.as_deref(),
        minutes_since_mfa: minutes_between("mfa_at", session.mfa_at.as_deref(), used)?,
    })
}
