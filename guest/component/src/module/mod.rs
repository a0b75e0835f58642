//! The door for hosts that cannot load components: docs/modules.md is its specification.
//!
//! The host asks for room, writes a request as JSON, and reads an answer as JSON. An address that it was not given,
//! or a length beyond what it asked for, is never looked at.

mod buffers;
mod request;

use serde::Serialize;
use sod_core::{Fault, FaultKind, Verdict};

use self::buffers::Buffers;

/// What a request leads to.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum Answer {
    Verdict(Verdict),
    Fault(Fault),
}

impl Answer {
    fn fault(kind: FaultKind, message: String) -> Self {
        Answer::Fault(Fault { kind, message })
    }
}

/// Room for a request of `len` bytes; 0 if there is none.
#[unsafe(no_mangle)]
extern "C" fn sod_alloc(len: usize) -> usize {
    Buffers::enter(|buffers| buffers.take(len)).unwrap_or(0)
}

/// Gives a request's or an answer's room back.
#[unsafe(no_mangle)]
extern "C" fn sod_free(at: usize) {
    Buffers::enter(|buffers| buffers.give_back(at));
}

/// Decides the request of `len` bytes at `at`.
#[unsafe(no_mangle)]
extern "C" fn sod_decide(at: usize, len: usize) -> u64 {
    Buffers::enter(|buffers| {
        let answer = match buffers.read(at, len) {
            Some(json) => decide(json),
            None => Answer::fault(
                FaultKind::InvalidRequest,
                format!("{len} bytes at {at} are no buffer that this module handed out"),
            ),
        };
        // Nothing in an answer can fail to be written; if it does no answer is better than half of one.
        serde_json::to_vec(&answer).map_or(0, |json| buffers.hand_out(json))
    })
}

/// Says what this is.
#[unsafe(no_mangle)]
extern "C" fn sod_describe() -> u64 {
    Buffers::enter(|buffers| {
        let described =
            sod_engine::program().map(|program| sod_engine::describe(program.describe()));
        described
            .and_then(Result::ok)
            .map_or(0, |json| buffers.hand_out(json))
    })
}

fn decide(json: &[u8]) -> Answer {
    let Some(program) = sod_engine::program() else {
        return Answer::Fault(crate::not_loaded());
    };
    let request = match request::from_json(json) {
        Ok(request) => request,
        Err(message) => return Answer::fault(FaultKind::InvalidRequest, message),
    };
    match program.decide(&request) {
        Ok(verdict) => Answer::Verdict(verdict),
        Err(fault) => Answer::Fault(fault),
    }
}
