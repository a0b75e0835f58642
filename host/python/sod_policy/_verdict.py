"""The answer, once it has been found credible. As JSON it is byte for byte what the Rust host writes."""

import json
from dataclasses import asdict, dataclass
from typing import Literal

Effect = Literal["allow", "deny"]


@dataclass(frozen=True)
class Entity:
    """Who, what, or to what: ``Person::"ana"``."""

    type: str
    id: str


@dataclass(frozen=True)
class Reason:
    """One reason for the effect."""

    code: str
    """Stable and kebab-case: the component's (docs/facts.md) or the host's."""
    policy: str | None
    """``@id`` of the policy, where one policy is the reason."""
    message: str
    """In plain words."""
    annotations: dict[str, str]
    """The policy's annotations but ``@id``."""


@dataclass(frozen=True)
class Missing:
    """A need of a quorum that is not met."""

    quorum: str
    resource: Entity
    """The change or deployment that lacks it."""
    role: str
    """The role whose signature is missing."""
    count: int
    """How many more different people."""
    candidates: list[str]
    """Ids of people who could fill it, sorted, at most 50."""
    more_candidates: bool
    """There are more than listed."""


@dataclass(frozen=True)
class Approval:
    """What became of one approval in the evidence."""

    resource: Entity
    index: int
    """Position in that resource's list, from 0."""
    account: str
    person: str | None
    code: str
    """``counted``, or the code why not."""
    policies: list[str]
    """Policies that refused the approver."""


@dataclass(frozen=True)
class Obligation:
    """What the host must do if it acts on the verdict."""

    policy: str
    obligation: str


@dataclass(frozen=True)
class Verdict:
    """The whole answer, complete enough to be the audit record. Only ``"allow"`` in ``effect`` is permission."""

    effect: Effect
    reasons: list[Reason]
    """Why; never empty."""
    missing: list[Missing]
    """What would have to be added."""
    approvals: list[Approval]
    """What became of every approval that concerns the resource."""
    obligations: list[Obligation]
    """What the host must do besides."""
    warnings: list[str]
    """Fields of the evidence, by path, that the engine does not know."""
    policy_digest: str
    """Digest of policies, schema and quorums."""
    evidence_digest: str
    """Digest of evidence, entities and context."""

    def to_json(self) -> str:
        """One line, byte for byte what the Rust host writes."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True)
class PolicyInfo:
    """One policy of the pack."""

    id: str
    pack: str
    effect: Effect
    annotations: dict[str, str]
    digest: str


@dataclass(frozen=True)
class Need:
    """One need of a quorum."""

    role: str
    count: int


@dataclass(frozen=True)
class QuorumInfo:
    """One quorum of the pack."""

    name: str
    of: str
    needs: list[Need]


@dataclass(frozen=True)
class ActionInfo:
    """One action of the pack's schema."""

    action: Entity
    principals: list[str]
    resources: list[str]


@dataclass(frozen=True)
class Description:
    """What a component says that it is."""

    name: str
    version: str
    engine: str
    mode: Literal["evidence", "cedar"]
    policy_digest: str
    policies: list[PolicyInfo]
    quorums: list[QuorumInfo]
    actions: list[ActionInfo]
