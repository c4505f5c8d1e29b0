"""Whether what is written as a hash can be one."""

import base64
import binascii
import re
from collections.abc import Mapping

_WRITTEN = re.compile(
    r"(?P<algorithm>[a-z0-9_]{3,12}|sha-(?:1|2|256|384|512))[-:=](?P<value>[^?]{1,200})", re.IGNORECASE
)
_HEX = re.compile(r"[0-9a-f]+", re.IGNORECASE)
_SIZES: Mapping[str, int] = {"md5": 16, "sha1": 20, "sha224": 28, "sha256": 32, "sha384": 48, "sha512": 64}
_LEAST = 16


def is_digest(written: str) -> bool:
    """Whether a client could compare anything with it: clients leave out what has another length, without a word."""
    found = _WRITTEN.match(written)
    algorithm = found["algorithm"].lower().replace("-", "") if found else ""
    value = (found["value"] if found else written).strip()
    size = len(value) // 2 if _HEX.fullmatch(value) and len(value) % 2 == 0 else _size_of_base64(value)
    return size == _SIZES[algorithm] if algorithm in _SIZES else size >= _LEAST


def _size_of_base64(value: str) -> int:
    try:
        return len(base64.b64decode(value, validate=True))
    except (binascii.Error, ValueError):
        return 0
