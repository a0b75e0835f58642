"""Decides whether someone may review, approve, merge or deploy a change, by
policies that were compiled into a sandboxed WebAssembly component.

    import sod_policy

    policy = sod_policy.load("protected-deploy.wasm", expect_digest="sha256:...")
    verdict = policy.decide(request_json)
    if verdict.effect != "allow":
        raise PermissionError(verdict.reasons[0].message)

Only ``effect == "allow"`` is permission. See README.md.
"""

from ._errors import DecideError, OpenError, RequestError
from ._limits import Limits
from ._policy import Policy, load
from ._request import Request
from ._verdict import (
    ActionInfo,
    Approval,
    Description,
    Entity,
    Missing,
    Need,
    Obligation,
    PolicyInfo,
    QuorumInfo,
    Reason,
    Verdict,
)

__all__ = [
    "ActionInfo",
    "Approval",
    "DecideError",
    "Description",
    "Entity",
    "Limits",
    "Missing",
    "Need",
    "Obligation",
    "OpenError",
    "Policy",
    "PolicyInfo",
    "QuorumInfo",
    "Reason",
    "Request",
    "RequestError",
    "Verdict",
    "load",
]
