"""What the auditor says about a skill: checks, issues and the report."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from attrs import field, frozen

from haldir_auditor.supply import Dependency, Locked, Place, Supply

NOT_ASKED = "known vulnerabilities: not asked for"
"""What ``not_checked`` says if whoever audits did not want a comparison."""

NO_SOURCE = "known vulnerabilities: no source of them was given"
"""What it says if there was nothing to compare with."""


class Severity(StrEnum):
    """How bad an issue is, from low to critical."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for low, 3 for critical."""
        return list(Severity).index(self)


class Status(StrEnum):
    """The verdict, from good to bad."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FLAG = "flag"
    REJECT = "reject"


@frozen
class Check:
    """One thing that the auditor looks at: one module of ``_checks`` and one page of the documentation."""

    id: str
    category: str
    severity: Severity
    title: str
    explanation: str
    remedy: str
    references: tuple[str, ...] = ()


@frozen
class Issue:
    """Something that a check found; ``severity`` may differ from that of its check (vulnerabilities)."""

    check: Check
    message: str
    place: Place
    severity: Severity
    dependency: Dependency | Locked | None = None
    vulnerability: str | None = None
    aliases: tuple[str, ...] = ()
    fixed_in: tuple[str, ...] = ()

    @property
    def rule(self) -> str:
        """The id of the check."""
        return self.check.id

    @property
    def category(self) -> str:
        """The group of the check."""
        return self.check.category

    @property
    def path(self) -> str:
        """The file, relative to the skill."""
        return self.place.path

    @property
    def line(self) -> int:
        """The line, from 1; 0 for a whole file."""
        return self.place.line


@frozen
class Suppressed:
    """An issue that somebody decided to ignore, with the reason; it counts no more, and is shown all the same.

    ``vex`` and ``justification`` are those of the VEX statement, if one is the reason.
    """

    issue: Issue
    reason: str
    expires: datetime | None
    vex: str | None = None
    justification: str | None = None


@frozen
class VulnerabilityData:
    """What the packages were compared with: the name of the source, the date of its data and its number of records."""

    source: str
    as_of: datetime | None
    records: int | None


@frozen
class AuditReport:
    """What an audit found.

    ``vulnerability_data`` is None if nothing was compared with known vulnerabilities, and ``not_checked`` then says
    why; it also names what a source did not answer.  An audit that has anything in ``not_checked`` is not complete.
    """

    status: Status
    issues: tuple[Issue, ...]
    supply: Supply
    suppressed: tuple[Suppressed, ...] = ()
    vulnerability_data: tuple[VulnerabilityData, ...] = ()
    not_checked: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(factory=dict)

    @property
    def complete(self) -> bool:
        """True if all that was to be compared was compared."""
        return not self.not_checked
