"""What the lock files of Python's package managers have in common."""

from collections.abc import Mapping

from haldir_auditor._document import Document
from haldir_auditor._manifests.pyproject import read_pyproject
from haldir_auditor._syntax.errors import UnreadableError

MANIFEST = "pyproject.toml"


def manifest_beside(document: Document) -> str | None:
    """Return the path of the pyproject.toml beside the lock, None if there is none."""
    path = document.sibling(MANIFEST)
    return path if path in document.files else None


def names_asked_beside(document: Document) -> frozenset[str]:
    """Return the names that the pyproject.toml beside the lock asks for, none if it cannot be read."""
    path = manifest_beside(document)
    if path is None:
        return frozenset()
    try:
        # Its problems are noted where it is read itself.
        found = read_pyproject(Document(path, document.files[path], document.files))
    except UnreadableError:
        return frozenset()
    return frozenset(dependency.name for manifest in found.manifests for dependency in manifest.dependencies)


def words(row: Mapping[str, object], key: str) -> str:
    """Return the string at a key of a package, empty if there is none."""
    value = row.get(key)
    return value if isinstance(value, str) else ""
