"""The record of one suppression: findings that somebody has looked at and answers for, until a day."""

from datetime import date

from attrs import frozen


@frozen(kw_only=True)
class Suppression:
    """One entry of a baseline.

    Attributes:
        rule: whose matches it is about; empty for any.
        path: of the file, as reports show it; empty for any; ``folder/`` for everything below a folder.
        fingerprint: of the one finding that it is about; empty for any.
        reason: why the finding is accepted.
        expires: the last day on which it counts.
    """

    rule: str = ""
    path: str = ""
    fingerprint: str = ""
    reason: str
    expires: date

    def is_over(self, today: date) -> bool:
        """Whether it no longer counts on that day."""
        return today > self.expires

    @property
    def text(self) -> str:
        """What it is about, in words."""
        what = " ".join(filter(None, (self.rule, f"{self.fingerprint[:12]}..." if self.fingerprint else "")))
        return f"{what} in {self.path}" if self.path else what
