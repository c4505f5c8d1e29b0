"""Versions that nobody has had the time to look at."""

from collections.abc import Iterator

from haldir_auditor._case import Case
from haldir_auditor._checks._found import about
from haldir_auditor._words import named
from haldir_auditor.issues import Check, Issue, Severity

CHECK = Check(
    id="too-new",
    category="vulnerability",
    severity=Severity.MEDIUM,
    title="The version was uploaded a short time ago",
    explanation=(
        "Most malicious versions are found within days of their upload. Until then no data knows of them. A "
        "version that is younger than the minimum age (three days by default), or was uploaded after the audit by "
        "its own word, is reported. Only uv.lock and pylock.toml have times of upload."
    ),
    remedy="Wait, or lock an earlier version (uv: exclude-newer).",
)


def find(case: Case) -> Iterator[Issue]:
    """Yield every locked version that is younger than the minimum age."""
    for _, package in case.locked():
        if package.uploaded is None:
            continue
        age = case.now - package.uploaded
        if age.total_seconds() < 0:
            yield about(CHECK, package, f"{named(package)} says that it was uploaded in the future")
        elif age < case.settings.minimum_age:
            hours = int(age.total_seconds() // 3600)
            message = f"{named(package)} was uploaded {hours} hours ago; the minimum is {case.settings.minimum_age}"
            yield about(CHECK, package, message)
