"""Files as numbered lines, each with the bytes that it stands for."""

import re
from collections.abc import Iterator

from attrs import frozen

from haldir_reviewer._content.source import Form, SourceFile

MAX_SEGMENT_CHARS = 2_000
"""A longer line is shown in pieces: a minified program is one line."""

MIN_STRING_CHARS = 6
_STRINGS = re.compile(rb"[\t\x20-\x7e]{%d,}" % MIN_STRING_CHARS)
_WIDE_STRINGS = re.compile(rb"(?:[\t\x20-\x7e]\0){%d,}" % MIN_STRING_CHARS)


@frozen
class Segment:
    """A line of a text file, a piece of a long one, or a printable string of a binary file.

    Bytes ``start`` to ``end`` of the file are ``text``; ``line`` counts from 1 and is 0 in a binary file.
    """

    path: str
    line: int
    start: int
    end: int
    text: str


def segments(file: SourceFile) -> Iterator[Segment]:
    """Yield ``file`` as segments.

    Those of a text file follow each other without a gap, from its first byte to its last.
    """
    if file.form is Form.TEXT:
        yield from _lines(file)
    else:
        yield from _strings(file)


def _lines(file: SourceFile) -> Iterator[Segment]:
    start = 0
    for number, line in enumerate(_split(file.text or ""), 1):
        for offset in range(0, len(line), MAX_SEGMENT_CHARS):
            piece = line[offset : offset + MAX_SEGMENT_CHARS]
            end = start + len(piece.encode(file.encoding, "surrogateescape"))
            yield Segment(file.path, number, start, end, piece)
            start = end


def _split(text: str) -> list[str]:
    """Return the lines with their line feeds; only a line feed ends a line."""
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + lines[-1:]


def _strings(file: SourceFile) -> Iterator[Segment]:
    for match in sorted((*_STRINGS.finditer(file.data), *_WIDE_STRINGS.finditer(file.data)), key=lambda m: m.start()):
        text = match[0].replace(b"\0", b"").decode("ascii")
        width = len(match[0]) // len(text)
        for offset in range(0, len(text), MAX_SEGMENT_CHARS):
            piece = text[offset : offset + MAX_SEGMENT_CHARS]
            start = match.start() + offset * width
            yield Segment(file.path, 0, start, start + len(piece) * width, piece)
