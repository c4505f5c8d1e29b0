"""The codecs of one run of characters: hex, base32, base64 and base85."""

import base64
import binascii

from haldir_scanner._decode._look import is_plain, look

HEX_BYTES = b"0123456789abcdefABCDEF"
BASE64_BYTES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

_BASE32_BYTES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_STANDARD = bytes.maketrans(b"-_", b"+/")  # RFC 4648 5: the alphabet for URLs
_PEEK_CHARACTERS = 32
_SHORTEST_PEEK_BYTES = 12
_LONG_RUN_CHARACTERS = 160
_PREFIX_CHARACTERS = 64
# How gzip, zip, ELF and Windows programs begin in base64.
_BINARY_BEGINNINGS = (b"H4sI", b"UEsD", b"f0VM", b"TVqQ", b"TVpQ")


def is_hex(run: bytes) -> bool:
    """Whether ``run`` consists of hexadecimal digits."""
    return not run.translate(None, HEX_BYTES)


def from_hex(run: bytes) -> bytes:
    """The bytes of hexadecimal digits; an odd last one is left out."""
    return bytes.fromhex(run[: len(run) & ~1].decode("ascii"))


def from_base64(run: bytes) -> bytes:
    """The bytes of a run without padding, in either alphabet; what is left over at the end is left out."""
    run = run[:-1] if len(run) % 4 == 1 else run
    return binascii.a2b_base64(run.translate(_STANDARD) + b"=" * (-len(run) % 4))


def from_base32(run: bytes) -> bytes:
    """The bytes of an upper-case run without padding; what is left over at the end is left out."""
    over = {1: 1, 3: 1, 6: 1}.get(len(run) % 8, 0)
    run = run[: len(run) - over]
    return base64.b32decode(run + b"=" * (-len(run) % 8))


def hex_offset(run: bytes) -> int | None:
    """Where in a run of hexadecimal digits the text begins, if there is one."""
    return next((offset for offset in (0, 1) if _shows(from_hex(run[offset : offset + 48]), offset)), None)


def is_base32(run: bytes) -> bool:
    """Whether ``run`` consists of base32 digits."""
    return not run.translate(None, _BASE32_BYTES)


def codec(run: bytes) -> tuple[str, int] | None:
    """The codec of a run that says something worth a look, and where in it that begins."""
    if is_hex(run):
        offset = hex_offset(run)
        return None if offset is None else ("hex", offset)
    if run.islower():
        return None
    if run.isupper():
        return ("base32", 0) if is_base32(run) and _shows(from_base32(run[:40]), 0) else None
    offset = base64_offset(run)
    return None if offset is None else ("base64", offset)


def fits(name: str, run: bytes) -> bool:
    """Whether all characters of ``run`` belong to the codec."""
    return name == "base64" or (is_hex(run) if name == "hex" else is_base32(run))


def decoded(name: str, run: bytes) -> bytes:
    """The bytes of a run that fits the codec."""
    if name == "base64":
        return from_base64(run)
    return from_hex(run) if name == "hex" else from_base32(run)


def base64_offset(run: bytes) -> int | None:
    """Where in ``run`` the base64 of something worth a look begins, if it does.

    Looked at are the beginning, at each of the four alignments and behind a short prefix (a path, a name), and, of long
    runs, the middle and the end.
    """
    standard = run.translate(_STANDARD)
    for offset in range(4):
        if _peek(standard, offset):
            return offset
    head = standard[:_PREFIX_CHARACTERS]
    offset = max(head.find(beginning, 1) for beginning in _BINARY_BEGINNINGS)
    if offset > 0 and look(from_base64(standard[offset : offset + _PEEK_CHARACTERS])) is not None:
        return offset
    if b"/" in head or b"+" in head:
        return _behind_prefix(standard, head)
    return _further_in(standard) if len(run) >= _LONG_RUN_CHARACTERS else None


def _behind_prefix(standard: bytes, head: bytes) -> int | None:
    """The beginning after one of the last separators of a head such as ``path/to/name-``."""
    offset = len(head)
    for _ in range(4):
        offset = max(head.rfind(b"/", 0, offset), head.rfind(b"+", 0, offset))
        if offset < 0:
            break
        if _peek(standard, offset + 1):
            return offset + 1
    return _further_in(standard) if len(standard) >= _LONG_RUN_CHARACTERS else None


def _further_in(standard: bytes) -> int | None:
    for begin in (len(standard) // 2, len(standard) - _PEEK_CHARACTERS - 8):
        for offset in range(4):
            if _peek(standard, begin + offset):
                return (begin + offset) % 4
    return None


def _peek(standard: bytes, offset: int) -> bool:
    window = standard[offset : offset + _PEEK_CHARACTERS]
    return _shows(binascii.a2b_base64(window[: len(window) & ~3]), offset)


def _shows(head: bytes, offset: int) -> bool:
    """Whether decoded bytes are text, or, at the very beginning of a run, anything else that is known."""
    if len(head) < _SHORTEST_PEEK_BYTES:
        return False
    return is_plain(head) or (offset == 0 and look(head) is not None)
