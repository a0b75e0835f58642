//! From a request to a verdict, in one of two modes.

mod explain;
mod from_evidence;
mod plain;
mod signing;

use sha2::{Digest, Sha256};

use crate::bundle::{Mode, hex_digest};
use crate::evidence::{EvidenceError, Known, ReadError};
use crate::program::Program;
use crate::request::Request;
use crate::verdict::{Effect, Fault, Reason, Verdict};

/// Decides `request` with `program`.
pub(crate) fn decide(program: &Program, request: &Request) -> Result<Verdict, Fault> {
    let decided = match program.description.mode {
        Mode::Evidence => from_evidence::decide(program, request),
        Mode::Cedar => plain::decide(program, request),
    };
    let evidence = request.evidence.as_deref().map(|text| [text]);
    signed(program, request, slice(&evidence), decided)
}

/// Decides `request` on what is known and what is brought. `None` if that can only be done with both in one text.
pub(crate) fn decide_knowing(
    program: &Program,
    known: &Known,
    brought: &str,
    request: &Request,
) -> Option<Result<Verdict, Fault>> {
    if program.description.mode != Mode::Evidence || request.evidence.is_some() {
        return None;
    }
    let (pieces, unread) = known.with(brought)?;
    let evidence = known.read_rest(&unread)?;
    let decided = from_evidence::decide_on(program, request, &evidence, known.directory());
    Some(signed(program, request, Some(&pieces), decided))
}

/// With the digests of all that it was decided on.
fn signed(
    program: &Program,
    request: &Request,
    evidence: Option<&[&str]>,
    decided: Result<Verdict, Stop>,
) -> Result<Verdict, Fault> {
    let mut verdict = match decided {
        Ok(verdict) => verdict,
        Err(Stop::Deny(reason)) => denied(reason),
        Err(Stop::Fault(fault)) => return Err(fault),
    };
    verdict
        .policy_digest
        .clone_from(&program.description.policy_digest);
    verdict.evidence_digest = evidence_digest(request, evidence);
    Ok(verdict)
}

/// What the rules are asked, to decide `request`. `None` if its decision ends before they are.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn facts(program: &Program, request: &Request) -> Result<Option<crate::Facts>, Fault> {
    let facts = match program.description.mode {
        Mode::Evidence => from_evidence::facts(program, request),
        Mode::Cedar => plain::facts(program, request),
    };
    match facts {
        Ok(facts) => Ok(Some(facts)),
        Err(Stop::Deny(_)) => Ok(None),
        Err(Stop::Fault(fault)) => Err(fault),
    }
}

/// Why a decision ended before the rules were asked.
enum Stop {
    Deny(Reason),
    Fault(Fault),
}

impl Stop {
    fn deny(code: &str, message: impl Into<String>) -> Self {
        Stop::Deny(Reason {
            code: code.to_owned(),
            policy: None,
            message: message.into(),
            annotations: Default::default(),
        })
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Stop::Fault(fault)
    }
}

impl From<EvidenceError> for Stop {
    fn from(error: EvidenceError) -> Self {
        Stop::deny(error.code, error.message)
    }
}

impl From<ReadError> for Stop {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Fault(fault) => fault.into(),
            ReadError::Evidence(error) => error.into(),
        }
    }
}

fn denied(reason: Reason) -> Verdict {
    Verdict {
        effect: Effect::Deny,
        reasons: vec![reason],
        missing: Vec::new(),
        approvals: Vec::new(),
        obligations: Vec::new(),
        warnings: Vec::new(),
        policy_digest: String::new(),
        evidence_digest: String::new(),
    }
}

/// Each part as its length and its bytes, so that no two requests share an encoding. The evidence comes in pieces.
fn evidence_digest(request: &Request, evidence: Option<&[&str]>) -> String {
    let entities = request.entities.as_deref().map(|text| [text]);
    let context = request.context.as_deref().map(|text| [text]);
    let mut hasher = Sha256::new();
    for part in [evidence, slice(&entities), slice(&context)] {
        let length = |pieces: &[&str]| pieces.iter().map(|piece| piece.len() as u64).sum();
        hasher.update(part.map_or(u64::MAX, length).to_le_bytes());
        for piece in part.into_iter().flatten() {
            hasher.update(piece);
        }
    }
    hex_digest(hasher)
}

fn slice<'t, 'a>(one: &'t Option<[&'a str; 1]>) -> Option<&'t [&'a str]> {
    one.as_ref().map(<[_; 1]>::as_slice)
}
