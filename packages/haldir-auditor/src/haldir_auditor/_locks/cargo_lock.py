"""Cargo.lock."""

from collections.abc import Iterator, Mapping

from attrs import frozen

from haldir_auditor._document import Document
from haldir_auditor._locks.artifacts import by_name, package_lines
from haldir_auditor._locks.graph import depths, without
from haldir_auditor._locks.pypi_family import words
from haldir_auditor._syntax.errors import UnreadableError
from haldir_auditor._syntax.tomls import read_lock_toml
from haldir_auditor.supply import Ecosystem, Lock, Locked, Origin, Supply

FORMAT = "Cargo.lock"
_MANIFEST = "Cargo.toml"
_INDEXES = ("registry+", "sparse+")
_NEWEST = 4


@frozen
class _Package:
    """One crate as it is written."""

    key: str
    name: str
    version: str
    source: str
    content: Mapping[str, object]
    line: int


def read_cargo_lock(document: Document) -> Supply:
    """Return the lock.  Raises: UnreadableError if it is not TOML, or of a version that is not known."""
    content = read_lock_toml(document.text)
    version = content.get("version", 1)
    if not isinstance(version, int) or not 1 <= version <= _NEWEST:
        raise UnreadableError(f"Cargo.lock of version {str(version)[:20]} is not known")
    packages = list(_packages(document, content))
    keys = by_name(pair for package in packages for pair in _names(package))
    needs = {package.key: tuple(_needs(document, package, keys)) for package in packages}
    own = {package.key for package in packages if not package.source}
    depth = depths(without(needs, own), [key for package in own for key in needs[package]])
    checksums = document.table(content, "metadata")  # version 1
    locked = tuple(
        _locked(document, package, checksums, needs[package.key], depth.get(package.key))
        for package in packages
        if package.source
    )
    manifest = document.sibling(_MANIFEST)
    indexes = tuple(dict.fromkeys(index for package in packages if (index := _index(package.source))))
    lock = Lock(
        document.path,
        FORMAT,
        Ecosystem.CARGO,
        locked,
        None,
        manifest if manifest in document.files else None,
        indexes,
    )
    return Supply(locks=(lock,))


def _packages(document: Document, content: Mapping[str, object]) -> Iterator[_Package]:
    lines = package_lines(document)
    for row in document.tables(content, "package"):
        name, version, source = words(row, "name"), words(row, "version"), words(row, "source")
        yield _Package(f"{name} {version} {source}".strip(), name, version, source, row, next(lines, 0))


def _names(package: _Package) -> Iterator[tuple[str, str]]:
    """Yield the ways in which others name a package: as short as is clear."""
    yield package.name, package.key
    yield f"{package.name} {package.version}", package.key
    yield f"{package.name} {package.version} ({package.source})", package.key


def _needs(document: Document, package: _Package, keys: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    for written in document.texts(package.content, "dependencies"):
        yield from keys.get(written, ())


def _index(source: str) -> str | None:
    return next((source.removeprefix(start) for start in _INDEXES if source.startswith(start)), None)


def _locked(
    document: Document, package: _Package, checksums: Mapping[str, object], needs: tuple[str, ...], depth: int | None
) -> Locked:
    index = _index(package.source)
    in_table = words(checksums, f"checksum {package.name} {package.version} ({package.source})")
    found = words(package.content, "checksum") or in_table
    return Locked(
        Ecosystem.CARGO,
        package.name,
        package.version,
        package.key,
        document.place(package.line),
        origin=Origin.INDEX if index else Origin.GIT,
        resolved=None if index else package.source,
        index=index,
        hashes=(f"sha256:{found}",) if found else (),
        needs=tuple(dict.fromkeys(needs)),
        depth=depth,
    )
