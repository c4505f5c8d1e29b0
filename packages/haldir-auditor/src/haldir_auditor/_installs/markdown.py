"""Which parts of Markdown, and of other prose, are code."""

import re
from collections.abc import Iterator

from haldir_auditor._installs.commands import Region, Style

_FENCE = re.compile(r"[ \t>]*(`{3,}|~{3,})([^\n]*)")
_SPAN = re.compile(r"(`{1,3})(?!`)([^\n]{1,500}?)(?<!`)\1(?!`)")
_INDENTED = re.compile(r"(?: {4}|\t)\s*\S|\s*[$] ")


def regions_of(text: str) -> Iterator[Region]:
    """Yield the parts of a prose text; code within a sentence comes before the sentence."""
    at, fence, opened = 0, "", 0
    for line in text.splitlines(keepends=True):
        end = at + len(line)
        found = _FENCE.match(line)
        if fence:
            if found and found[1].startswith(fence) and not found[2].strip():
                yield Region(opened, at, Style.CODE)
                fence = ""
        elif found and "`" not in found[2]:
            fence, opened = found[1], end
        elif _INDENTED.match(line):
            yield Region(at, end, Style.CODE)
        elif not line.isspace():
            yield from _of_line(line, at)
        at = end
    if fence:  # one that is never closed reaches to the end
        yield Region(opened, at, Style.CODE)


def _of_line(line: str, start: int) -> Iterator[Region]:
    """Yield the code in a line, and what is between."""
    at = 0
    for span in _SPAN.finditer(line):
        if span.start() > at:
            yield Region(start + at, start + span.start(), Style.SENTENCE)
        yield Region(start + span.start(2), start + span.end(2), Style.CODE)
        at = span.end()
    if at < len(line):
        yield Region(start + at, start + len(line), Style.SENTENCE)
