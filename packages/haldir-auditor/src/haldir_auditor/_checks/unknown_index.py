"""Package indexes that neither the ecosystem nor whoever audits knows."""

from collections.abc import Iterator

from haldir_auditor._case import Case
from haldir_auditor._checks._found import at
from haldir_auditor._hosts import host_of, hosts_in, is_public
from haldir_auditor._words import quoted
from haldir_auditor.issues import Check, Issue, Severity
from haldir_auditor.supply import Ecosystem, Origin, Place

CHECK = Check(
    id="unknown-index",
    category="source",
    severity=Severity.MEDIUM,
    title="Packages from an index that is not known",
    explanation=(
        "Whoever runs an index decides what its packages hold, and a lock file made from it fits it in every hash. "
        "An index that is not the public one may be right, but only whoever audits can say so. Vulnerability data "
        "is about the packages of the public index."
    ),
    remedy="If the index is yours, allow it: `haldir audit --index URL`, or `indexes` of the settings.",
)


def find(case: Case) -> Iterator[Issue]:
    """Yield every such host once for each file that names it."""
    allowed = hosts_in(case.settings.indexes)
    told = set()
    for ecosystem, place, url in _named(case):
        host = host_of(url)
        if host is None or host in allowed or is_public(ecosystem, host) or (place.path, host) in told:
            continue
        told.add((place.path, host))
        yield at(CHECK, place, f"packages come from {quoted(host)}, an index that is neither public nor allowed")


def _named(case: Case) -> Iterator[tuple[Ecosystem, Place, str]]:
    for manifest in case.supply.manifests:
        yield from ((manifest.ecosystem, Place(manifest.path), url) for url in manifest.indexes)
    for dependency in case.asked_for:
        if dependency.index:
            yield dependency.ecosystem, dependency.place, dependency.index
    for lock, package in case.locked():
        if package.origin is Origin.INDEX:
            yield from ((lock.ecosystem, package.place, url) for url in (package.index, package.resolved) if url)
    for lock in case.supply.locks:
        yield from ((lock.ecosystem, Place(lock.path), url) for url in lock.indexes)
    yield from ((ecosystem, Place(""), url) for ecosystem, url in case.supply.indexes)
