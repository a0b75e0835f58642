"""From what a component returned to what the host believes: host/runtime/src/answer.rs.

A component is sandboxed, not trusted. Whatever in its answer can be checked
without knowing the policies is checked here, and an answer that fails a check
is no answer.
"""

import re
from typing import Any, NoReturn

from ._code import INVALID_ANSWER
from ._digest import is_digest
from ._errors import DecideError
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


def _doubt(problem: str) -> NoReturn:
    raise DecideError(INVALID_ANSWER, f"the component's answer is invalid: {problem}")


def _get(record: Any, name: str) -> Any:
    """A field by its name in WIT."""
    return getattr(record, name)


def verdict(answer: Any, evidence_digest: str, by: Description) -> Verdict:
    """A verdict on a request with this evidence digest by the component so described."""
    said = Verdict(
        effect=answer.effect,
        reasons=[_reason(reason) for reason in answer.reasons],
        missing=[_missing(need) for need in answer.missing],
        approvals=[_approval(approval) for approval in answer.approvals],
        obligations=[Obligation(it.policy, it.obligation) for it in answer.obligations],
        warnings=list(answer.warnings),
        policy_digest=_digest(_get(answer, "policy-digest"), "policy digest"),
        evidence_digest=_digest(_get(answer, "evidence-digest"), "evidence digest"),
    )
    if not said.reasons:
        _doubt("it gives no reason")
    if said.policy_digest != by.policy_digest:
        _doubt("its policy digest is not the one that the component describes itself with")
    if said.evidence_digest != evidence_digest:
        _doubt("its evidence digest is not that of the request")
    if said.effect == "allow":
        _check_allow(said, by)
    elif said.effect != "deny":
        _doubt("it neither allows nor denies")
    return said


def _check_allow(said: Verdict, by: Description) -> None:
    """An allow has to follow from a permit, and nothing may stand against it."""
    effect = {policy.id: policy.effect for policy in by.policies}
    effects = [effect.get(reason.policy) for reason in said.reasons if reason.policy is not None]
    if said.missing:
        _doubt("it allows although a quorum is not met")
    if "deny" in effects:
        _doubt("it allows and gives a forbid as a reason")
    if "allow" not in effects:
        _doubt("it allows without a permit of this component as a reason")


def description(answer: Any) -> Description:
    """What the component says that it is, or what is wrong with it."""
    policies = [
        PolicyInfo(
            id=it.id,
            pack=it.pack,
            effect=it.effect,
            annotations=_annotations(it.annotations),
            digest=_digest(it.digest, "digest of a policy"),
        )
        for it in answer.policies
    ]
    ids = [policy.id for policy in policies]
    # Policies are looked up by id when an allow is checked: one that is permit and forbid would be either.
    if any(a >= b for a, b in zip(ids, ids[1:])):
        _doubt("its policies are not sorted by id, each id once")
    return Description(
        name=answer.name,
        version=answer.version,
        engine=answer.engine,
        mode=answer.mode,
        policy_digest=_digest(_get(answer, "policy-digest"), "policy digest"),
        policies=policies,
        quorums=[QuorumInfo(it.name, it.of, [Need(need.role, need.count) for need in it.needs]) for it in answer.quorums],
        actions=[ActionInfo(_uid(it.action), list(it.principals), list(it.resources)) for it in answer.actions],
    )


def _reason(reason: Any) -> Reason:
    if not re.fullmatch("[a-z0-9-]+", reason.code):
        _doubt(f"`{reason.code[:80]!a}` is no reason code")
    return Reason(
        code=reason.code,
        policy=reason.policy,
        message=reason.message,
        annotations=_annotations(reason.annotations),
    )


def _annotations(annotations: Any) -> dict[str, str]:
    by_name: dict[str, str] = {}
    for annotation in sorted(annotations, key=lambda it: str(it.name)):
        if annotation.name in by_name:
            _doubt(f"the annotation `{annotation.name[:80]!a}` is there twice")
        by_name[annotation.name] = annotation.value
    return by_name


def _missing(need: Any) -> Missing:
    return Missing(
        quorum=need.quorum,
        resource=_uid(need.resource),
        role=need.role,
        count=need.count,
        candidates=list(need.candidates),
        more_candidates=_get(need, "more-candidates"),
    )


def _approval(approval: Any) -> Approval:
    return Approval(
        resource=_uid(approval.resource),
        index=approval.index,
        account=approval.account,
        person=approval.person,
        code=approval.code,
        policies=list(approval.policies),
    )


def _uid(uid: Any) -> Entity:
    return Entity(uid.type, uid.id)


def _digest(text: str, what: str) -> str:
    if not is_digest(text):
        _doubt(f"its {what} is `{text[:80]!a}`, no digest")
    return text
