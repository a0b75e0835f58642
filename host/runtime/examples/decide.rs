//! Asks a policy and goes ahead only if it allows: `decide COMPONENT DIGEST REQUEST`.
//!
//! docs/examples/rust/README.md shows it at work.

use std::error::Error;
use std::process::ExitCode;

use sod_host::{Digest, Effect, Request, Runtime};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [component, digest, request] = arguments.as_slice() else {
        return Err("usage: decide COMPONENT DIGEST REQUEST".into());
    };
    // Once per process: it holds the sandbox, its limits and the compiled code.
    let runtime = Runtime::new()?;
    let expected: Digest = digest.parse()?;
    let policy = runtime.open_pinned(component, &expected)?;

    let request = Request::from_json(&std::fs::read(request)?)?;
    let verdict = policy.decide(&request);
    for reason in &verdict.reasons {
        let policy = reason.policy.as_deref().unwrap_or(&reason.code);
        println!("{policy}: {}", reason.message);
    }
    for need in &verdict.missing {
        let candidates = need.candidates.join(", ");
        println!("lacks {} of {}: {candidates}", need.count, need.role);
    }
    match verdict.effect {
        Effect::Allow => Ok(ExitCode::SUCCESS),
        Effect::Deny => Ok(ExitCode::from(2)),
    }
}
