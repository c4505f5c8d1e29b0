"""Names that two indexes may serve, and private names that a public index may serve."""

from collections.abc import Iterator, Sequence

from haldir_auditor._case import Case
from haldir_auditor._checks._found import about, at
from haldir_auditor._checks.lock_missing import is_own_lock
from haldir_auditor._hosts import MAIN, host_of, hosts_in, is_public
from haldir_auditor._wanted import Decided, Wanted
from haldir_auditor._words import listed, quoted
from haldir_auditor.issues import Check, Issue, Severity
from haldir_auditor.supply import Ecosystem, Manifest, Origin, Place, Scope

CHECK = Check(
    id="dependency-confusion",
    category="source",
    severity=Severity.HIGH,
    title="A public package may take the place of a private one",
    explanation=(
        "With an extra index, pip takes the highest version that any of the indexes has: whoever registers the "
        "private name in the public index wins. A lock file, or a hash for every line, rules that out. The "
        "settings can list names and prefixes that are private; such a name must not come from a public host, nor "
        "be left to chance."
    ),
    remedy="Use one index (--index-url), bind names to indexes (explicit, @scope:registry), or lock with hashes.",
    references=("https://cwe.mitre.org/data/definitions/427.html",),
)


def find(case: Case) -> Iterator[Issue]:
    """Yield the manifests with several indexes and open dependencies, and private names that are not kept so."""
    for manifest in case.supply.manifests:
        hosts = _hosts(case, manifest)
        loose = _loose(case, manifest) if len(hosts) > 1 else ()
        if loose:
            names = list(dict.fromkeys(wanted.dependency.name for wanted in loose))
            message = f"{listed(names)} may come from any of {listed(sorted(hosts))}"
            yield at(CHECK, Place(manifest.path), message)
    yield from _private(case)


def _hosts(case: Case, manifest: Manifest) -> frozenset[str]:
    """The hosts that pip would ask; npm asks one for each name, and is not confused in this way."""
    if manifest.ecosystem is not Ecosystem.PYPI:
        return frozenset()
    settled = [url for ecosystem, url in case.supply.indexes if ecosystem is Ecosystem.PYPI]
    named = hosts_in([*manifest.indexes, *settled])
    if not named:
        return named
    return named if manifest.main_index_replaced else named | {MAIN[Ecosystem.PYPI]}


def _loose(case: Case, manifest: Manifest) -> Sequence[Wanted]:
    if is_own_lock(manifest):
        return ()
    return [
        wanted
        for wanted in case.wanted_by(manifest)
        if wanted.decided in {Decided.BY_MANIFEST, Decided.BY_NOTHING}
        and wanted.dependency.origin is Origin.INDEX
        and wanted.dependency.scope is not Scope.BUILD
        and not wanted.dependency.hashes
        and wanted.dependency.index is None
        and not case.coverage.packages_of(manifest, wanted.dependency.name)
    ]


def _private(case: Case) -> Iterator[Issue]:
    if not case.settings.private_names:
        return
    for _, package in case.locked():
        host = host_of(package.resolved or package.index or "")
        if host is not None and is_public(package.ecosystem, host) and _is_private(case, package.name):
            yield about(CHECK, package, f"{quoted(package.name)} is a private name, but comes from {quoted(host)}")
    for dependency in case.asked_for:
        is_open = dependency.origin is Origin.INDEX and dependency.index is None
        if (
            is_open
            and _is_private(case, dependency.name)
            and not _is_bound(case, dependency.ecosystem, dependency.name)
        ):
            message = f"{quoted(dependency.name)} is a private name, but nothing binds it to a private index"
            yield about(CHECK, dependency, message)


def _is_private(case: Case, name: str) -> bool:
    return any(
        name.startswith(private) if private.endswith(("/", "-")) else name == private
        for private in case.settings.private_names
    )


def _is_bound(case: Case, ecosystem: Ecosystem, name: str) -> bool:
    """Whether a lock file says where it comes from, or the only index that is named is no public one."""
    if (ecosystem, name) in case.locked_names:
        return True
    named = hosts_in(url for kind, url in case.supply.indexes if kind is ecosystem)
    return bool(named) and not any(is_public(ecosystem, host) for host in named)
