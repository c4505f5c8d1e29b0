"""What the layers find, in the one form of a vetting report."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Protocol

from haldir_core import Finding, Severity, Summary
from haldir_core.report import MAX_COUNT, MAX_FINDINGS, cut_utf16, utf16_length

MAX_CONTEXT = 300
"""UTF-16 units of the line around a match: a thousand of them are well below the size that a report may have."""


class Found(Protocol):
    """What scanner and auditor both offer for each thing that they found."""

    @property
    def rule(self) -> str:
        """The id of the rule or check."""
        ...

    @property
    def category(self) -> str:
        """The group of the rule."""
        ...

    @property
    def severity(self) -> str:
        """critical, high, medium or low."""
        ...

    @property
    def message(self) -> str:
        """What is wrong, for a person."""
        ...

    @property
    def path(self) -> str:
        """The file, relative to the skill."""
        ...

    @property
    def line(self) -> int:
        """The line, from 1; 0 for a whole file."""
        ...


def to_findings(found: Sequence[Found]) -> tuple[Finding, ...]:
    """Return ``found`` as findings, the worst first, texts cut to the limits of the format.

    A report holds 1,000 findings; the summary counts those that are left out too.
    """
    ranked = sorted(found, key=lambda item: -Severity(item.severity).rank)
    return tuple(_finding(item) for item in ranked[:MAX_FINDINGS])


def summarise(found: Iterable[Found]) -> Summary:
    """Count ``found`` by severity; a count stops at the 10,000 that the format allows."""
    counts = Counter(item.severity for item in found)
    critical, high, medium, low = (min(counts[name], MAX_COUNT) for name in ("critical", "high", "medium", "low"))
    return Summary(critical=critical, high=high, medium=medium, low=low)


def _finding(item: Found) -> Finding:
    column = getattr(item, "column", None)
    excerpt = getattr(item, "excerpt", None)
    context = getattr(item, "context", None)
    return Finding(
        severity=Severity(item.severity),
        category=fit(item.category, 100) or "unnamed",
        message=fit(item.message, 1000) or "unnamed",
        pattern_id=fit(item.rule, 100),
        file=fit(item.path, 500),
        line=item.line or None,  # the scanner says 0 for a whole file
        column=column,
        match=None if excerpt is None else fit(excerpt, 500),
        context=fit(context, MAX_CONTEXT) if context else None,
    )


def fit(text: str, units: int) -> str:
    """Return ``text`` without lone surrogates, and cut to ``units`` UTF-16 units with an ellipsis at the end."""
    clean = text.encode("utf-8", "replace").decode("utf-8")
    return clean if utf16_length(clean) <= units else cut_utf16(clean, units - 1) + "\N{HORIZONTAL ELLIPSIS}"
