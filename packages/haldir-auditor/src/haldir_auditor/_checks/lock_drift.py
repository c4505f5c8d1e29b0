"""Lock files that do not say what their manifests say."""

from collections.abc import Iterator, Sequence

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from haldir_auditor._case import Case
from haldir_auditor._checks._found import about, at
from haldir_auditor._fits import fits
from haldir_auditor._wanted import REMOTE
from haldir_auditor._words import named, quoted
from haldir_auditor.issues import Check, Issue, Severity
from haldir_auditor.supply import Dependency, Ecosystem, Lock, Manifest, Origin, Place, Root, Scope

CHECK = Check(
    id="lock-drift",
    category="integrity",
    severity=Severity.HIGH,
    title="Lock file and manifest disagree",
    explanation=(
        "The lock file lacks something that the manifest asks for, holds a version that does not fit, takes from "
        "a repository, a URL or an archive what the manifest wants from the index, or was made for something else "
        "that the manifest does not ask for. Some clients then refuse to install, others resolve anew: what is "
        "installed is not what the lock file says. A range that was written differently, while the locked version "
        "fits both, weighs medium."
    ),
    remedy="Make the lock file anew from the manifest, and look at what changes in it.",
)

_COMPARED = frozenset({Scope.RUN, Scope.DEVELOPMENT, Scope.OPTIONAL})
_NO_INDEX = REMOTE | {Origin.FILE}
_SURELY_LOCKED = frozenset({Scope.RUN})
"""Lock files may leave out groups, extras and what is for other platforms."""


def find(case: Case) -> Iterator[Issue]:
    """Yield the disagreements of every lock file with the manifests that it is about."""
    for lock in case.supply.locks:
        if lock.ecosystem is Ecosystem.GO:
            continue  # go.sum holds hashes of more than is used, and go.mod itself decides
        manifests = case.coverage.manifests(lock)
        for manifest in manifests:
            yield from _missing_or_misfit(case, manifest, lock)
        if manifests:
            yield from _other_roots(manifests, lock)


def _missing_or_misfit(case: Case, manifest: Manifest, lock: Lock) -> Iterator[Issue]:
    manifests = case.coverage.manifests(lock)
    overridden = {item.name for item in manifest.dependencies if item.scope is Scope.OVERRIDE}
    elsewhere = {item.name for each in manifests for item in each.dependencies if _is_from_elsewhere(item)}
    for dependency in manifest.dependencies:
        if dependency.scope not in _COMPARED or dependency.origin is not Origin.INDEX:
            continue
        packages = case.coverage.packages(lock, dependency.name)
        if not packages:
            if dependency.scope in _SURELY_LOCKED and dependency.marker is None:
                yield about(CHECK, dependency, f"{named(dependency)} is not in {quoted(lock.path)}")
        elif dependency.name not in elsewhere and all(package.origin in _NO_INDEX for package in packages):
            place = quoted(packages[0].resolved or packages[0].version)
            yield about(CHECK, dependency, f"{named(dependency)} is asked for, but {quoted(lock.path)} takes {place}")
        elif dependency.name not in overridden and all(
            fits(dependency.ecosystem, package.version, dependency.range) is False for package in packages
        ):
            versions = ", ".join(sorted({quoted(package.version) for package in packages}))
            yield about(CHECK, dependency, f"{named(dependency)} is asked for, but {quoted(lock.path)} has {versions}")


def _is_from_elsewhere(dependency: Dependency) -> bool:
    """Whether a manifest says itself that a package, or what stands in its place, comes from no index."""
    return dependency.origin is not Origin.INDEX


def _other_roots(manifests: Sequence[Manifest], lock: Lock) -> Iterator[Issue]:
    """What the lock file says that was asked for, compared with what all manifests of its workspace ask for."""
    asked: dict[str, list[Dependency]] = {}
    for manifest in manifests:
        for dependency in manifest.dependencies:
            for name in {dependency.name, dependency.alias or dependency.name}:
                asked.setdefault(name, []).append(dependency)
    elsewhere = {package.name for package in lock.packages if package.origin is not Origin.INDEX}
    where = quoted(manifests[0].path) if len(manifests) == 1 else "no manifest"
    for root in dict.fromkeys(lock.roots or ()):
        dependencies = asked.get(root.name)
        if dependencies is None:
            verb = "lacks" if len(manifests) == 1 else "has"
            message = f"{quoted(lock.path)} was made for {quoted(root.name)} too, which {where} {verb}"
            yield at(CHECK, Place(lock.path), message)
        elif root.name not in elsewhere and not any(
            _is_same(lock.ecosystem, root, dependency) for dependency in dependencies
        ):
            message = (
                f"{named(dependencies[0])} is asked for, but {quoted(lock.path)} was made for "
                f"{quoted(root.name)} {quoted(root.range)}"
            )
            yield about(CHECK, dependencies[0], message, Severity.MEDIUM)


def _is_same(ecosystem: Ecosystem, root: Root, dependency: Dependency) -> bool:
    if dependency.origin is not Origin.INDEX or dependency.scope not in _COMPARED:
        return True  # other forms are written differently by every client
    if root.range.strip() == dependency.range.strip() or dependency.alias is not None:
        return True
    return ecosystem is Ecosystem.PYPI and _bounds(root.range) == _bounds(dependency.range)


def _bounds(written: str) -> SpecifierSet | str:
    """The range without regard to order and spaces, if it is one of PEP 440."""
    try:
        return SpecifierSet("" if written.strip() == "*" else written)
    except InvalidSpecifier:
        return written.replace(" ", "")
