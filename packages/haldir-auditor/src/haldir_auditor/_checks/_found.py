"""How a check makes an issue."""

from haldir_auditor.issues import Check, Issue, Severity
from haldir_auditor.supply import Dependency, Locked, Place


def about(check: Check, subject: Dependency | Locked, message: str, severity: Severity | None = None) -> Issue:
    """An issue about a package, where it is written down."""
    return Issue(check, message, subject.place, severity or check.severity, subject)


def at(check: Check, place: Place, message: str, severity: Severity | None = None) -> Issue:
    """An issue about a place."""
    return Issue(check, message, place, severity or check.severity)
