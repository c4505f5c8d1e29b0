"""The search for all patterns in the text of one file."""

import re
from collections.abc import Iterator, Sequence
from itertools import chain, islice

from attrs import frozen

from haldir_scanner._filetypes import FileType, file_types
from haldir_scanner._manifest import manifest_hits
from haldir_scanner._pattern import Category, Pattern
from haldir_scanner._re2 import FilteredRegexes, Regexes
from haldir_scanner._report import Match
from haldir_scanner._views import View, views

_WIDE = re.compile(r"\\x[89a-f]|[^\x00-\x7f]")
# Of a credential, this much shows which one it is and is of no use to who reads the report.
_CREDENTIAL_SHOWN = 8


@frozen
class Hit:
    """A pattern and the bytes of a view that match it."""

    pattern: Pattern
    begin: int
    end: int


class Engine:
    """A compiled table of patterns."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        searched = [pattern for pattern in patterns if pattern.regexes]
        self._ascii = _Table([pattern for pattern in searched if not _is_wide(pattern)], FilteredRegexes)
        self._wide = _Table([pattern for pattern in searched if _is_wide(pattern)], Regexes)
        self._by_id = {pattern.id: pattern for pattern in patterns}

    def matches(self, path: str, data: bytes, *, per_rule: int) -> list[Match]:
        """The matches in one file, each rule once per line, of each rule at most ``per_rule`` in each view."""
        types = file_types(path, data)
        found: dict[tuple[str, int], Match] = {}
        for number, view in enumerate(views(data)):
            # A manifest is read as it is: without its disguises, it might be no JSON any more.
            check_manifest = number == 0 and FileType.NPM_MANIFEST in types
            manifest = self._manifest_hits(view) if check_manifest else iter(())
            for hit in chain(self._hits(view, types, per_rule), islice(manifest, per_rule)):
                line = view.line(hit.begin)
                if (hit.pattern.id, line) not in found:
                    found[hit.pattern.id, line] = _match(hit, view, path, line)
        return list(found.values())

    def _hits(self, view: View, types: frozenset[FileType], per_rule: int) -> Iterator[Hit]:
        yield from self._ascii.hits(view.searched, types, per_rule)
        if not view.data.isascii():
            yield from self._wide.hits(view.searched, types, per_rule)

    def _manifest_hits(self, view: View) -> Iterator[Hit]:
        return (Hit(self._by_id[rule], begin, end) for rule, begin, end in manifest_hits(view.data))


class _Table:
    """Patterns and their regexes, under the same numbers."""

    def __init__(self, patterns: Sequence[Pattern], compiler: type[Regexes]) -> None:
        self._patterns = patterns
        self._regexes = compiler([_alternatives(pattern.regexes) for pattern in patterns])
        self._exclusions = {
            pattern.id: Regexes([_alternatives(pattern.exclusions)]) for pattern in patterns if pattern.exclusions
        }

    def hits(self, text: bytes, types: frozenset[FileType], per_rule: int) -> Iterator[Hit]:
        for number in self._regexes.candidates(text):
            if not types.isdisjoint(self._patterns[number].file_types):
                yield from islice(self._hits_of(number, text), per_rule)

    def _hits_of(self, number: int, text: bytes) -> Iterator[Hit]:
        pattern = self._patterns[number]
        start = 0
        while (span := self._regexes.find(number, text, start)) is not None:
            matched = text[slice(*span)]
            # A regex that begins with "anything but a letter" may begin with the line feed of the line before.
            begin, end = span[1] - len(matched.lstrip()), span[1]
            start = max(end, span[0] + 1)
            if self._is_excluded(pattern, matched.strip()):
                continue
            yield Hit(pattern, begin, end)
            line_end = text.find(b"\n", begin)
            start = max(start, len(text) if line_end < 0 else line_end)

    def _is_excluded(self, pattern: Pattern, matched: bytes) -> bool:
        exclusion = self._exclusions.get(pattern.id)
        return exclusion is not None and exclusion.find(0, matched, 0) is not None


def _is_wide(pattern: Pattern) -> bool:
    """Whether a pattern needs bytes outside ASCII, of which the prefilter makes no literals."""
    return any(_WIDE.search(regex) for regex in pattern.regexes)


def _alternatives(regexes: Sequence[str]) -> str:
    return "|".join(f"(?:{regex})" for regex in regexes)


def _match(hit: Hit, view: View, path: str, line: int) -> Match:
    excerpt = view.excerpt(hit.begin, hit.end)
    if hit.pattern.category is Category.CREDENTIAL_EXPOSURE:
        excerpt = f"{excerpt[:_CREDENTIAL_SHOWN]}..."
    return Match(pattern=hit.pattern, path=path, line=line, column=view.column(hit.begin), excerpt=excerpt)
