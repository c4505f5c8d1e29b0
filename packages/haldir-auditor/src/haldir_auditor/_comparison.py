"""Which packages are compared with known vulnerabilities, and what came of it."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from attrs import evolve, field, frozen

from haldir_auditor._wanted import LOCAL, Decided, Wanted
from haldir_auditor._words import listed, quoted
from haldir_auditor.issues import NO_SOURCE, NOT_ASKED, VulnerabilityData
from haldir_auditor.settings import Comparison
from haldir_auditor.supply import Dependency, Ecosystem, Lock, Locked, Supply
from haldir_auditor.vulnerabilities.interface import Package, SourceError, Vulnerability, VulnerabilitySource

COMPARABLE = frozenset({Ecosystem.PYPI, Ecosystem.NPM, Ecosystem.CARGO, Ecosystem.GO})
"""What vulnerability data has; nobody publishes any for conda's and the systems' own packages in this form."""

_EXACT = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+!_-]{0,127}")


@frozen
class Subject:
    """Where a package of some version is asked for; ``development`` if it is only used by who develops the skill."""

    item: Dependency | Locked
    development: bool


@frozen
class Compared:
    """What is known about the packages.

    ``subjects`` are all that have a version; ``not_checked`` says what was not compared, and why.
    """

    subjects: Mapping[Package, Subject] = field(factory=dict)
    vulnerabilities: Mapping[Package, Sequence[Vulnerability]] = field(factory=dict)
    yanked: frozenset[Package] = frozenset()
    data: tuple[VulnerabilityData, ...] = ()
    not_checked: tuple[str, ...] = ()

    @property
    def was_done(self) -> bool:
        """Whether a source has answered."""
        return bool(self.data)


def compare(
    supply: Supply, wanted: Iterable[Wanted], source: VulnerabilitySource | None, comparison: Comparison
) -> Compared:
    """Ask the source about every package that has a version; where there is none, say so."""
    subjects = dict(_subjects(supply, wanted))
    waiting = Compared(subjects)
    if not subjects and not _asks_for_more(supply):
        return waiting
    if comparison is Comparison.NOT_ASKED:
        return evolve(waiting, not_checked=(NOT_ASKED,))
    if source is None:
        return evolve(waiting, not_checked=(NO_SOURCE,))
    return _ask(source, waiting)


def _ask(source: VulnerabilitySource, waiting: Compared) -> Compared:
    packages = list(waiting.subjects)
    try:
        answer = source.look_up(packages)
    except SourceError as error:
        return evolve(waiting, not_checked=(f"known vulnerabilities: {error}",))
    reasons: dict[str, list[str]] = {}
    for package, reason in answer.unanswered.items():
        reasons.setdefault(reason, []).append(f"{package.name} {package.version}")
    return evolve(
        waiting,
        vulnerabilities=answer.vulnerabilities,
        yanked=answer.yanked,
        data=(answer.data,),
        not_checked=tuple(f"{listed(names)}: {reason}" for reason, names in reasons.items()),
    )


def _asks_for_more(supply: Supply) -> bool:
    """Whether something is asked for that has no version, or whose lock file cannot be read."""
    asked = [dependency for manifest in supply.manifests for dependency in manifest.dependencies]
    comparable = (item for item in (*asked, *supply.installs) if item.ecosystem in COMPARABLE)
    return any(item.origin not in LOCAL for item in comparable) or any(lock.opaque for lock in supply.locks)


def _subjects(supply: Supply, wanted: Iterable[Wanted]) -> Iterator[tuple[Package, Subject]]:
    """Every package with a version; of several places one where it is for use counts, else the first."""
    found: list[tuple[Package, Subject]] = [
        *(pair for lock in supply.locks for pair in _of_lock(lock)),
        *(pair for item in wanted for pair in _of_wanted(item)),
        *(pair for install in supply.installs for pair in _of_dependency(install, install.version)),
    ]
    found.sort(key=lambda pair: pair[1].development)
    seen: set[Package] = set()
    for package, subject in found:
        if package not in seen:
            seen.add(package)
            yield package, subject


def _of_lock(lock: Lock) -> Iterator[tuple[Package, Subject]]:
    for package in lock.packages:
        if package.origin not in LOCAL and _is_version(package.ecosystem, package.version):
            yield Package(package.ecosystem, package.name, package.version), Subject(package, package.development)


def _of_wanted(wanted: Wanted) -> Iterator[tuple[Package, Subject]]:
    if wanted.decided is Decided.BY_LOCK:
        return
    for version in wanted.versions:
        yield from _of_dependency(wanted.dependency, version)


def _of_dependency(dependency: Dependency, version: str | None) -> Iterator[tuple[Package, Subject]]:
    if version is not None and _is_version(dependency.ecosystem, version):
        package = Package(dependency.ecosystem, dependency.name, version)
        yield package, Subject(dependency, dependency.scope == "development")


def _is_version(ecosystem: Ecosystem, version: str) -> bool:
    return ecosystem in COMPARABLE and _EXACT.fullmatch(version) is not None


def versionless(supply: Supply) -> Iterator[Locked]:
    """The packages of lock files that have no version that could be compared."""
    for lock in supply.locks:
        for package in lock.packages:
            is_foreign = package.origin not in LOCAL and package.ecosystem in COMPARABLE
            if is_foreign and not _is_version(package.ecosystem, package.version):
                yield package


def described(package: Package) -> str:
    """A package in words."""
    return f"{quoted(package.name)} {quoted(package.version)}"
