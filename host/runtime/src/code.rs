//! Codes of the reasons that the host itself gives, each with a deny.
//!
//! They say that no decision was reached, not that the answer was no.
//! A component's own codes are in docs/facts.md.

/// The request is not of the form that this component takes.
pub const FAULT_INVALID_REQUEST: &str = "fault-invalid-request";
/// The request goes beyond a fixed bound of the component.
pub const FAULT_LIMIT: &str = "fault-limit";
/// The component found a defect in itself.
pub const FAULT_INTERNAL: &str = "fault-internal";
/// The component crashed.
pub const TRAP: &str = "trap";
/// The component used up its fuel.
pub const DEADLINE: &str = "deadline";
/// The component asked for more memory than it may have.
pub const MEMORY: &str = "memory";
/// The component's calls were nested too deep for its stack.
pub const STACK: &str = "stack";
/// The request is larger than the host passes on.
pub const INPUT_TOO_LARGE: &str = "input-too-large";
/// The answer is larger than the host takes.
pub const OUTPUT_TOO_LARGE: &str = "output-too-large";
/// The answer is malformed, contradicts itself, or speaks of something else.
pub const INVALID_ANSWER: &str = "invalid-answer";
/// No instance of the component could be made.
pub const INSTANCE: &str = "instance";

/// All of them.
pub const ALL: [&str; 11] = [
    FAULT_INVALID_REQUEST,
    FAULT_LIMIT,
    FAULT_INTERNAL,
    TRAP,
    DEADLINE,
    MEMORY,
    STACK,
    INPUT_TOO_LARGE,
    OUTPUT_TOO_LARGE,
    INVALID_ANSWER,
    INSTANCE,
];
