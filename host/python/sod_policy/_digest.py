"""SHA-256 digests, written `sha256:` and 64 lower-case hex digits."""

import hashlib
import re
from collections.abc import Iterable


def digest_of(data: bytes) -> str:
    """The digest of bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def digest_of_parts(parts: Iterable[bytes | None]) -> str:
    """The digest of optional texts such that no two different lists share one.

    Each as its length, 64 bits little-endian (2^64-1 where absent), and its bytes.
    """
    hasher = hashlib.sha256()
    for part in parts:
        length = (1 << 64) - 1 if part is None else len(part)
        hasher.update(length.to_bytes(8, "little"))
        hasher.update(part or b"")
    return "sha256:" + hasher.hexdigest()


def is_digest(text: str) -> bool:
    """Is it written as a digest is?"""
    return re.fullmatch("sha256:[0-9a-f]{64}", text) is not None
