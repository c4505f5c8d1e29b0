"""By what an issue is recognised from one audit to the next."""

import hashlib

from haldir_auditor.issues import Issue


def fingerprint(issue: Issue) -> str:
    """The SHA-256 of rule, file, package and vulnerability: the same wherever in the file it stands.

    Of an issue that is about no package, the message is a part.
    """
    package = issue.dependency
    parts = (
        issue.rule,
        issue.path,
        f"{package.ecosystem}:{package.name}" if package else issue.message,
        issue.vulnerability or "",
    )
    return hashlib.sha256("\0".join(parts).encode("utf-8", "backslashreplace")).hexdigest()
