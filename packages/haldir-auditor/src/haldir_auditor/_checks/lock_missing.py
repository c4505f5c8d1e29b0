"""Manifests without a lock file."""

from collections.abc import Iterator

from haldir_auditor._case import Case
from haldir_auditor._checks._found import at
from haldir_auditor._wanted import LOCAL
from haldir_auditor._words import plural
from haldir_auditor.issues import Check, Issue, Severity
from haldir_auditor.supply import Dependency, Ecosystem, Manifest, Place, Scope

CHECK = Check(
    id="lock-missing",
    category="integrity",
    severity=Severity.MEDIUM,
    title="No lock file",
    explanation=(
        "Without a lock file nothing fixes what the dependencies need in turn, and nothing says which bytes they "
        "had. A requirements file with a hash for every line is a lock file, for pip then refuses everything else. "
        "For package.json it is high, as every client of npm writes a lock file by itself. Build requirements, "
        "packages of the operating system, conda environments and inline blocks are not asked for one."
    ),
    remedy="Make one (npm install, uv lock, poetry lock, pip-compile --generate-hashes, cargo build) and ship it.",
)

_ASKED = frozenset({Scope.RUN, Scope.DEVELOPMENT, Scope.OPTIONAL})
_LOCKABLE = frozenset({Ecosystem.NPM, Ecosystem.PYPI, Ecosystem.CARGO, Ecosystem.GO})
_UNLOCKABLE_FORMATS = frozenset({"pep723", "environment.yml", "node_modules"})


def find(case: Case) -> Iterator[Issue]:
    """Yield every manifest that could have a lock file and has none."""
    paths = {manifest.path for manifest in case.supply.manifests}
    for manifest in case.supply.manifests:
        asked = _asked(manifest)
        if not asked or manifest.format in _UNLOCKABLE_FORMATS:
            continue
        is_source = manifest.path.endswith(".in") and f"{manifest.path[:-3]}.txt" in paths  # that one is looked at
        if is_source or is_own_lock(manifest) or case.coverage.of(manifest):
            continue
        message = f"no lock file fixes the {plural(len(asked), 'package')} of this file, and what they need"
        severity = Severity.HIGH if manifest.format == "package.json" else CHECK.severity
        yield at(CHECK, Place(manifest.path), message, severity)


def is_own_lock(manifest: Manifest) -> bool:
    """Whether every line fixes a version and a hash, so that nothing else can be installed."""
    asked = _asked(manifest)
    return bool(asked) and all(dependency.version and dependency.hashes for dependency in asked)


def _asked(manifest: Manifest) -> list[Dependency]:
    return [
        dependency
        for dependency in manifest.dependencies
        if dependency.scope in _ASKED and dependency.origin not in LOCAL and dependency.ecosystem in _LOCKABLE
    ]
