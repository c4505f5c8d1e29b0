"""Characters in a text that a reader does not see, and that honest text does not need."""

import re
import unicodedata
from collections.abc import Iterator

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    "\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]"
)

# The flags of parts of countries.  Source: Unicode, RGI_Emoji_Tag_Sequence
_FLAG = re.compile("\U0001f3f4[\U000e0061-\U000e007a\U000e0030-\U000e0039]{3,6}\U000e007f")

# Joiner and non-joiner shape the letters of these scripts.  Source: Unicode core specification, chapters 9 and 12
_JOINING = re.compile(r"[\u0600-\u08ff\u0900-\u0dff\u0e00-\u109f\u1780-\u18af\ufb50-\ufdff\ufe70-\ufefc]")
_RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_DIRECTIONS = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u2066\u2067\u2068\u2069")
_JOINERS = frozenset("\u200c\u200d")
_SELECTORS = frozenset("\ufe0e\ufe0f")
_HYPHEN = "\u00ad"
_SELECTABLE = frozenset("0123456789#*")  # keycaps
_VARIANTS = frozenset(map(chr, range(0xE0100, 0xE01F0)))
_IDEOGRAPH = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_BREAK = "\u200b"


def hidden(text: str) -> Iterator[int]:
    """Yield the offset of each character of ``text`` that hides something, at most one for each line."""
    offset = 0
    for line in text.split("\n"):
        if not line.isascii() or _INVISIBLE.search(line):
            leftward = bool(_RIGHT_TO_LEFT.search(line))
            found = next((at for at in _suspects(line) if not _fits(line, at, offset + at, leftward=leftward)), None)
            if found is not None:
                yield offset + found
        offset += len(line) + 1


def _suspects(line: str) -> Iterator[int]:
    flags = {at for match in _FLAG.finditer(line) for at in range(match.start(), match.end())}
    return (match.start() for match in _INVISIBLE.finditer(line) if match.start() not in flags)


def _fits(line: str, at: int, offset: int, *, leftward: bool) -> bool:
    """Whether the character at ``at`` stands where honest text has it; ``leftward``: some of the line is."""
    char, before, after = line[at], line[at - 1 : at] if at else "", line[at + 1 : at + 2]
    if char == "\ufeff":
        return offset == 0
    if char == _HYPHEN:
        return line.count(_HYPHEN) <= 2
    if char in _DIRECTIONS:
        return leftward
    return _fits_between(char, before, after)


def _fits_between(char: str, before: str, after: str) -> bool:
    """Whether ``char`` has its place between these two."""
    if char in _SELECTORS:
        return bool(before) and (before in _SELECTABLE or not before.isascii()) and not _INVISIBLE.match(before)
    if char in _VARIANTS:
        return bool(_IDEOGRAPH.match(before))
    if char == _BREAK:
        return not (before.isalnum() and after.isalnum()) and not _INVISIBLE.search(before + after)
    return char in _JOINERS and (bool(_JOINING.search(before + after)) or (_pictures(before) and _pictures(after)))


def _pictures(char: str) -> bool:
    return bool(char) and (char in _SELECTORS or unicodedata.category(char) in {"So", "Sk"})
