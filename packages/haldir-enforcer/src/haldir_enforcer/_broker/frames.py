"""One JSON object after its length: four bytes, most significant first.

Only the standard library, so that a skill can use it.
"""

import json
from collections.abc import Iterator
from typing import Any, NoReturn

HEADER_BYTES = 4
MAX_FRAME_BYTES = 256 * 1024
"""Largest frame in either direction."""

_MAX_DEPTH = 32
_MAX_SAFE_INTEGER = 2**53 - 1  # RFC 7493 2.2


class FrameError(ValueError):
    """The other side sent what is no frame."""


def encode_frame(message: object) -> bytes:
    """Return ``message`` (JSON values only) as one frame.

    Raises: FrameError if it is no JSON, or too large.
    """
    try:
        body = json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise FrameError(f"is no JSON value: {error}") from error
    if len(body) > MAX_FRAME_BYTES:
        raise FrameError(f"has {len(body)} bytes, {MAX_FRAME_BYTES} are allowed")
    return len(body).to_bytes(HEADER_BYTES, "big") + body


class FrameReader:
    """Takes bytes as they come and gives the objects that are complete."""

    def __init__(self) -> None:
        """Start before the first frame."""
        self._buffer = bytearray()

    @property
    def is_inside(self) -> bool:
        """Whether a frame has begun and not ended."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> Iterator[dict[str, Any]]:
        """Yield every object that ``data`` completes.

        Raises: FrameError at the first thing that is no frame; nothing after it is to be trusted.
        """
        self._buffer += data
        while len(self._buffer) >= HEADER_BYTES:
            size = int.from_bytes(self._buffer[:HEADER_BYTES], "big")
            if not 0 < size <= MAX_FRAME_BYTES:
                raise FrameError(f"a frame of {size} bytes: 1 to {MAX_FRAME_BYTES} are allowed")
            if len(self._buffer) < HEADER_BYTES + size:
                return
            body = bytes(self._buffer[HEADER_BYTES : HEADER_BYTES + size])
            del self._buffer[: HEADER_BYTES + size]
            yield decode_body(body)


def decode_body(body: bytes) -> dict[str, Any]:
    """Return the JSON object of one frame.

    Raises: FrameError if it is no strict JSON object.
    """
    try:
        if _depth(body) > _MAX_DEPTH:
            raise ValueError("nested too deep")  # noqa: TRY301 - one place says what is wrong
        value = json.loads(
            body.decode("utf-8"), object_pairs_hook=_without_doubles, parse_constant=_refuse, parse_int=_integer
        )
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8")  # no half surrogate pairs, no 1e999
    except (ValueError, RecursionError) as error:
        raise FrameError(f"no JSON object: {error}") from error
    if not isinstance(value, dict):
        raise FrameError("no JSON object, but another value")
    return value


def _depth(body: bytes) -> int:
    """Return a bound of the nesting: brackets in texts count too."""
    depth = deepest = 0
    for byte in body.translate(None, _OTHERS):
        depth += 1 if byte in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


_OTHERS = bytes(set(range(256)) - set(b"[]{}"))


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key occurs twice")
    return members


def _integer(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > _MAX_SAFE_INTEGER:
        raise ValueError("an integer is not below 2^53")
    return int(text)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")
