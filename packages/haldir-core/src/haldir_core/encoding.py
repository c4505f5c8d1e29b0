"""Base64url as the envelope writes it, and the strict reading of it."""

import base64
import binascii
import re

from haldir_core.errors import DecodeError

_URL = re.compile(r"[A-Za-z0-9_-]*(={0,2})")
_STANDARD = re.compile(r"[A-Za-z0-9+/]*(={0,2})")


def encode_base64url(data: bytes) -> str:
    """Return ``data`` as base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode_base64(text: str) -> bytes:
    """Return the bytes that ``text`` holds, in either alphabet, padded correctly or not at all.

    Exactly one text per alphabet and padding decodes to the same bytes: mixed alphabets, white space,
    other characters and spare bits are refused.

    Raises: DecodeError
    """
    match = _URL.fullmatch(text) or _STANDARD.fullmatch(text)
    if match is None:
        raise DecodeError("not base64: a character of neither alphabet, or of both")
    body = text[: match.start(1)].replace("-", "+").replace("_", "/")
    if match[1] and len(text) % 4:
        raise DecodeError("not base64: wrong padding")
    try:
        data = base64.b64decode(body + "=" * (-len(body) % 4), validate=True)
    except binascii.Error as error:
        raise DecodeError(f"not base64: {error}") from error
    if base64.b64encode(data).rstrip(b"=").decode("ascii") != body:
        raise DecodeError("not base64: spare bits are set")
    return data
