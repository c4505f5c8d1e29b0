"""The words of severity and verdict."""

from enum import StrEnum


class Severity(StrEnum):
    """How bad a match is: an ordered word, ``CRITICAL`` is the greatest; members are listed worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 for ``LOW`` up to 3 for ``CRITICAL``."""
        return _RANKS[self.value]

    def __lt__(self, other: str) -> bool:
        return self.rank < Severity(other).rank

    def __le__(self, other: str) -> bool:
        return self.rank <= Severity(other).rank

    def __gt__(self, other: str) -> bool:
        return self.rank > Severity(other).rank

    def __ge__(self, other: str) -> bool:
        return self.rank >= Severity(other).rank


_RANKS = {"critical": 3, "high": 2, "medium": 1, "low": 0}


class Status(StrEnum):
    """The verdict about a skill."""

    PASS = "pass"  # noqa: S105 - a verdict, no password
    FLAG = "flag"
    REJECT = "reject"
