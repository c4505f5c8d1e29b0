"""pdm.lock."""

from collections.abc import Iterator, Mapping

from attrs import define
from packaging.utils import canonicalize_name

from haldir_auditor._document import Document
from haldir_auditor._locks.artifacts import Artifacts, by_name, complete, package_lines, standing_out, usual_host
from haldir_auditor._locks.graph import depths, tops
from haldir_auditor._locks.pypi_family import manifest_beside, names_asked_beside, words
from haldir_auditor._python_requirement import name_of
from haldir_auditor._syntax.errors import UnreadableError
from haldir_auditor._syntax.tomls import read_lock_toml
from haldir_auditor.supply import Ecosystem, Lock, Locked, Origin, Supply

FORMAT = "pdm.lock"
_SOURCES = (("git", Origin.GIT), ("hg", Origin.GIT), ("svn", Origin.GIT), ("url", Origin.URL), ("path", Origin.FILE))
_SDISTS = (".tar.gz", ".zip", ".tar.bz2", ".tar.xz", ".tgz")


@define
class _Package:
    """One version of one package, with what all its entries need: there is a further one for each set of extras."""

    key: str
    name: str
    content: Mapping[str, object]
    artifacts: Artifacts
    line: int
    needs: list[str]


def read_pdm_lock(document: Document) -> Supply:
    """Return the lock.  Raises: UnreadableError if it is not TOML, or none of pdm."""
    content = read_lock_toml(document.text)
    if "metadata" not in content:
        raise UnreadableError("this is no lock file of pdm: it has no metadata")
    packages = _packages(document, content)
    keys = by_name((package.name, package.key) for package in packages)
    needs = {package.key: tuple(_needs(package, keys)) for package in packages}
    names = names_asked_beside(document)
    depth = depths(needs, [package.key for package in packages if package.name in names] or tops(needs))
    usual = usual_host(package.artifacts for package in packages)
    locked = tuple(
        _locked(document, package, needs[package.key], depth.get(package.key), usual) for package in packages
    )
    return Supply(locks=(Lock(document.path, FORMAT, Ecosystem.PYPI, locked, None, manifest_beside(document)),))


def _packages(document: Document, content: Mapping[str, object]) -> list[_Package]:
    lines = package_lines(document)
    files = document.table(document.table(content, "metadata"), "files")  # before pdm 2.8
    found: dict[str, _Package] = {}
    for row in document.tables(content, "package"):
        name, version = str(canonicalize_name(words(row, "name"))), words(row, "version")
        key = f"{name} {version} {_source(row)[1] or ''}".strip()
        line = next(lines, 0)
        rows = row.get("files") or files.get(f"{name} {version}")
        package = found.setdefault(key, _Package(key, name, row, _artifacts(rows), line, []))
        package.needs.extend(document.texts(row, "dependencies"))
    return list(found.values())


def _artifacts(files: object) -> Artifacts:
    rows = [row for row in files if isinstance(row, dict)] if isinstance(files, list) else []
    urls = tuple(url for row in rows if isinstance(url := row.get("url"), str))
    names = [name for row in rows if isinstance(name := row.get("file") or row.get("url"), str)]
    only = bool(names) and all(name.partition("#")[0].endswith(_SDISTS) for name in names)
    return Artifacts(urls, complete([row.get("hash") for row in rows]), source_only=only)


def _needs(package: _Package, keys: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    for written in dict.fromkeys(package.needs):
        yield from keys.get(name_of(written) or "", ())


def _source(row: Mapping[str, object]) -> tuple[Origin, str | None]:
    for key, origin in _SOURCES:
        if locator := words(row, key):
            return origin, locator
    return Origin.INDEX, None


def _locked(document: Document, package: _Package, needs: tuple[str, ...], depth: int | None, usual: str) -> Locked:
    origin, locator = _source(package.content)
    if origin is Origin.GIT:
        locator = f"{locator}#{words(package.content, 'revision')}"
    groups = package.content.get("groups")
    return Locked(
        Ecosystem.PYPI,
        package.name,
        words(package.content, "version"),
        package.key,
        document.place(package.line),
        origin=origin,
        resolved=locator or standing_out(package.artifacts, usual, package.name, words(package.content, "version")),
        hashes=package.artifacts.hashes,
        needs=tuple(key for key in dict.fromkeys(needs) if key != package.key),
        depth=depth,
        development=isinstance(groups, list) and "default" not in groups,
        source_only=package.artifacts.source_only,
    )
