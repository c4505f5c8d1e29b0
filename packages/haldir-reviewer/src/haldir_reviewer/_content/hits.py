"""What examination by rules finds, and what it leaves of a score."""

from collections.abc import Iterable

from attrs import frozen

from haldir_reviewer.questions import FULL

CAPS = {"critical": 700, "high": 800, "medium": 900}
"""What a hit leaves of the score: never enough to approve, and by itself never little enough to reject."""


@frozen
class Hit:
    """One place that a rule found; ``line`` counts from 1, 0 for a whole file."""

    rule: str
    severity: str
    message: str
    path: str
    line: int
    excerpt: str


def cap(hits: Iterable[Hit]) -> int:
    """Return the highest score, in thousandths, that a skill with ``hits`` can have."""
    return min((CAPS[hit.severity] for hit in hits), default=FULL)
