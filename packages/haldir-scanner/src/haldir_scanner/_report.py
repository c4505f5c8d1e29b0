"""The result of a scan."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Self

from attrs import frozen

from haldir_scanner._pattern import Pattern
from haldir_scanner._severity import Severity, Status


@frozen(kw_only=True)
class Match:
    """A place where a rule was found.

    Attributes:
        pattern: the rule.
        path: of the file, relative to what was scanned, with ``/`` between folders and unprintable characters escaped.
        line: 1-based; 0 if the match is about the file as such.
        column: 0-based, in UTF-16 units as editors count them. A match that shows only after normalisation (full-width
            letters, invisible characters) counts in the normalised line.
        excerpt: the matched text, printable, at most 500 UTF-16 units; credentials are cut after a few characters.
    """

    pattern: Pattern
    path: str
    line: int = 0
    column: int = 0
    excerpt: str = ""

    @property
    def rule(self) -> str:
        """The id of the rule."""
        return self.pattern.id

    @property
    def category(self) -> str:
        """What the rule is about."""
        return self.pattern.category.value

    @property
    def severity(self) -> Severity:
        """How bad the match is."""
        return self.pattern.severity

    @property
    def message(self) -> str:
        """What was found and why it matters."""
        return self.pattern.message


@frozen(kw_only=True)
class ScanReport:
    """Everything one scan found.

    Attributes:
        status: the verdict.
        matches: worst first, then by path, line, column and rule.
        files_scanned: files whose content was read.
        bytes_scanned: of these files.
        patterns_checked: size of the table of rules.
        summary: number of matches per severity, all four severities present.
    """

    status: Status
    matches: tuple[Match, ...]
    files_scanned: int
    bytes_scanned: int
    patterns_checked: int
    summary: Mapping[Severity, int]

    @classmethod
    def of(cls, matches: Iterable[Match], *, files_scanned: int, bytes_scanned: int, patterns_checked: int) -> Self:
        """The report about ``matches``, sorted, counted and with its verdict."""
        ordered = tuple(sorted(matches, key=order))
        counts = Counter(match.severity for match in ordered)
        return cls(
            status=Status.of(counts),
            matches=ordered,
            files_scanned=files_scanned,
            bytes_scanned=bytes_scanned,
            patterns_checked=patterns_checked,
            summary={severity: counts[severity] for severity in Severity},
        )


def order(match: Match) -> tuple[int, str, int, int, str]:
    """Sort key: worst first, then by path, line, column and rule."""
    return -match.severity.rank, match.path, match.line, match.column, match.rule
