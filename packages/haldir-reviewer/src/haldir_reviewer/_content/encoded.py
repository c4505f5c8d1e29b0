"""Runs of encoded text, and what they decode to."""

import base64
import binascii
import re
from collections.abc import Iterator

from attrs import frozen

from haldir_reviewer._content.source import is_media

MIN_RUN = 24
MAX_DECODED = 64 * 1024
MAX_RUNS = 4_000
LARGE_RUN = 1_024
"""What decodes to no text is a blob only from here: digests, keys and signatures are shorter."""

_RUN = rf"[A-Za-z0-9+/_-]{{{MIN_RUN},}}={{0,2}}"
_BASE64 = re.compile(rf"{_RUN}(?:\s*\n\s*{_RUN})*")
_HEX = re.compile(r"(?<![A-Za-z0-9+/_-])(?:(?:0x|\\x)?[0-9a-fA-F]{2}[ ,:]{0,2}){24,}(?![A-Za-z0-9+/_-])")
_BASE32 = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Z2-7]{32,}={0,6}(?![A-Za-z0-9+/_-])")
_PACKED = (b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\xfd7zXZ", b"\x78\x9c", b"\x78\xda", b"\x7fELF", b"MZ", b"#!")
_PEM = re.compile(r"-----BEGIN (?:CERTIFICATE|PUBLIC KEY|PGP (?:PUBLIC KEY BLOCK|SIGNATURE))-----")
_HARMLESS_TEXT = 0.9


@frozen
class Run:
    """An encoded run: where it starts, how long it is, and what it decodes to; ``text`` is None if that is no text."""

    start: int
    line: int
    length: int
    data: bytes
    text: str | None

    @property
    def packed(self) -> bool:
        """Whether it decodes to an archive, a compressed file or a program."""
        return self.data.startswith(_PACKED)


def runs(text: str) -> Iterator[Run]:
    """Yield the runs of ``text`` that decode to something, but no pictures, fonts, sounds and certificates."""
    for pattern, decode in ((_BASE64, _from_base64), (_HEX, _from_hex), (_BASE32, _from_base32)):
        line, counted = 1, 0
        for match in pattern.finditer(text):
            line += text.count("\n", counted, match.start())
            counted = match.start()
            data = decode(match[0])
            if data and not is_media(data) and not _PEM.search(text, max(match.start() - 64, 0), match.start()):
                yield Run(match.start(), line, len(match[0]), data, _as_text(data))


def _from_base64(run: str) -> bytes:
    plain = re.sub(r"[\s=]", "", run).replace("-", "+").replace("_", "/")[: MAX_DECODED * 4 // 3]
    plain = plain[: len(plain) - (len(plain) % 4 == 1)]
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4))
    except binascii.Error:
        return b""


def _from_hex(run: str) -> bytes:
    plain = re.sub(r"0x|\\x|[ ,:]", "", run)[: MAX_DECODED * 2]
    return bytes.fromhex(plain[: len(plain) // 2 * 2])


def _from_base32(run: str) -> bytes:
    plain = run.rstrip("=")[:MAX_DECODED]
    try:
        return base64.b32decode(plain + "=" * (-len(plain) % 8))
    except binascii.Error:
        return b""


def _as_text(data: bytes) -> str | None:
    """``data`` as text, if it reads like one: also what has a NUL after every letter."""
    for encoding in ("utf-8", "utf-16-le"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        readable = sum(char.isascii() and (char.isprintable() or char in "\n\r\t") for char in text)
        if text and readable >= _HARMLESS_TEXT * len(text):
            return text
    return None
