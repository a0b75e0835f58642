"""What this host makes of components: ``outcomes.py FOLDER``, with components and ``request.json`` in the folder, prints
a line for each, ``{name, refused}`` or ``{name, effect, codes}``. For tests/hosts/suspicion.rs.
"""

import json
import sys
from pathlib import Path
from typing import Any

from sod_policy import Limits, OpenError, load

# Small bounds, as in the tests of the Rust host, so that it takes little to exceed them.
LIMITS = Limits(fuel=20_000_000, memory=1 << 20, input=1 << 17, output=1 << 16)


def outcome(component: Path, request: bytes) -> dict[str, Any]:
    """Of one component."""
    try:
        policy = load(component, limits=LIMITS)
    except OpenError as error:
        return {"refused": error.code, "message": str(error)}
    verdict = policy.decide(request)
    codes = [reason.code for reason in verdict.reasons]
    return {"effect": verdict.effect, "codes": codes, "message": verdict.reasons[0].message}


def main(folder: Path) -> None:
    """Of all of them."""
    request = (folder / "request.json").read_bytes()
    for component in folder.iterdir():
        if component.name != "request.json":
            print(json.dumps({"name": component.name, **outcome(component, request)}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
