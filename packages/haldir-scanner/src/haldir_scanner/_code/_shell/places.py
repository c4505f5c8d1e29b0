"""Places in a program, of which one line may be very long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from haldir_scanner._text import Place

if TYPE_CHECKING:
    from collections.abc import Iterable

    from haldir_scanner._files._views import View

_EXCERPT_BYTES = 160
# RFC 3629 3: bytes within a character, and bytes that begin one outside the Basic Multilingual Plane.
_CONTINUATION = bytes(range(0x80, 0xC0))
_FOUR_BYTES = bytes(range(0xF0, 0xF8))


def places(view: View, offsets: Iterable[int]) -> dict[int, Place]:
    """The place of each byte offset, in one pass over the text."""
    found: dict[int, Place] = {}
    data = view.data
    before, column = 0, 0
    for offset in sorted(set(offsets)):
        line_begin = data.rfind(b"\n", before, offset) + 1
        if line_begin:
            before, column = line_begin, 0
        column += _units(data[before:offset])
        before = offset
        end = data.find(b"\n", offset, offset + _EXCERPT_BYTES)
        excerpt = view.excerpt(offset, end if end >= 0 else offset + _EXCERPT_BYTES)
        found[offset] = Place(view.line(offset), column, excerpt)
    return found


def _units(data: bytes) -> int:
    """The length of a text in UTF-16 units."""
    characters = data.translate(None, _CONTINUATION)
    return 2 * len(characters) - len(characters.translate(None, _FOUR_BYTES))
