"""bun.lock, and bun.lockb, which cannot be read."""

from collections.abc import Iterator, Mapping

from attrs import frozen

from haldir_auditor._document import Document
from haldir_auditor._locks.graph import depths
from haldir_auditor._locks.npm_family import manifest_beside, roots_in
from haldir_auditor._npm_requirement import read_specifier, split_name
from haldir_auditor._syntax.errors import UnreadableError
from haldir_auditor._syntax.jsons import read_loose_json
from haldir_auditor.supply import Ecosystem, Lock, Locked, Origin, Root, Supply

FORMAT = "bun.lock"
OPAQUE_FORMAT = "bun.lockb"
_WORKSPACE = "workspace:"
_KINDS = ("dependencies", "optionalDependencies", "peerDependencies", "devDependencies")


@frozen
class _Entry:
    """One package: its place in the tree, what it is, and the other fields of its row."""

    key: str
    name: str
    reference: str
    row: list[object]
    content: Mapping[str, object]


def read_bun_binary(document: Document) -> Supply:
    """Return that there is a lock that nobody can read."""
    document.problem("bun.lockb is binary: let bun write bun.lock instead", kind="opaque")
    lock = Lock(document.path, OPAQUE_FORMAT, Ecosystem.NPM, manifest=manifest_beside(document), opaque=True)
    return Supply(locks=(lock,))


def read_bun_lock(document: Document) -> Supply:
    """Return the lock.  Raises: UnreadableError if it is not JSON with commas, or of a version that is not known."""
    content = document.root(read_loose_json(document.text))
    if content.get("lockfileVersion") not in (0, 1):  # a tuple: it may be anything, also what has no hash
        raise UnreadableError(f"bun.lock of version {str(content.get('lockfileVersion'))[:20]} is not known")
    entries = {key: _entry(document, key, row) for key, row in document.table(content, "packages").items()}
    workspaces = document.table(content, "workspaces")
    projects = [document.table(workspaces, path) for path in workspaces]
    asked = [key for project in projects for key in _asked(document, project, entries, _KINDS[:3])]
    to_work = [key for project in projects for key in _asked(document, project, entries, _KINDS[3:])]
    needs = {key: tuple(_needed(document, entry, entries)) for key, entry in entries.items()}
    foreign = {key: needs[key] for key, entry in entries.items() if not _is_own(entry)}
    depth, running = depths(foreign, asked + to_work), depths(foreign, asked)
    packages = tuple(
        _locked(document, entry, needs[key], depth.get(key), development=key in depth and key not in running)
        for key, entry in entries.items()
    )
    roots: tuple[Root, ...] = tuple(roots_in(document, document.table(workspaces, "")))
    lock = Lock(document.path, FORMAT, Ecosystem.NPM, packages, roots, manifest_beside(document))
    return Supply(locks=(lock,))


def _entry(document: Document, key: str, row: object) -> _Entry:
    fields = row if isinstance(row, list) else []
    split = split_name(fields[0]) if fields and isinstance(fields[0], str) else None
    if split is None:
        raise UnreadableError(f"the package {key[:80]!r} is not a row that bun writes", line=document.line_of(key))
    content = next((field for field in fields[1:] if isinstance(field, dict)), {})
    return _Entry(key, *split, fields, content)


def _is_own(entry: _Entry) -> bool:
    return entry.reference.startswith(_WORKSPACE)


def _asked(
    document: Document, workspace: Mapping[str, object], entries: Mapping[str, _Entry], kinds: tuple[str, ...]
) -> Iterator[str]:
    called = document.words(workspace, "name") or ""
    for kind in kinds:
        for name in document.table(workspace, kind):
            yield f"{called}/{name}" if f"{called}/{name}" in entries else name


def _needed(document: Document, entry: _Entry, entries: Mapping[str, _Entry]) -> Iterator[str]:
    for kind in _KINDS[:3]:
        for name in document.table(entry.content, kind):
            if key := _place_of(name, entry.key, entries):
                yield key


def _place_of(name: str, start: str, entries: Mapping[str, _Entry]) -> str | None:
    """Return the nearest package of a name: bun writes a/b for a b that only a uses."""
    parts = start.split("/")
    for length in range(len(parts), -1, -1):
        key = "/".join((*parts[:length], name))
        if key in entries:
            return key
    return None


def _locked(
    document: Document, entry: _Entry, needs: tuple[str, ...], depth: int | None, *, development: bool
) -> Locked:
    origin = Origin.WORKSPACE if _is_own(entry) else read_specifier(entry.reference).origin
    from_index = origin is Origin.INDEX
    called = _called(entry)
    resolved = entry.row[1] if from_index and len(entry.row) > 1 and isinstance(entry.row[1], str) else None
    return Locked(
        Ecosystem.NPM,
        entry.name,
        entry.reference if from_index else "",
        entry.key,
        document.place(document.line_of(entry.key)),
        origin=origin,
        resolved=(resolved or None) if from_index else entry.reference.removeprefix(_WORKSPACE),
        hashes=tuple(field for field in entry.row[2:] if isinstance(field, str) and "-" in field),
        needs=tuple(dict.fromkeys(needs)),
        depth=depth,
        development=development,
        alias=called if called != entry.name else None,
    )


def _called(entry: _Entry) -> str:
    parts = entry.key.split("/")
    return "/".join(parts[-2:]) if len(parts) > 1 and parts[-2].startswith("@") else parts[-1]
