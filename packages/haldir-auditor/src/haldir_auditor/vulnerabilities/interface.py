"""The one interface of all sources of vulnerabilities, with its records and errors."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from attrs import frozen

from haldir_auditor.issues import Severity, VulnerabilityData
from haldir_auditor.supply import Ecosystem


@frozen
class Package:
    """One version of one package: always a version, never a range."""

    ecosystem: Ecosystem
    name: str
    version: str


@frozen
class Vulnerability:
    """What a source knows about a package.

    ``severity`` comes from CVSS 4, else 3, else 2, else from the word of the database, else medium; a ``MAL-`` id and
    embedded malicious code (CWE-506) are always critical (``malicious``).  ``fixed`` are the versions that the records
    name as fixed and that are newer than the package, oldest first.  ``rated`` is False if no record says how severe
    it is.
    """

    id: str
    aliases: tuple[str, ...]
    summary: str
    severity: Severity
    malicious: bool
    fixed: tuple[str, ...] = ()
    cvss: str | None = None
    modified: datetime | None = None
    url: str | None = None
    rated: bool = True


@frozen
class Answer:
    """What a source says; a package that is in neither has no known vulnerability; ``yanked`` is what it marks so."""

    data: VulnerabilityData
    vulnerabilities: Mapping[Package, tuple[Vulnerability, ...]]
    unanswered: Mapping[Package, str]
    yanked: frozenset[Package] = frozenset()


class VulnerabilitySource(Protocol):
    """Answers which of the packages have known vulnerabilities."""

    def look_up(self, packages: Sequence[Package]) -> Answer:
        """Return what is known; a package that could not be asked about is in ``unanswered``, with the reason.

        Raises:
            SourceError: if the source as a whole cannot be asked.
        """
        ...


class SourceError(Exception):
    """A source of vulnerabilities cannot be asked; the message says what to do."""
