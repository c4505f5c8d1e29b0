"""The id of a run."""

import os
from collections.abc import Callable


def new_run_id(random_bytes: Callable[[int], bytes] = os.urandom) -> str:
    """Return a random UUID (RFC 9562, version 4)."""
    number = int.from_bytes(random_bytes(16), "big")
    number = number & ~(0xF << 76) & ~(0x3 << 62) | 0x4 << 76 | 0x2 << 62
    digits = f"{number:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
