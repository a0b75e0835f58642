"""One opened component, and its decisions."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import _answer
from ._code import INPUT_TOO_LARGE, INVALID_ANSWER, OUTPUT_TOO_LARGE
from ._digest import digest_of, digest_of_parts, is_digest
from ._errors import DecideError, OpenError
from ._limits import Limits
from ._request import Request
from ._sandbox import Sandbox
from ._verdict import Description, Reason, Verdict


class Policy:
    """One opened policy component. Every decision has a fresh instance: nothing passes from one to the next."""

    def __init__(self, component: bytes, limits: Limits, cache: bool) -> None:
        """Not for callers: see `load`."""
        self.digest = digest_of(component)
        """Digest of the component's bytes. Record it with each verdict."""
        self._limits = limits
        self._sandbox = Sandbox(component, limits, cache)
        try:
            self._description = _answer.description(self._sandbox.describe())
        except DecideError as error:
            raise OpenError("component-broken", f"the component cannot describe itself: {error}") from None

    def describe(self) -> Description:
        """What the component is, in its own words."""
        return self._description

    def decide(self, request: str | bytes | Mapping[str, Any] | Request) -> Verdict:
        """Decides.

        Whatever goes wrong with a request that can be read is a deny, and its
        reason has one of the host's own codes.

        Raises:
            RequestError: a request that cannot be read, on which there is no verdict.
        """
        asked = Request.read(request)
        evidence_digest = digest_of_parts(asked.documents())
        try:
            return self._decide(asked, evidence_digest)
        except DecideError as error:
            return self._refuse(error, evidence_digest)
        except Exception as error:  # whatever it is, it is no permission
            doubt = DecideError(INVALID_ANSWER, f"the component's answer is invalid: {error!r}")
            return self._refuse(doubt, evidence_digest)

    def _decide(self, request: Request, evidence_digest: str) -> Verdict:
        size = sum(len(text.encode("utf-8")) for text in request.strings())
        if size > self._limits.input:
            raise DecideError(INPUT_TOO_LARGE, f"the request has {size} bytes, more than {self._limits.input}")
        verdict = _answer.verdict(self._sandbox.decide(request), evidence_digest, self._description)
        if len(verdict.to_json().encode("utf-8")) > self._limits.output:
            raise DecideError(OUTPUT_TOO_LARGE, f"the component's answer has more than {self._limits.output} bytes")
        return verdict

    def _refuse(self, error: DecideError, evidence_digest: str) -> Verdict:
        """The deny that an error becomes."""
        return Verdict(
            effect="deny",
            reasons=[Reason(code=error.code, policy=None, message=str(error), annotations={})],
            missing=[],
            approvals=[],
            obligations=[],
            warnings=[],
            policy_digest=self._description.policy_digest,
            evidence_digest=evidence_digest,
        )


def load(
    source: str | os.PathLike[str] | bytes,
    *,
    expect_digest: str | None = None,
    limits: Limits = Limits(),
    cache: bool = False,
) -> Policy:
    """Opens a component: its file, or its bytes.

    With ``expect_digest`` nothing else is looked at before the component has
    it. Compiling takes seconds: keep the policy, or have wasmtime keep the
    compiled code, in `wasmtime` of this user's cache directory, with ``cache``.
    Whoever can write there decides what will be decided.

    Raises:
        OpenError: anything that is not a policy component which can say what it is.
    """
    if expect_digest is not None and not is_digest(expect_digest):
        raise ValueError(f"`expect_digest` is `{expect_digest}`, not `sha256:` and 64 lower-case hex digits")
    component = source if isinstance(source, bytes) else _read(Path(source), limits.component)
    if len(component) > limits.component:
        raise OpenError("component-too-large", f"the component has more than {limits.component} bytes")
    actual = digest_of(component)
    if expect_digest is not None and actual != expect_digest:
        raise OpenError("digest-mismatch", f"the component is {actual}, expected was {expect_digest}")
    return Policy(component, limits, cache)


def _read(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            # One byte more than allowed is enough to know.
            return file.read(limit + 1)
    except OSError as error:
        raise OpenError("component-unreadable", f"cannot read `{path}`: {error.strerror}") from None
