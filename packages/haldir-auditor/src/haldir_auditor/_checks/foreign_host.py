"""Packages of a lock file that come from another host than the others."""

from collections import Counter
from collections.abc import Iterator

from haldir_auditor._case import Case
from haldir_auditor._checks._found import about
from haldir_auditor._hosts import PUBLIC, host_of, hosts_in, is_public
from haldir_auditor._words import listed, named, quoted
from haldir_auditor.issues import Check, Issue, Severity
from haldir_auditor.supply import Lock, Locked, Origin

CHECK = Check(
    id="foreign-host",
    category="source",
    severity=Severity.HIGH,
    title="One package from another host",
    explanation=(
        "A lock file can be changed so that a single package is fetched from somewhere else, under its usual name "
        "and with a hash that fits. Expected are the hosts of the indexes that the lock file, its manifest, "
        ".npmrc, pip.conf or the settings name (the public ones if nothing is named), and the host that most of "
        "its packages come from."
    ),
    remedy="Make the lock file anew; if the host is right, name it as an index (settings, .npmrc, --index-url).",
)


def find(case: Case) -> Iterator[Issue]:
    """Yield every package that comes from an unexpected host."""
    for lock in case.supply.locks:
        fetched = [(package, host) for package in lock.packages if (host := _host(package)) is not None]
        expected = _declared(case, lock) | _dominant(fetched)
        foreign = [(package, host) for package, host in fetched if host not in expected]
        usual = listed(sorted(expected & {host for _, host in fetched})) or "no host that is expected"
        for package, host in foreign:
            yield about(CHECK, package, f"{named(package)} comes from {quoted(host)}, the others from {usual}")


def _host(package: Locked) -> str | None:
    return host_of(package.resolved) if package.origin is Origin.INDEX and package.resolved else None


def _declared(case: Case, lock: Lock) -> frozenset[str]:
    """The hosts that somebody has named; where a public index is one of them, all its hosts are."""
    named = [*lock.indexes, *(url for ecosystem, url in case.supply.indexes if ecosystem is lock.ecosystem)]
    for manifest in case.coverage.manifests(lock):
        named += [*manifest.indexes, *(item.index for item in manifest.dependencies if item.index)]
    hosts = hosts_in([*named, *(package.index for package in lock.packages if package.index)])
    if not hosts or any(is_public(lock.ecosystem, host) for host in hosts):
        hosts |= PUBLIC[lock.ecosystem]
    return hosts | hosts_in(case.settings.indexes)


def _dominant(fetched: list[tuple[Locked, str]]) -> frozenset[str]:
    """The host of more than half of the packages, of each index that the lock file names."""
    by_index: dict[str | None, Counter[str]] = {}
    for package, host in fetched:
        by_index.setdefault(package.index, Counter())[host] += 1
    tops = ((counts.most_common(1)[0], counts.total()) for counts in by_index.values())
    return frozenset(host for (host, count), total in tops if 2 * count > total)
