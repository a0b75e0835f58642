//! From a request to a verdict, in one of two modes.

mod explain;
mod from_evidence;
mod plain;
mod signing;

use sha2::{Digest, Sha256};

use crate::bundle::{Mode, hex_digest};
use crate::evidence::{EvidenceError, Known, ReadError};
use crate::hashing::key;
use crate::program::Program;
use crate::request::Request;
use crate::verdict::{Effect, Fault, Reason, Verdict};

/// Decides `request` with `program`.
pub(crate) fn decide(program: &Program, request: &Request) -> Result<Verdict, Fault> {
    let digest = digest(request, request.evidence.as_deref().map(|text| [text]));
    let decided = match program.description.mode {
        Mode::Evidence => from_evidence::decide(program, request, &key(&digest)),
        Mode::Cedar => plain::decide(program, request),
    };
    with_digests(program, &digest, decided)
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
    let digest = digest(request, Some(pieces));
    let directory = known.directory();
    let decided = from_evidence::decide_on(program, request, &evidence, directory, &key(&digest));
    Some(with_digests(program, &digest, decided))
}

fn with_digests(
    program: &Program,
    digest: &[u8],
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
    verdict.evidence_digest = hex_digest(digest);
    Ok(verdict)
}

/// What the rules are asked, to decide `request`. `None` if its decision ends before they are.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn facts(program: &Program, request: &Request) -> Result<Option<crate::Facts>, Fault> {
    let facts = match program.description.mode {
        Mode::Evidence => from_evidence::facts(program, request, &Default::default()),
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

/// Of each part its length and its bytes, so that no two requests share an encoding. The evidence is in pieces.
fn digest<const N: usize>(request: &Request, evidence: Option<[&str; N]>) -> [u8; 32] {
    let mut hasher = Sha256::new();
    part(&mut hasher, evidence);
    part(&mut hasher, request.entities.as_deref().map(|text| [text]));
    part(&mut hasher, request.context.as_deref().map(|text| [text]));
    hasher.finalize().into()
}

fn part<const N: usize>(hasher: &mut Sha256, pieces: Option<[&str; N]>) {
    let length = |pieces: &[&str; N]| pieces.iter().map(|piece| piece.len() as u64).sum();
    hasher.update(pieces.as_ref().map_or(u64::MAX, length).to_le_bytes());
    for piece in pieces.iter().flatten() {
        hasher.update(piece);
    }
}
