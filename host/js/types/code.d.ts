/**
 * Codes of the reasons that the host itself gives, each with a deny: host/runtime/src/code.rs.
 *
 * They say that no decision was reached, not that the answer was no.
 */
/** The component's own word for why it has no verdict. */
export const FAULT: {
    readonly "invalid-request": "fault-invalid-request";
    readonly limit: "fault-limit";
    readonly internal: "fault-internal";
};
/** The component crashed. */
export const TRAP: "trap";
/** The component was not done in time. */
export const DEADLINE: "deadline";
/** The component, or its answer, took more memory than it may. */
export const MEMORY: "memory";
/** The component's calls were nested too deep for its stack. */
export const STACK: "stack";
/** The request is larger than the host passes on. */
export const INPUT_TOO_LARGE: "input-too-large";
/** The answer is larger than the host takes. */
export const OUTPUT_TOO_LARGE: "output-too-large";
/** The answer is malformed, contradicts itself, or speaks of something else. */
export const INVALID_ANSWER: "invalid-answer";
/** No instance of the component could be made. */
export const INSTANCE: "instance";
