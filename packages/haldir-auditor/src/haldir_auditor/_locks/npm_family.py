"""What the lock files of npm, pnpm, yarn and bun have in common."""

from collections.abc import Iterator, Mapping

from haldir_auditor._document import Document
from haldir_auditor._syntax.errors import UnreadableError
from haldir_auditor.supply import Root, Scope

KINDS = (
    ("dependencies", Scope.RUN),
    ("devDependencies", Scope.DEVELOPMENT),
    ("optionalDependencies", Scope.OPTIONAL),
    ("peerDependencies", Scope.PEER),
)


def roots_in(document: Document, content: Mapping[str, object]) -> Iterator[Root]:
    """Yield what a table with the keys of a package.json asks for."""
    for kind, scope in KINDS:
        for name, written in document.table(content, kind).items():
            yield Root(name, written if isinstance(written, str) else "", scope)


def asked_beside(document: Document) -> list[Root]:
    """Return what the package.json beside the lock asks for, nothing if there is none that can be read."""
    path = document.sibling("package.json")
    data = document.files.get(path)
    if data is None:
        return []
    try:
        beside = Document(path, data, document.files)  # its problems are noted where it is read itself
        return list(roots_in(beside, beside.json()))
    except UnreadableError:
        return []


def manifest_beside(document: Document) -> str | None:
    """Return the path of the package.json beside the lock, None if there is none."""
    path = document.sibling("package.json")
    return path if path in document.files else None
