"""uv.lock, and the lock files of single scripts."""

from collections.abc import Iterator, Mapping

from attrs import evolve, frozen

from haldir_auditor._document import Document
from haldir_auditor._locks.artifacts import Artifacts, by_name, package_lines, read_artifacts, standing_out, usual_host
from haldir_auditor._locks.graph import depths, without
from haldir_auditor._python_requirement import origin_of_url
from haldir_auditor._syntax.errors import UnreadableError
from haldir_auditor._syntax.tomls import read_lock_toml
from haldir_auditor.supply import Ecosystem, Lock, Locked, Origin, Root, Scope, Supply

FORMAT = "uv.lock"
_SCRIPT = ".lock"  # script.py.lock
_ORIGINS = {
    "registry": Origin.INDEX,
    "git": Origin.GIT,
    "url": Origin.URL,
    "path": Origin.FILE,
    "directory": Origin.FILE,
    "editable": Origin.FILE,
    "virtual": Origin.FILE,
}
_FOLDERS = ("directory", "editable", "virtual")


@frozen
class _Package:
    """One package as it is written, with its key and its files."""

    key: str
    name: str
    content: dict[str, object]
    source: tuple[str, str]
    artifacts: Artifacts
    line: int


def read_uv_lock(document: Document) -> Supply:
    """Return the lock.  Raises: UnreadableError if it is not TOML, or of a version that is not known."""
    content = read_lock_toml(document.text)
    if content.get("version") != 1:
        raise UnreadableError(f"uv.lock of version {str(content.get('version'))[:20]} is not known")
    packages = list(_packages(document, content))
    keys = by_name((package.name, package.key) for package in packages)
    needs = {package.key: tuple(dict.fromkeys(_needs(document, package, keys))) for package in packages}
    own = [package for package in packages if _is_own(package)]
    manifest = document.table(content, "manifest")
    inside = {package.key for package in own}
    asked = [key for package in own for key in _needs(document, package, keys, groups=())]
    asked += [key for row in document.tables(manifest, "requirements") for key in keys.get(str(row.get("name")), ())]
    foreign = without(needs, inside)
    running = depths(foreign, asked)
    depth = depths(foreign, asked + [key for package in own for key in needs[package.key]])
    usual = usual_host(package.artifacts for package in packages)
    lock = Lock(
        document.path,
        FORMAT,
        Ecosystem.PYPI,
        tuple(
            evolve(
                _locked(document, package, needs[package.key], depth.get(package.key), usual),
                development=package.key in depth and package.key not in running,
            )
            for package in packages
            if package.source[1] != "." or package.key not in inside
        ),
        tuple(_roots(document, own, manifest)),
        manifest=_manifest(document),
        indexes=tuple(dict.fromkeys(value for kind, value in (each.source for each in packages) if kind == "registry")),
    )
    return Supply(locks=(lock,))


def _is_own(package: _Package) -> bool:
    """Say whether it is the project itself, or a part of it, not a dependency."""
    kind, path = package.source
    return kind in _FOLDERS and not path.startswith(("/", "..", "~")) and ":" not in path


def _manifest(document: Document) -> str | None:
    script = document.path.removesuffix(_SCRIPT)
    path = document.sibling("pyproject.toml") if document.name == FORMAT else script
    return path if path in document.files else None


def _packages(document: Document, content: Mapping[str, object]) -> Iterator[_Package]:
    lines = package_lines(document)
    for row in document.tables(content, "package"):
        name, version = str(row.get("name", "")), str(row.get("version", ""))
        source = _source(document, row)
        wheels = row.get("wheels", [])
        artifacts = read_artifacts(row.get("sdist"), wheels if isinstance(wheels, list) else [])
        yield _Package(f"{name} {version} {'+'.join(source)}", name, row, source, artifacts, next(lines, 0))


def _source(document: Document, row: Mapping[str, object]) -> tuple[str, str]:
    for kind, value in document.table(row, "source").items():
        if kind in _ORIGINS:
            return kind, str(value)
    document.problem(f"the package {str(row.get('name'))[:80]!r} has no source that is known")
    return "url", ""


def _needs(
    document: Document,
    package: _Package,
    keys: Mapping[str, tuple[str, ...]],
    *,
    groups: tuple[str, ...] = ("dev-dependencies",),
) -> Iterator[str]:
    """Yield the keys that a package needs, in any extra and in the groups."""
    for row in _rows(document, package, groups):
        name = str(row.get("name"))
        found = keys.get(name, ())
        if len(found) > 1 and "version" in row:  # several versions: uv writes which one is meant
            start = f"{name} {row['version']} "
            found = tuple(key for key in found if key.startswith(start))
        yield from found


def _rows(document: Document, package: _Package, groups: tuple[str, ...]) -> list[dict[str, object]]:
    lists = [package.content.get("dependencies", [])]
    for table in ("optional-dependencies", *groups):
        lists.extend(document.table(package.content, table).values())
    return [row for rows in lists if isinstance(rows, list) for row in rows if isinstance(row, dict)]


def _locked(document: Document, package: _Package, needs: tuple[str, ...], depth: int | None, usual: str) -> Locked:
    kind, value = package.source
    origin = _ORIGINS[kind]
    resolved = standing_out(package.artifacts, usual, package.name, str(package.content.get("version", "")))
    return Locked(
        Ecosystem.PYPI,
        package.name,
        str(package.content.get("version", "")),
        package.key,
        document.place(package.line),
        origin=Origin.WORKSPACE if _is_own(package) else origin_of_url(value) if kind == "url" else origin,
        resolved=resolved if kind == "registry" else value,
        index=value if kind == "registry" else None,
        hashes=package.artifacts.hashes,
        needs=needs,
        depth=depth,
        source_only=package.artifacts.source_only,
        uploaded=package.artifacts.uploaded,
    )


def _roots(document: Document, own: list[_Package], manifest: Mapping[str, object]) -> Iterator[Root]:
    for package in own:
        metadata = document.table(package.content, "metadata")
        yield from _unasked(document, package, metadata)
        yield from _asked(document.tables(metadata, "requires-dist"), Scope.RUN)
        for name in document.table(metadata, "requires-dev"):
            yield from _asked(document.tables(document.table(metadata, "requires-dev"), name), Scope.DEVELOPMENT)
    yield from _asked(document.tables(manifest, "requirements"), Scope.SCRIPT)


def _unasked(document: Document, package: _Package, metadata: Mapping[str, object]) -> Iterator[Root]:
    """Yield what uv would install for a project though the lock does not say that the project asks for it."""
    asked = [row.get("name") for row in document.tables(metadata, "requires-dist")]
    for rows in document.table(metadata, "requires-dev").values():
        asked += [row.get("name") for row in (rows if isinstance(rows, list) else []) if isinstance(row, dict)]
    for row in _rows(document, package, ("dev-dependencies",)):
        if row.get("name") not in (*asked, package.name):
            yield Root(str(row.get("name", "")), "")


def _asked(rows: Iterator[dict[str, object]], scope: Scope) -> Iterator[Root]:
    for row in rows:
        yield Root(str(row.get("name", "")), str(row.get("specifier", "")), scope)
