"""`sod-policy decide`: requests in, verdicts out. Exit codes are those of `sod`: docs/cli.md."""

import argparse
import json
import sys
from typing import NoReturn

from . import OpenError, RequestError, load

_USAGE = 64


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(_USAGE, f"error: {message}\n")


def _arguments() -> argparse.Namespace:
    parser = _Parser(prog="sod-policy")
    verbs = parser.add_subparsers(required=True)
    decide = verbs.add_parser(
        "decide",
        help="one request a line in, one verdict a line out, both as JSON",
        description="A line that is no request is answered by {\"error\": ...}, and the exit code is 1 in the end; "
        "2 if a verdict was a deny, 0 if all were allows.",
    )
    decide.add_argument("component")
    decide.add_argument("--expect-digest", metavar="DIGEST")
    decide.add_argument("--cache", action="store_true", help="keep compiled code in the user's cache directory")
    return parser.parse_args()


def main() -> int:
    """Decides each line of stdin."""
    arguments = _arguments()
    try:
        policy = load(arguments.component, expect_digest=arguments.expect_digest, cache=arguments.cache)
    except (OpenError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 5 if isinstance(error, OpenError) and error.code == "digest-mismatch" else 1
    code = 0
    for line in sys.stdin.buffer:
        try:
            verdict = policy.decide(line)
            answer = verdict.to_json()
            code = 2 if code == 0 and verdict.effect != "allow" else code
        except RequestError as error:
            answer = json.dumps({"error": str(error)}, ensure_ascii=False)
            code = 1
        sys.stdout.buffer.write(answer.encode("utf-8") + b"\n")
        sys.stdout.buffer.flush()
    return code


if __name__ == "__main__":
    sys.exit(main())
