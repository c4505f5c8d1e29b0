"""Places in raw bytes, for code that reads a file with regexes."""

import re
from collections.abc import Iterator
from itertools import islice

from haldir_scanner._text import Place

MOST_PLACES = 1_000
_LONGEST_EXCERPT = 200


def place_of(data: bytes, begin: int, end: int) -> Place:
    """The place of the bytes ``begin`` to ``end``, with what stands there."""
    line_begin = data.rfind(b"\n", 0, begin) + 1
    column = len(data[line_begin:begin].decode("utf-8", "replace").encode("utf-16-le", "replace")) // 2
    excerpt = data[begin : min(end, begin + _LONGEST_EXCERPT)].decode("utf-8", "replace").strip()
    return Place(data.count(b"\n", 0, begin) + 1, column, excerpt)


def found(pattern: re.Pattern[bytes], data: bytes) -> Iterator[tuple[re.Match[bytes], Place]]:
    """The first thousand matches, with the place of the first group, or of everything if there is none."""
    for match in islice(pattern.finditer(data), MOST_PLACES):
        yield match, place_of(data, *match.span(1 if pattern.groups else 0))
