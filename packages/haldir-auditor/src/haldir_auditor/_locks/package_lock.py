"""package-lock.json and npm-shrinkwrap.json, versions 1 to 3."""

import re
from collections.abc import Iterator, Mapping

from attrs import evolve, frozen

from haldir_auditor._document import Document
from haldir_auditor._locks.graph import depths, tops
from haldir_auditor._locks.npm_family import asked_beside, manifest_beside, roots_in
from haldir_auditor._npm_requirement import read_specifier
from haldir_auditor._syntax.errors import UnreadableError
from haldir_auditor.supply import Ecosystem, Lock, Locked, Origin, Place, Root, Supply

_FOLDER = "node_modules/"
_MAX_DEPTH = 60  # of packages in packages
_KEY = re.compile(r'^[ \t]*"([^"\\\n]{1,500})": ?\{', re.MULTILINE)


@frozen
class _Entry:
    """One place of the tree: its path, what is written about it, the names that it needs."""

    path: str
    content: Mapping[str, object]
    needs: tuple[str, ...]


def read_package_lock(document: Document) -> Supply:
    """Return the lock.  Raises: UnreadableError if it is not JSON, or of a version that is not known."""
    content = document.json()
    version = content.get("lockfileVersion", 1)
    if version not in (1, 2, 3):  # a tuple: it may be anything, also what has no hash
        raise UnreadableError(f"lock files of version {str(version)[:20]} are not known")
    if version == 1 or "packages" not in content:
        return Supply(locks=(_old(document, content),))
    lock = _new(document, content)
    if version == 2 and "dependencies" in content:
        _compare(document, content, lock)
    return Supply(locks=(lock,))


def _new(document: Document, content: Mapping[str, object]) -> Lock:
    """Return the lock by ``packages``, what npm 7 and later read."""
    table = document.table(content, "packages")
    if any(path.count(_FOLDER) > _MAX_DEPTH for path in table):
        raise UnreadableError("not read: packages are nested too deeply")
    entries = {path: _entry(document, path, value) for path, value in table.items()}
    links = {path: _text(entry, "resolved") for path, entry in entries.items() if entry.content.get("link") is True}
    needs = {path: _found(entry, entries, links) for path, entry in entries.items()}
    projects = [path for path in entries if not _is_package(path)]
    start = [need for path in projects for need in needs[path] if _is_package(need)]
    depth = depths({path: below for path, below in needs.items() if _is_package(path)}, start)
    lines = dict(document.found_lines(_KEY))
    packages = tuple(
        _locked(document.place(lines.get(path, 0)), entry, entries, needs[path], depth.get(path))
        for path, entry in entries.items()
        if path and path not in links
    )
    roots = tuple(roots_in(document, entries[""].content)) if "" in entries else None
    return _lock(document, packages, roots)


def _lock(document: Document, packages: tuple[Locked, ...], roots: tuple[Root, ...] | None) -> Lock:
    return Lock(
        document.path,
        "npm-shrinkwrap.json" if document.name == "npm-shrinkwrap.json" else "package-lock.json",
        Ecosystem.NPM,
        packages,
        roots,
        manifest_beside(document),
    )


def _entry(document: Document, path: str, value: object) -> _Entry:
    content = document.as_table(value, f"the entry {path[:80]!r}")
    kinds: tuple[str, ...] = ("dependencies", "optionalDependencies", "peerDependencies")
    if not _is_package(path):
        kinds = (*kinds, "devDependencies")
    return _Entry(path, content, tuple(dict.fromkeys(name for kind in kinds for name in document.table(content, kind))))


def _is_package(path: str) -> bool:
    return path.startswith(_FOLDER) or f"/{_FOLDER}" in path


def _found(entry: _Entry, entries: Mapping[str, _Entry], links: Mapping[str, str | None]) -> tuple[str, ...]:
    """Return the paths where node finds what a package needs; a link is followed to its folder."""
    places = (_place_of(name, entry.path, entries) for name in entry.needs)
    return tuple(links.get(place) or place for place in places if place is not None)


def _place_of(name: str, start: str, entries: Mapping[str, _Entry]) -> str | None:
    """Return the nearest node_modules/NAME from a folder upwards."""
    folder = start
    while True:
        path = f"{folder}/{_FOLDER}{name}" if folder else f"{_FOLDER}{name}"
        if path in entries:
            return path
        if not folder:
            return None
        above, nested, _ = folder.rpartition(f"/{_FOLDER}")
        folder = above if nested else ("" if folder.startswith(_FOLDER) else folder.rpartition("/")[0])


def _name_of(path: str) -> str:
    return path.rpartition(_FOLDER)[2]


def _text(entry: _Entry, key: str) -> str | None:
    value = entry.content.get(key)
    return value if isinstance(value, str) else None


def _locked(
    place: Place, entry: _Entry, entries: Mapping[str, _Entry], needs: tuple[str, ...], depth: int | None
) -> Locked:
    called = _name_of(entry.path)
    name = _text(entry, "name") or called
    # A bundled package comes inside the archive of the package that has it, and the hash of that one covers it.
    source = _bundler(entry, entries) if entry.content.get("inBundle") is True else entry
    resolved, integrity = _text(source, "resolved"), _text(source, "integrity")
    return Locked(
        Ecosystem.NPM,
        name,
        _text(entry, "version") or "",
        entry.path,
        place,
        origin=_origin(resolved) if _is_package(entry.path) else _origin_of_folder(entry.path),
        resolved=resolved if _is_package(entry.path) else entry.path,
        hashes=tuple((integrity or "").split()),
        needs=needs,
        depth=depth,
        development=entry.content.get("dev") is True or entry.content.get("devOptional") is True,
        optional=entry.content.get("optional") is True or entry.content.get("devOptional") is True,
        install_script=entry.content.get("hasInstallScript") is True,
        alias=called if name != called else None,
    )


def _bundler(entry: _Entry, entries: Mapping[str, _Entry]) -> _Entry:
    path = entry.path
    while (path := path.rpartition(f"/{_FOLDER}")[0]) in entries:
        if entries[path].content.get("inBundle") is not True:
            return entries[path]
    return entry


def _origin_of_folder(path: str) -> Origin:
    return Origin.FILE if path.startswith(("..", "/")) else Origin.WORKSPACE


def _origin(resolved: str | None) -> Origin:
    if resolved is None:
        return Origin.INDEX
    found = read_specifier(resolved).origin
    return Origin.INDEX if found is Origin.URL else found  # also the archives of a registry are URLs


def _old(document: Document, content: Mapping[str, object]) -> Lock:
    """Return the lock by ``dependencies``, what npm 5 and 6 read."""
    entries = {entry.path: entry for entry in _nested(document, document.table(content, "dependencies"), "", 0)}
    needs = {path: _found(entry, entries, {}) for path, entry in entries.items()}
    asked = [_FOLDER + root.name for root in asked_beside(document) if _FOLDER + root.name in entries]
    depth = depths(needs, asked or tops(needs))
    lines = dict(document.found_lines(_KEY))
    packages = tuple(
        _located(_locked(document.place(lines.get(_name_of(path), 0)), entry, entries, needs[path], depth.get(path)))
        for path, entry in entries.items()
    )
    return _lock(document, packages, None)


def _located(package: Locked) -> Locked:
    """Return the package as version 1 means it: what is no version is where it comes from."""
    if "/" not in package.version and ":" not in package.version:
        return package
    found = read_specifier(package.version)
    name = found.name or package.name
    return evolve(
        package,
        name=name,
        alias=package.name if found.name else None,
        version=found.version or "",
        origin=found.origin,
        resolved=package.resolved or found.locator,
    )


def _nested(document: Document, table: Mapping[str, object], folder: str, depth: int) -> Iterator[_Entry]:
    if depth > _MAX_DEPTH:
        raise UnreadableError("not read: packages are nested too deeply")
    for name, value in table.items():
        path = f"{folder}/{_FOLDER}{name}" if folder else f"{_FOLDER}{name}"
        entry = document.as_table(value, f"the entry {name[:80]!r}")
        requires = entry.get("requires")
        content = {key: field for key, field in entry.items() if key != "name"}
        if entry.get("bundled") is True:
            content["inBundle"] = True
        yield _Entry(path, content, tuple(requires) if isinstance(requires, dict) else ())
        yield from _nested(document, document.table(entry, "dependencies"), path, depth + 1)


def _compare(document: Document, content: Mapping[str, object], lock: Lock) -> None:
    """Note where the half that npm 6 reads says something else than the half that npm 7 reads."""
    known = {package.key: package for package in lock.packages}
    for old in _old(document, content).packages:
        new = known.get(old.key)
        if new is None or _differ(new.version, old.version) or _differ(new.resolved, old.resolved):
            document.problem(
                f"the two halves of the lock file disagree about {old.key[:100]}: npm 6 and npm 7 install other things",
                line=old.place.line,
            )


def _differ(left: str | None, right: str | None) -> bool:
    return bool(left and right) and left != right
