"""What a publisher should know about what was just signed."""

from collections import Counter
from collections.abc import Iterator

from haldir_core import (
    Envelope,
    KeyId,
    MalformedError,
    Permissions,
    SkillIdentity,
    SkillSnapshot,
    Status,
    VettingReport,
)

CHANGING_NAMES = frozenset({".DS_Store", ".git", ".hg", ".svn", ".venv", "__pycache__", "node_modules"})
"""Files and folders that tools change by themselves, so that a signature over them does not last."""


def notes_on_signing(
    snapshot: SkillSnapshot,
    identity: SkillIdentity,
    permissions: Permissions,
    report: VettingReport | None,
    keyid: KeyId,
) -> Iterator[str]:
    """Yield a line for each thing about the signed skill that may not be meant."""
    if identity.name == "unnamed" or identity.version == "0.0.0":
        yield f"Note: the skill is called {identity.name}@{identity.version} (give --name and --skill-version)"
    changing = Counter(part for path in snapshot.files for part in set(path.split("/")) & CHANGING_NAMES)
    for name, count in sorted(changing.items()):
        yield f"Note: {name} ({count} files) is signed too; whatever changes it breaks the signature"
    for member in permissions.unknown_members():
        yield f"Note: permissions.json: {member} is not known, and grants nothing"
    if report is not None and report.overall_status is not Status.PASS:
        yield f"Note: the vetting report that was bound says {report.overall_status}"
    lost = [other for other in _signers(snapshot) if other != keyid]
    if lost:
        yield f"Note: signatures by other keys were replaced, ask for them again: {', '.join(lost)}"


def _signers(snapshot: SkillSnapshot) -> list[str]:
    """Return the key ids of the envelope that was there before, as far as it can be read."""
    try:
        envelope = Envelope.from_bytes((snapshot.vault or {})["signature.json"])
    except (KeyError, MalformedError):
        return []
    return [signature.keyid for signature in envelope.signatures]
