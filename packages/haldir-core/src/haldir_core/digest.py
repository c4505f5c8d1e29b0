"""The digest string of the format: ``sha256:`` and 64 lower-case hexadecimal digits."""

import hashlib
import re
from typing import NewType

Digest = NewType("Digest", str)
"""A checked digest string; made by `sha256` or `parse_digest` only."""

_FORM = re.compile(r"sha256:[0-9a-f]{64}")


def sha256(data: bytes) -> Digest:
    """Return the digest of ``data``."""
    return Digest("sha256:" + hashlib.sha256(data).hexdigest())


def parse_digest(text: str) -> Digest:
    """Return ``text`` as a digest.

    Raises: ValueError if it has another form (upper case included).
    """
    if not _FORM.fullmatch(text):
        raise ValueError("must be sha256: and 64 lower-case hexadecimal digits")
    return Digest(text)
