"""How many packages there are."""

from collections.abc import Iterator

from haldir_auditor._case import Case
from haldir_auditor._checks._found import at
from haldir_auditor._wanted import LOCAL, Decided
from haldir_auditor.issues import Check, Issue, Severity
from haldir_auditor.supply import Place, Scope

CHECK = Check(
    id="too-many",
    category="structure",
    severity=Severity.MEDIUM,
    title="Too many packages",
    explanation=(
        "Every package is one more that can turn bad, and one more that somebody has to look at. A skill may ask "
        "for 20, an MCP server for 50. What is counted is what the skill itself asks for, and apart from it the "
        "resolved packages of its lock files without those for development; more of the latter weigh low, as a "
        "handful of npm packages brings that many."
    ),
    remedy="Leave out what is not needed, or audit as an MCP server (--type mcp) if it is one.",
)

_NOT_COUNTED = frozenset({Scope.DEVELOPMENT, Scope.BUILD})


def find(case: Case) -> Iterator[Issue]:
    """Yield at most one issue."""
    limit = case.settings.skill_type.max_packages
    direct = {
        (wanted.dependency.ecosystem, wanted.dependency.name)
        for wanted in case.wanted
        if wanted.decided not in {Decided.ASKS_FOR_NOTHING, Decided.BY_FOLDER}
        and wanted.dependency.scope not in _NOT_COUNTED
    }
    resolved = {
        (package.ecosystem, package.name, package.version)
        for _, package in case.locked()
        if package.origin not in LOCAL and not package.development
    }
    if len(direct) > limit:
        message = f"{len(direct)} packages are asked for; the limit for {case.settings.skill_type} is {limit}"
        yield at(CHECK, _place(case), message)
    elif len(resolved) > limit:
        message = f"{len(direct)} packages are asked for, {len(resolved)} come with them; the limit is {limit}"
        yield at(CHECK, _place(case), message, Severity.LOW)


def _place(case: Case) -> Place:
    """The file that names the most."""
    largest = max(case.supply.manifests, key=lambda manifest: len(manifest.dependencies), default=None)
    return Place(largest.path if largest else case.supply.locks[0].path)
