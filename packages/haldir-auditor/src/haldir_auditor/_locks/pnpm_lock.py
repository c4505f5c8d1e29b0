"""pnpm-lock.yaml, versions 5, 6 and 9."""

import re
from collections.abc import Iterator, Mapping

from attrs import define, field

from haldir_auditor._document import Document
from haldir_auditor._locks.graph import depths
from haldir_auditor._locks.npm_family import KINDS, manifest_beside
from haldir_auditor._manifests.catalogs import PREFIX
from haldir_auditor._npm_requirement import split_name
from haldir_auditor._syntax.errors import UnreadableError
from haldir_auditor._syntax.yamls import Scalar, read_yaml
from haldir_auditor.supply import Ecosystem, Lock, Locked, Origin, Root, Supply

FORMAT = "pnpm-lock.yaml"

_VERSION = re.compile(r"[569](?:\.\d+)?")
_OLD_KEY = re.compile(
    r"(?P<host>[^/]*)/(?P<name>(?:@[^/]+/)?[^/]+)/(?P<version>[^/_(]+)(?:[_(].*)?"
)  # /name/1.0.0_peers
_NEW_KEY = re.compile(r"(?P<host>[^/@]*)/(?P<rest>.+)")  # version 6: /name@1.0.0(peers)
_PEERS = re.compile(r"\(.*|(?<=[\w.])_[^/]*$")
_ASKED = ("dependencies", "optionalDependencies")
_ASKED_TO_WORK = ("devDependencies", "configDependencies", "packageManagerDependencies")
_YES = "true"


@define
class _Package:
    """One version of one package: all its entries, which differ only in the peers that they were given."""

    key: str
    name: str
    version: str
    content: Mapping[str, object]
    line: int
    bodies: list[Mapping[str, object]] = field(factory=list)


@define
class _Packages:
    """All packages, by every key under which the lock file speaks of them."""

    by_written: dict[str, _Package] = field(factory=dict)

    def find(self, name: str, reference: str) -> str | None:
        """Return the key of what a dependency is locked to; None for a folder of the project itself."""
        candidates = (f"{name}@{reference}", f"/{name}@{reference}", f"/{name}/{reference}", reference)
        for written in candidates:
            package = self.by_written.get(written) or self.by_written.get(_PEERS.sub("", written))
            if package:
                return package.key
        return None


def read_pnpm_lock(document: Document) -> Supply:
    """Return the lock.  Raises: UnreadableError if it is not YAML, or of a version that is not known."""
    content: dict[str, object] = {}
    for part in read_yaml(document.text):  # pnpm 11 puts its own tools into a first document
        content = _merged(content, document.root(part))
    version = str(content.get("lockfileVersion", ""))
    if not _VERSION.fullmatch(version):
        raise UnreadableError(f"pnpm-lock.yaml of version {version[:20] or 'none'} is not known")
    packages = _packages(document, content)
    every = {package.key: package for package in packages.by_written.values()}
    needs = {key: tuple(_needs(document, package, packages)) for key, package in every.items()}
    importers = list(_importers(document, content))
    asked = [key for importer in importers for key in _asked(document, importer, packages, _ASKED)]
    to_work = [key for importer in importers for key in _asked(document, importer, packages, _ASKED_TO_WORK)]
    depth, running = depths(needs, asked + to_work), depths(needs, asked)
    lock = Lock(
        document.path,
        FORMAT,
        Ecosystem.NPM,
        tuple(
            _locked(document, package, needs[key], depth.get(key), development=key in depth and key not in running)
            for key, package in every.items()
        )
        + tuple(_members(document, content)),
        tuple(root for importer in importers for root in _roots(document, importer, content)),
        manifest_beside(document),
    )
    return Supply(locks=(lock,))


def _merged(content: Mapping[str, object], part: dict[str, object]) -> dict[str, object]:
    """Return a further document, with the tables of those before it added to its own."""
    merged = {**content, **part}
    for key, value in content.items():
        own = part.get(key)
        if isinstance(value, dict) and isinstance(own, dict):
            merged[key] = _merged(value, own)
    return merged


def _packages(document: Document, content: Mapping[str, object]) -> _Packages:
    found = _Packages()
    unique: dict[str, _Package] = {}
    for written, value in document.table(content, "packages").items():
        entry = document.as_table(value, f"the package {written[:80]!r}")
        name, version = _identity(written, entry)
        key = f"{name}@{version}"
        line = written.line if isinstance(written, Scalar) else 0
        package = unique.setdefault(key, _Package(key, name, version, entry, line))
        package.bodies.append(entry)
        found.by_written[written] = package
    for written, value in document.table(content, "snapshots").items():  # version 9
        package_or_none = found.by_written.get(written) or found.by_written.get(_PEERS.sub("", written))
        if package_or_none is None:
            document.problem(f"the snapshot {written[:80]!r} is of no package of this lock file")
        else:
            package_or_none.bodies.append(document.as_table(value, f"the snapshot {written[:80]!r}"))
    return found


def _identity(written: str, entry: Mapping[str, object]) -> tuple[str, str]:
    """Return name and version of a package, by its entry if that says it, else by its key."""
    name, version = _in_key(written)
    return str(entry.get("name") or name), str(entry.get("version") or version)


def _in_key(written: str) -> tuple[str, str]:
    bare = written.partition("(")[0]
    old = _OLD_KEY.fullmatch(bare)
    if old and "@" not in old["version"] and "@" not in old["name"][1:]:
        return old["name"], old["version"]
    new = _NEW_KEY.fullmatch(bare)
    split = split_name(new["rest"] if new and not bare.startswith("@") else bare)
    return split or (bare, "")


def _needs(document: Document, package: _Package, packages: _Packages) -> Iterator[str]:
    seen: set[str] = set()
    for body in package.bodies:
        for kind in ("dependencies", "optionalDependencies"):
            for name, reference in document.table(body, kind).items():
                key = packages.find(name, str(reference))
                if key and key not in seen:
                    seen.add(key)
                    yield key


def _importers(document: Document, content: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    """Yield the projects that the lock is for, the one beside it first."""
    importers = document.table(content, "importers")
    if not importers:
        yield content
    for path in sorted(importers, key=lambda path: path != "."):
        yield document.as_table(importers[path], f"the importer {path[:80]!r}")


def _asked(
    document: Document, importer: Mapping[str, object], packages: _Packages, kinds: tuple[str, ...]
) -> Iterator[str]:
    for kind in kinds:
        for name, value in document.table(importer, kind).items():
            reference = value.get("version") if isinstance(value, dict) else value
            if key := packages.find(name, str(reference or "")):
                yield key


def _members(document: Document, content: Mapping[str, object]) -> Iterator[Locked]:
    """Yield the other packages of the workspace, which lie in the skill, by the names that they have there."""
    for path in document.table(content, "importers"):
        folder = document.relative(path)
        data = document.files.get(f"{folder}/package.json") if folder else None
        if folder == document.folder or folder is None or data is None:
            continue
        try:
            own = Document(f"{folder}/package.json", data, document.files).json()  # its problems are noted elsewhere
        except UnreadableError:
            own = {}
        name, version = str(own.get("name") or path), str(own.get("version") or "")
        yield Locked(Ecosystem.NPM, name, version, path, document.place(), origin=Origin.WORKSPACE, resolved=path)


def _roots(document: Document, importer: Mapping[str, object], content: Mapping[str, object]) -> Iterator[Root]:
    specifiers = document.table(importer, "specifiers")
    catalogs = document.table(content, "catalogs")
    for kind, scope in KINDS[:3]:
        for name, value in document.table(importer, kind).items():
            written = str((value.get("specifier") if isinstance(value, dict) else specifiers.get(name)) or "")
            if written.startswith(PREFIX):
                group = document.table(catalogs, written.removeprefix(PREFIX).strip() or "default")
                written = str(document.table(group, name).get("specifier") or written)
            yield Root(name, written, scope)


def _locked(
    document: Document, package: _Package, needs: tuple[str, ...], depth: int | None, *, development: bool
) -> Locked:
    entry = package.content
    resolution = document.table(entry, "resolution")
    origin, resolved = _source(document, resolution, package)
    integrity = document.words(resolution, "integrity") or ""
    return Locked(
        Ecosystem.NPM,
        package.name,
        package.version,
        package.key,
        document.place(package.line),
        origin=origin,
        resolved=resolved,
        hashes=tuple(integrity.split()),
        needs=needs,
        depth=depth,
        development=development,
        optional=any(body.get("optional") == _YES for body in package.bodies),
        install_script=entry.get("requiresBuild") == _YES,
    )


def _source(document: Document, resolution: Mapping[str, object], package: _Package) -> tuple[Origin, str | None]:
    if repository := document.words(resolution, "repo"):
        return Origin.GIT, f"{repository}#{resolution.get('commit', '')}"
    if folder := document.words(resolution, "directory"):
        return Origin.FILE, folder
    tarball = document.words(resolution, "tarball")
    if tarball and tarball.startswith("file:"):
        return Origin.FILE, tarball
    if tarball and "://" in package.version:
        return Origin.URL, tarball
    return Origin.INDEX, tarball
