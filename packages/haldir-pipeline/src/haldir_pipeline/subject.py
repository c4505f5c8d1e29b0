"""What is vetted: one reading of a skill, with the permissions that it declares."""

from pathlib import Path
from typing import Self

from attrs import frozen

from haldir_core import ErrorCode, MalformedError, Permissions, Problem, SkillSnapshot, UnsafeSkillError
from haldir_core.canonical import JsonObject, canonical_bytes
from haldir_core.digest import Digest, sha256
from haldir_core.permissions import DOCUMENT
from haldir_pipeline.findings import fit

MAX_NAME = 255

_CONTENT = "haldir-content/1"
"""Written into what is hashed, so that the digest of nothing else can be the same."""


@frozen(kw_only=True)
class Subject:
    """One skill as it was read, once.

    Attributes:
        snapshot: with its private copy, on which the layers work.
        folder: the private copy.
        name: of the folder.
        content: digest of all paths and contents.  Spec: vetting-1.0, section 2.
        permissions: what the skill declares; deny-all if it declares nothing that can be read.
        permissions_problem: why its declaration cannot be read; empty if there is none or it is good.
    """

    snapshot: SkillSnapshot
    folder: Path
    name: str
    content: Digest
    permissions: Permissions
    permissions_problem: str = ""

    @classmethod
    def of(cls, snapshot: SkillSnapshot, permissions: Permissions | None = None) -> Self:
        """Return the subject of a snapshot; ``permissions`` are by default those in its ``.vault``.

        Raises:
            UnsafeSkillError: if it holds what no skill may hold.
            ValueError: if it has no private copy.
        """
        snapshot.refuse_problems()
        if snapshot.vault_extras:  # it is neither signed nor scanned
            extras = snapshot.vault_extras
            raise UnsafeSkillError(
                [Problem(ErrorCode.EXTRA_FILES, f"{path} is no document of a .vault", path) for path in extras]
            )
        if snapshot.copy is None:
            raise ValueError("vetting needs the private copy of the skill: read it with copy_to")
        declared, problem = _permissions(snapshot) if permissions is None else (permissions, "")
        return cls(
            snapshot=snapshot,
            folder=snapshot.copy,
            name=fit(snapshot.copy.name, MAX_NAME) or "unnamed",
            content=content_digest(snapshot),
            permissions=declared,
            permissions_problem=problem,
        )

    def to_json(self) -> JsonObject:
        """Return what readers want to know about the skill as a JSON value."""
        declared = self.permissions.document.get("declared")
        return {
            "name": self.name,
            "content": self.content,
            "files": len(self.snapshot.files),
            "bytes": self.snapshot.total_bytes,
            "permissions": declared,
            "permissions_digest": self.permissions.digest(),
            "permissions_problem": self.permissions_problem,
        }


def content_digest(snapshot: SkillSnapshot) -> Digest:
    """Return the digest of all files outside ``.vault``; times, modes and the name of the folder do not matter."""
    return sha256(canonical_bytes({"format": _CONTENT, "files": dict(snapshot.files)}))


def _permissions(snapshot: SkillSnapshot) -> tuple[Permissions, str]:
    data = (snapshot.vault or {}).get(DOCUMENT)
    if data is None:
        return Permissions.deny_all(), ""
    try:
        return Permissions.from_bytes(data), ""
    except MalformedError as error:
        return Permissions.deny_all(), f"{error}; it is vetted as if it declared nothing"
