"""Codes of the reasons that the host itself gives, each with a deny: host/runtime/src/code.rs.

They say that no decision was reached, not that the answer was no.
"""

FAULT = {
    "invalid-request": "fault-invalid-request",
    "limit": "fault-limit",
    "internal": "fault-internal",
}
"""The component's own word for why it has no verdict."""

TRAP = "trap"
"""The component crashed, or was refused more memory."""

DEADLINE = "deadline"
"""The component used up its fuel."""

STACK = "stack"
"""The component's calls were nested too deep for its stack."""

INPUT_TOO_LARGE = "input-too-large"
"""The request is larger than the host passes on."""

OUTPUT_TOO_LARGE = "output-too-large"
"""The answer is larger than the host takes."""

INVALID_ANSWER = "invalid-answer"
"""The answer is malformed, contradicts itself, or speaks of something else."""

INSTANCE = "instance"
"""No instance of the component could be made."""
