//! What can go wrong: making a runtime, opening a component, deciding.

use std::fmt::Display;
use std::io;
use std::path::PathBuf;

use miette::Diagnostic;
use thiserror::Error;
use wasmtime::Trap;

use crate::cache::CacheError;
use crate::code;
use crate::digest::Digest;
use crate::limits::{Limits, MemoryExceeded};
use crate::verdict::{Fault, FaultKind};

/// No runtime can be made like this.
#[derive(Debug, Error, Diagnostic)]
#[non_exhaustive]
pub enum BuildError {
    /// A limit is out of its range, or at odds with another.
    #[error("the {limit} limit is {value}, not between {least} and {most}")]
    #[diagnostic(
        code("limit-out-of-range"),
        help(
            "input and output have to fit into the memory of an instance; the other ranges are fixed"
        )
    )]
    #[expect(missing_docs, reason = "the message says it")]
    Limit {
        limit: &'static str,
        value: usize,
        least: usize,
        most: usize,
    },
    /// The directory asked for cannot hold compiled code.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Cache(#[from] CacheError),
    /// This machine cannot run the sandbox.
    #[error("the sandbox cannot be set up: {message}")]
    #[diagnostic(
        code("sandbox"),
        help("a 64-bit system is needed, with address space for `concurrency` x 4 GiB")
    )]
    #[expect(missing_docs, reason = "the message says it")]
    Sandbox { message: String },
}

/// A file or some bytes that are no policy component to be trusted.
#[derive(Debug, Error, Diagnostic)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum OpenError {
    /// The file cannot be read.
    #[error("cannot read `{}`", path.display())]
    #[diagnostic(
        code("component-unreadable"),
        help("name a component file that this user may read")
    )]
    Unreadable { path: PathBuf, source: io::Error },
    /// More bytes than a component may have.
    #[error("the component has more than {limit} bytes")]
    #[diagnostic(
        code("component-too-large"),
        help("raise the runtime's component limit if it is to be that large")
    )]
    TooLarge { limit: usize },
    /// Not the component that was expected: a matter of integrity.
    #[error("the component is {actual}, expected was {expected}")]
    #[diagnostic(
        code("digest-mismatch"),
        help("do not use it; find out who changed the file or the expectation")
    )]
    DigestMismatch { expected: Digest, actual: Digest },
    /// No WebAssembly at all.
    #[error("not a WebAssembly component: {found}")]
    #[diagnostic(
        code("not-a-component"),
        help("`sod build` makes a component from a pack")
    )]
    NotAComponent { found: &'static str },
    /// A component by its header that does not validate or does not compile.
    #[error("not a valid component: {message}")]
    #[diagnostic(
        code("component-invalid"),
        help("the file is damaged, or needs what the sandbox does not offer")
    )]
    Invalid { message: String },
    /// A policy component imports nothing, so that its verdict depends on nothing but the request.
    #[error("the component imports `{}`, a policy component imports nothing", names.join("`, `"))]
    #[diagnostic(
        code("component-imports"),
        help("build it for `wasm32-unknown-unknown`, which has no WASI")
    )]
    Imports { names: Vec<String> },
    /// Some other component.
    #[error("not a policy component: {message}")]
    #[diagnostic(
        code("not-a-policy"),
        help(
            "it must export the interface `sod:policy/authorizer@0.1.0` of wit/policy.wit, to the letter"
        )
    )]
    NotAPolicy { message: String },
    /// It does not manage to say what it is.
    #[error("the component cannot describe itself: {0}")]
    #[diagnostic(code("component-broken"), help("it would not manage to decide either"))]
    Broken(#[source] DecideError),
}

/// No decision was reached.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum DecideError {
    /// The component says why it cannot decide.
    #[error("the component cannot decide: {0}")]
    Fault(#[from] Fault),
    /// The component crashed.
    #[error("the component crashed: {message}")]
    Trap { message: String },
    /// The component used up its fuel.
    #[error("the component was not done after {fuel} units of fuel")]
    Deadline { fuel: u64 },
    /// The component asked for more memory than it may have.
    #[error("the component needs more than {limit} bytes of memory")]
    Memory { limit: usize },
    /// The component's calls were nested too deep.
    #[error("the component needs more than {limit} bytes of stack")]
    Stack { limit: usize },
    /// The request was not even passed on.
    #[error("the request has {size} bytes, more than {limit}")]
    InputTooLarge { size: usize, limit: usize },
    /// The answer was not read.
    #[error("the component's answer has more than {limit} bytes")]
    OutputTooLarge { limit: usize },
    /// An answer that is not believed.
    #[error("the component's answer is invalid: {problem}")]
    InvalidAnswer { problem: String },
    /// No instance could be made.
    #[error("no instance of the component can be made: {message}")]
    Instance { message: String },
}

impl DecideError {
    /// The code of the reason in the deny that this error becomes, one of [`code`](crate::code).
    pub fn reason_code(&self) -> &'static str {
        self.code_and_help().0
    }

    fn code_and_help(&self) -> (&'static str, &'static str) {
        match self {
            Self::Fault(fault) => match fault.kind {
                FaultKind::InvalidRequest => (code::FAULT_INVALID_REQUEST, "correct the request"),
                FaultKind::Limit => (
                    code::FAULT_LIMIT,
                    "send less evidence: only what bears on this resource",
                ),
                FaultKind::Internal => {
                    (code::FAULT_INTERNAL, "a defect of the component: report it")
                }
            },
            Self::Trap { .. } => (
                code::TRAP,
                "a defect of the component: report it with the request",
            ),
            Self::Deadline { .. } => (
                code::DEADLINE,
                "send less evidence, or raise the runtime's fuel limit",
            ),
            Self::Memory { .. } => (
                code::MEMORY,
                "send less evidence, or raise the runtime's memory limit",
            ),
            Self::Stack { .. } => (
                code::STACK,
                "nest the request less deep, or raise the runtime's stack limit",
            ),
            Self::InputTooLarge { .. } => (
                code::INPUT_TOO_LARGE,
                "send less evidence, or raise the runtime's input limit",
            ),
            Self::OutputTooLarge { .. } => {
                (code::OUTPUT_TOO_LARGE, "raise the runtime's output limit")
            }
            Self::InvalidAnswer { .. } => {
                (code::INVALID_ANSWER, "do not use this component; report it")
            }
            Self::Instance { .. } => (
                code::INSTANCE,
                "the machine may be out of memory or address space",
            ),
        }
    }

    /// What stopped a call into the component.
    pub(crate) fn of_call(error: &wasmtime::Error, limits: &Limits, output: usize) -> Self {
        if error.is::<MemoryExceeded>() {
            return Self::Memory {
                limit: limits.memory,
            };
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::OutOfFuel) => Self::Deadline { fuel: limits.fuel },
            Some(Trap::StackOverflow) => Self::Stack {
                limit: limits.stack,
            },
            Some(trap) if !is_malformed_answer(*trap) => Self::Trap {
                message: trap.to_string(),
            },
            // The type of this error is private to wasmtime. If its wording
            // changes the code is a less telling one, and a test fails.
            _ if error
                .root_cause()
                .to_string()
                .contains("fuel allocated for hostcalls") =>
            {
                Self::OutputTooLarge { limit: output }
            }
            _ => Self::InvalidAnswer {
                problem: error.root_cause().to_string(),
            },
        }
    }
}

/// Traps that the reading of an answer raises, not the component's code.
fn is_malformed_answer(trap: Trap) -> bool {
    matches!(
        trap,
        Trap::StringOutOfBounds
            | Trap::ListOutOfBounds
            | Trap::InvalidDiscriminant
            | Trap::InvalidChar
            | Trap::UnalignedPointer
    )
}

/// The whole cause in one line.
pub(crate) fn chain(error: &wasmtime::Error) -> String {
    error
        .chain()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

impl Diagnostic for DecideError {
    fn code<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        Some(Box::new(self.reason_code()))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        Some(Box::new(self.code_and_help().1))
    }
}
