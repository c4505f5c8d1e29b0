"""What the manifests ask for, and what decides which version of it is installed.

Decision: docs/decisions/0016-auditor.md, "What counts as pinned".
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum, auto

from attrs import field, frozen

from haldir_auditor._fits import fits
from haldir_auditor.supply import Dependency, Ecosystem, Lock, Locked, Manifest, Origin, Scope, Supply

_SAYS_NOTHING = frozenset({Scope.OVERRIDE, Scope.CONSTRAINT, Scope.BUNDLED})
"""These change how others are resolved; they ask for nothing by themselves."""

LOCAL = frozenset({Origin.FILE, Origin.WORKSPACE})
REMOTE = frozenset({Origin.GIT, Origin.URL})

_MANIFESTS_OF_LOCKS = {
    Ecosystem.NPM: frozenset({"package.json"}),
    Ecosystem.PYPI: frozenset({"pyproject.toml", "setup.cfg", "setup.py", "Pipfile"}),
    Ecosystem.CARGO: frozenset({"Cargo.toml"}),
    Ecosystem.GO: frozenset({"go.mod"}),
}
"""The manifests that a lock file in the same folder is about, where it does not name one."""


class Decided(Enum):
    """By what it is decided which version is installed."""

    BY_MANIFEST = auto()
    BY_LOCK = auto()
    BY_FOLDER = auto()  # what lies in the skill itself
    BY_NOTHING = auto()  # whatever the index has when it is installed
    ASKS_FOR_NOTHING = auto()


@frozen
class Wanted:
    """A dependency of a manifest; ``versions`` are the exact ones that may be installed, as far as known."""

    dependency: Dependency
    manifest: Manifest
    decided: Decided
    versions: tuple[str, ...] = ()


@frozen
class Coverage:
    """Which lock files are about which manifest, with their packages by name."""

    _locks: Mapping[tuple[str, str], tuple[Lock, ...]]
    _manifests: Mapping[str, Sequence[Manifest]]
    _packages: Mapping[str, Mapping[str, Sequence[Locked]]]

    def of(self, manifest: Manifest) -> tuple[Lock, ...]:
        """The lock files that are about a manifest."""
        return self._locks[manifest.path, manifest.format]

    def manifests(self, lock: Lock) -> Sequence[Manifest]:
        """The manifests that a lock file is about."""
        return self._manifests.get(lock.path, ())

    def packages(self, lock: Lock, name: str) -> Sequence[Locked]:
        """The packages of a lock file that have this name themselves; what is only used under it is another one."""
        return self._packages[lock.path].get(name, ())

    def packages_of(self, manifest: Manifest, name: str) -> Sequence[Locked]:
        """The packages of this name in all lock files that are about a manifest."""
        return [package for lock in self.of(manifest) for package in self.packages(lock, name)]


def cover(supply: Supply) -> Coverage:
    """Find out which lock files are about which manifest."""
    packages = {lock.path: _by_name(lock) for lock in supply.locks}
    finder = _Finder.of(lock for lock in supply.locks if not lock.opaque)
    locks = {(manifest.path, manifest.format): tuple(finder.about(manifest)) for manifest in supply.manifests}
    manifests: dict[str, list[Manifest]] = {}
    for manifest in supply.manifests:
        for lock in locks[manifest.path, manifest.format]:
            manifests.setdefault(lock.path, []).append(manifest)
    return Coverage(locks, manifests, packages)


def _by_name(lock: Lock) -> dict[str, list[Locked]]:
    found: dict[str, list[Locked]] = {}
    for package in lock.packages:
        found.setdefault(package.name, []).append(package)
    return found


@frozen
class _Finder:
    """The lock files by the manifest that they name and by folder, with the parts of their workspaces."""

    by_manifest: Mapping[str, Sequence[Lock]]
    by_folder: Mapping[str, Sequence[Lock]]
    members: Mapping[str, frozenset[str | None]]

    @classmethod
    def of(cls, locks: Iterable[Lock]) -> "_Finder":
        by_manifest: dict[str, list[Lock]] = {}
        by_folder: dict[str, list[Lock]] = {}
        members: dict[str, frozenset[str | None]] = {}
        for lock in locks:
            by_folder.setdefault(folder_of(lock.path), []).append(lock)
            if lock.manifest is not None:
                by_manifest.setdefault(lock.manifest, []).append(lock)
            parts = [package for package in lock.packages if package.origin in LOCAL]
            members[lock.path] = frozenset(name for part in parts for name in (part.key, part.resolved))
        return cls(by_manifest, by_folder, members)

    def about(self, manifest: Manifest) -> Iterator[Lock]:
        """Yield the lock files about a manifest: those that name it, lie beside it, or have it as a part."""
        for lock in self.by_manifest.get(manifest.path, ()):
            if lock.ecosystem is manifest.ecosystem:
                yield lock
        if manifest.format not in _MANIFESTS_OF_LOCKS.get(manifest.ecosystem, ()):
            return
        folder = folder_of(manifest.path)
        for lock in self.by_folder.get(folder, ()):
            if lock.manifest is None and lock.ecosystem is manifest.ecosystem:
                yield lock
        yield from self._above(folder, manifest.ecosystem)

    def _above(self, folder: str, ecosystem: Ecosystem) -> Iterator[Lock]:
        """Yield the lock files of folders above that say themselves that this folder is a part of their workspace."""
        root = folder
        while root:
            root = folder_of(root)
            below = folder[len(root) + 1 :] if root else folder
            for lock in self.by_folder.get(root, ()):
                if lock.ecosystem is ecosystem and below in self.members[lock.path]:
                    yield lock


def folder_of(path: str) -> str:
    """The folder in which a file lies; empty for the skill itself."""
    return path.rpartition("/")[0]


def examine(supply: Supply, coverage: Coverage) -> tuple[Wanted, ...]:
    """Say for every dependency of every manifest what decides about its version."""
    compiled = _compiled(supply.manifests)
    by_path = {manifest.path: manifest for manifest in supply.manifests}
    return tuple(
        wanted
        for manifest in supply.manifests
        for wanted in _Examination.of(manifest, coverage, tuple(_deciding(manifest, compiled, by_path))).each()
    )


def _deciding(
    manifest: Manifest, compiled: Mapping[str, Manifest], by_path: Mapping[str, Manifest]
) -> Iterator[Dependency]:
    """Yield what other files say about the versions: what a file was compiled into, and the constraints it names."""
    if manifest.path in compiled:
        yield from compiled[manifest.path].dependencies
    for path in manifest.constraints:
        if path in by_path:
            yield from by_path[path].dependencies


def _compiled(manifests: Iterable[Manifest]) -> dict[str, Manifest]:
    """The requirements.txt of every requirements.in, as pip-compile and uv write them."""
    by_path = {manifest.path: manifest for manifest in manifests}
    pairs = ((path, by_path.get(f"{path[:-3]}.txt")) for path in by_path if path.endswith(".in"))
    return {path: compiled for path, compiled in pairs if compiled is not None}


@frozen
class _Examination:
    manifest: Manifest
    coverage: Coverage
    pins: Mapping[str, tuple[str, ...]] = field(factory=dict)

    @classmethod
    def of(cls, manifest: Manifest, coverage: Coverage, deciding: Iterable[Dependency]) -> "_Examination":
        pins: dict[str, tuple[str, ...]] = {}
        scopes = {Scope.CONSTRAINT, Scope.OVERRIDE}
        own = [dependency for dependency in manifest.dependencies if dependency.scope in scopes]
        for dependency in (*own, *deciding):
            if dependency.version is not None:
                pins[dependency.name] = (*pins.get(dependency.name, ()), dependency.version)
        return cls(manifest, coverage, pins)

    def each(self) -> Iterator[Wanted]:
        for dependency in self.manifest.dependencies:
            decided, versions = self._decide(dependency)
            yield Wanted(dependency, self.manifest, decided, versions)

    def _decide(self, dependency: Dependency) -> tuple[Decided, tuple[str, ...]]:
        if dependency.scope in _SAYS_NOTHING:
            return Decided.ASKS_FOR_NOTHING, (dependency.version,) if dependency.version else ()
        if dependency.origin in LOCAL:
            return Decided.BY_FOLDER, ()
        locked = tuple(dict.fromkeys(self._locked(dependency)))
        if dependency.version is not None:
            return Decided.BY_MANIFEST, (dependency.version,)
        if locked:
            return Decided.BY_LOCK, locked
        pinned = self.pins.get(dependency.name, ())
        if pinned and dependency.origin is Origin.INDEX:
            return Decided.BY_MANIFEST, pinned
        return Decided.BY_NOTHING, ()

    def _locked(self, dependency: Dependency) -> Iterator[str]:
        """The versions in the lock files that may be meant; one that certainly does not fit is not."""
        for lock in self.coverage.of(self.manifest):
            for package in self.coverage.packages(lock, dependency.name):
                if fits(dependency.ecosystem, package.version, dependency.range) is not False:
                    yield package.version
