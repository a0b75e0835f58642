"""Asks the policy before a deployment: ``gate.py COMPONENT DIGEST PERSON DEPLOYMENT``.

Exit codes are those of ``sod``: 0 to go ahead, 2 if it is denied, 1 if it could not be decided.
"""

import json
import sys
from pathlib import Path

import sod_policy


def main(component: str, digest: str, person: str, deployment: str) -> int:
    """Whether the person may deploy it."""
    # What was collected about the deployment. Here it is an example's, of March 2026.
    example = json.loads(Path("../../../policies/protected-deploy/example.json").read_text("utf-8"))
    # A service loads once; a command that is run for each question keeps what was compiled.
    policy = sod_policy.load(component, expect_digest=digest, cache=True)
    verdict = policy.decide(
        {
            "principal": {"type": "Person", "id": person},
            "action": "deploy",
            "resource": {"type": "Deployment", "id": deployment},
            "now": example["now"],
            "evidence": example["evidence"],
        }
    )
    print(verdict.effect)
    for reason in verdict.reasons:
        print(f"  {reason.policy or reason.code}: {reason.message}")
    for need in verdict.missing:
        print(f"  lacks {need.count} of {need.role}: {', '.join(need.candidates)}")
    return 0 if verdict.effect == "allow" else 2


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except (sod_policy.OpenError, sod_policy.RequestError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
