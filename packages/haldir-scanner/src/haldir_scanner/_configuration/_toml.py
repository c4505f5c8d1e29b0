"""TOML, read without trusting it."""

import re
import tomllib
from collections.abc import Mapping
from typing import Any

MAX_BYTES = 256 * 1024
_QUOTED = re.compile(rb"\"[^\"\n]*+\"|'[^'\n]*+'")
# tomllib takes time quadratic in the parts of a dotted key.
_MOST_DOTS = 40


def load_toml(data: bytes) -> Mapping[str, Any]:
    """The tables of a document.

    Raises: ValueError if it is malformed, too large, or has keys of very many parts.
    """
    if len(data) > MAX_BYTES:
        raise ValueError(f"more than {MAX_BYTES} bytes")
    if any(line.count(b".") > _MOST_DOTS for line in _QUOTED.sub(b"", data).splitlines()):
        raise ValueError(f"a key of more than {_MOST_DOTS} parts")
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def table(value: object, *names: str) -> Mapping[str, Any]:
    """The table under these names; an empty one if there is none, or something else."""
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}
