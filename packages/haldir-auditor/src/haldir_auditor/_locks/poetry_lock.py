"""poetry.lock."""

from collections.abc import Iterator, Mapping

from attrs import frozen
from packaging.utils import canonicalize_name

from haldir_auditor._document import Document
from haldir_auditor._locks.artifacts import Artifacts, by_name, complete, package_lines
from haldir_auditor._locks.graph import depths, tops
from haldir_auditor._locks.pypi_family import manifest_beside, names_asked_beside, words
from haldir_auditor._syntax.errors import UnreadableError
from haldir_auditor._syntax.tomls import read_lock_toml
from haldir_auditor.supply import Ecosystem, Lock, Locked, Origin, Supply

FORMAT = "poetry.lock"
_MAIN = "main"
_ORIGINS = {"git": Origin.GIT, "url": Origin.URL, "file": Origin.FILE, "directory": Origin.FILE}
_SDISTS = (".tar.gz", ".zip", ".tar.bz2", ".tar.xz", ".tgz")


@frozen
class _Package:
    """One package as it is written."""

    key: str
    name: str
    content: Mapping[str, object]
    line: int


def read_poetry_lock(document: Document) -> Supply:
    """Return the lock.  Raises: UnreadableError if it is not TOML, or none of poetry."""
    content = read_lock_toml(document.text)
    metadata = document.table(content, "metadata")
    if "metadata" not in content:
        raise UnreadableError("this is no lock file of poetry: it has no metadata")
    packages = list(_packages(document, content))
    keys = by_name((package.name, package.key) for package in packages)
    needs = {package.key: tuple(_needs(document, package, keys)) for package in packages}
    asked = [package.key for package in packages if package.name in names_asked_beside(document)]
    depth = depths(needs, asked or tops(needs))
    files = {str(canonicalize_name(name)): rows for name, rows in document.table(metadata, "files").items()}
    locked = tuple(
        _locked(document, package, files, needs[package.key], depth.get(package.key)) for package in packages
    )
    lock = Lock(
        document.path, FORMAT, Ecosystem.PYPI, locked, None, manifest_beside(document), _indexes(document, packages)
    )
    return Supply(locks=(lock,))


def _packages(document: Document, content: Mapping[str, object]) -> Iterator[_Package]:
    lines = package_lines(document)
    for row in document.tables(content, "package"):
        name = str(canonicalize_name(words(row, "name")))
        source = document.table(row, "source")
        key = f"{name} {words(row, 'version')} {words(source, 'url')}".strip()
        yield _Package(key, name, row, next(lines, 0))


def _needs(document: Document, package: _Package, keys: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    for name in document.table(package.content, "dependencies"):
        yield from keys.get(str(canonicalize_name(name)), ())


def _indexes(document: Document, packages: list[_Package]) -> tuple[str, ...]:
    sources = (document.table(package.content, "source") for package in packages)
    return tuple(dict.fromkeys(words(source, "url") for source in sources if source.get("type") == "legacy"))


def _locked(
    document: Document, package: _Package, files: Mapping[str, object], needs: tuple[str, ...], depth: int | None
) -> Locked:
    source = document.table(package.content, "source")
    kind, url = words(source, "type"), words(source, "url") or None
    artifacts = _artifacts(package.content.get("files") or files.get(package.name))
    groups = package.content.get("groups")
    development = _MAIN not in groups if isinstance(groups, list) else package.content.get("category") == "dev"
    reference = words(source, "resolved_reference") or words(source, "reference")
    return Locked(
        Ecosystem.PYPI,
        package.name,
        words(package.content, "version"),
        package.key,
        document.place(package.line),
        origin=_ORIGINS.get(kind, Origin.INDEX),
        resolved=f"{url}#{reference}" if kind == "git" else url if kind in _ORIGINS else None,
        index=url if kind == "legacy" else None,
        hashes=artifacts.hashes,
        needs=tuple(dict.fromkeys(needs)),
        depth=depth,
        development=development,
        optional=package.content.get("optional") is True,
        source_only=artifacts.source_only,
    )


def _artifacts(files: object) -> Artifacts:
    rows = [row for row in files if isinstance(row, dict)] if isinstance(files, list) else []
    names = [name for row in rows if isinstance(name := row.get("file"), str)]
    only = bool(names) and all(name.endswith(_SDISTS) for name in names)
    return Artifacts(hashes=complete([row.get("hash") for row in rows]), source_only=only)
