//! Components that mean harm, or are broken: those that are refused when they
//! are opened, and those whose decisions are denied. Each has its row in a
//! table, with the code that says why.

mod denied;
mod refused;

use crate::decide::request;
use crate::guest::{Description, Guest, Verdict};

pub(crate) fn allow() -> Verdict {
    Verdict::allow(request().evidence_digest())
}

pub(crate) fn good() -> Guest {
    Guest::with_verdict(&allow())
}

/// A good guest, but for what `change` does to it.
pub(crate) fn guest(change: impl FnOnce(&mut Guest)) -> Guest {
    let mut guest = good();
    change(&mut guest);
    guest
}

/// A guest whose verdict allows, but for what `change` does to it.
pub(crate) fn says(change: impl FnOnce(&mut Verdict)) -> Guest {
    let mut verdict = allow();
    change(&mut verdict);
    Guest::with_verdict(&verdict)
}

/// A guest whose answer allows, but for what `change` does to its words: 0 is
/// which of `result`, 1 the effect, 2 and 3 pointer and length of the reasons,
/// 10 and 11 of the policy digest.
pub(crate) fn words(change: impl FnOnce(&mut Vec<u32>)) -> Guest {
    Guest::build(&Description::default(), |memory| {
        let mut words = allow().lower(memory);
        change(&mut words);
        words
    })
}

pub(crate) fn described(change: impl FnOnce(&mut Description)) -> Guest {
    let mut description = Description::default();
    change(&mut description);
    Guest::build(&description, |memory| allow().lower(memory))
}

pub(crate) fn instead_of_decide(body: &str) -> Guest {
    guest(|guest| guest.decide = body.to_owned())
}
