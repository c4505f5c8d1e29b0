"""The result of a scan."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Self

from attrs import field, frozen

from haldir_scanner._reports._suppression import Suppression
from haldir_scanner._rules._rule import Rule
from haldir_scanner._rules._scoring import Policy, Reason, Verdict
from haldir_scanner._severity import Severity, Status
from haldir_scanner._text import Place, Region


@frozen(kw_only=True)
class Match:
    """A place where a rule was found.

    Attributes:
        definition: the rule.
        path: of the file, relative to what was scanned, with ``/`` between folders and unprintable characters escaped;
            what lies in an archive is written ``archive.zip!/inner.sh``.
        line: 1-based; 0 if the match is about the file as such.
        column: 0-based, in UTF-16 units as editors count them. A match that shows only after normalisation (full-width
            letters, invisible characters) counts in the normalised line.
        excerpt: the matched text, printable, at most 500 UTF-16 units; credentials are cut after a few characters.
        context: the line in which it stands, or the part of it around the match; printable.
        caret: begin and end of the match in ``context``.
        region: what the matched stretch is to its readers.
        chain: how the matched text was had from what stands in the file: ("base64", "gzip"); empty if it stands there.
        flow: the places through which data flows, from its source to its sink; empty if the rule is about one place.
        detail: what is particular about this match, for the reader of a report.
        digest: of the matched text, for telling it from others: hex digits of its SHA-256; of credentials only a few.
    """

    definition: Rule
    path: str
    line: int = 0
    column: int = 0
    excerpt: str = ""
    context: str = field(default="", repr=False)
    caret: tuple[int, int] = (0, 0)
    region: Region | None = None
    chain: tuple[str, ...] = ()
    flow: tuple[Place, ...] = ()
    detail: str = ""
    digest: str = ""

    @property
    def rule(self) -> str:
        """The id of the rule."""
        return self.definition.id

    @property
    def category(self) -> str:
        """What the rule is about."""
        return self.definition.category.value

    @property
    def severity(self) -> Severity:
        """How bad the match is."""
        return self.definition.severity

    @property
    def message(self) -> str:
        """What was found and why it matters."""
        return self.definition.message


@frozen
class Suppressed:
    """A match that an entry of a baseline takes out of the verdict."""

    match: Match
    entry: Suppression


@frozen(kw_only=True)
class ScanReport:
    """Everything one scan found.

    Attributes:
        status: the verdict.
        score: the points of all matches.
        reasons: why the verdict is what it is, the weightiest first.
        matches: worst first, then by path, line, column and rule.
        files_scanned: files whose content was read.
        bytes_scanned: of these files.
        patterns_checked: size of the table of rules.
        summary: number of matches per severity, all four severities present.
        policy: under which the verdict was found.
        bundle_version: of the rules.
        bundle_digest: of the rules: SHA-256, lower-case hex.
        suppressed: matches that a baseline takes out of everything above.
    """

    status: Status
    score: int
    reasons: tuple[Reason, ...]
    matches: tuple[Match, ...]
    files_scanned: int
    bytes_scanned: int
    patterns_checked: int
    summary: Mapping[Severity, int]
    policy: Policy
    bundle_version: str
    bundle_digest: str
    suppressed: tuple[Suppressed, ...] = ()

    @classmethod
    def of(  # noqa: PLR0913 - the figures of a scan, by name
        cls,
        matches: Iterable[Match],
        verdict: Verdict,
        *,
        files_scanned: int,
        bytes_scanned: int,
        patterns_checked: int,
        policy: Policy,
        bundle_version: str,
        bundle_digest: str,
    ) -> Self:
        """The report about ``matches``, sorted and counted."""
        ordered = tuple(sorted(matches, key=order))
        counts = Counter(match.severity for match in ordered)
        return cls(
            status=verdict.status,
            score=verdict.score,
            reasons=verdict.reasons,
            matches=ordered,
            files_scanned=files_scanned,
            bytes_scanned=bytes_scanned,
            patterns_checked=patterns_checked,
            summary={severity: counts[severity] for severity in Severity},
            policy=policy,
            bundle_version=bundle_version,
            bundle_digest=bundle_digest,
        )


def order(match: Match) -> tuple[int, str, int, int, str]:
    """Sort key: worst first, then by path, line, column and rule."""
    return -match.severity.rank, match.path, match.line, match.column, match.rule
