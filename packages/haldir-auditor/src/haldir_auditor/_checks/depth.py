"""How long the way to a package is."""

from collections.abc import Iterator

from haldir_auditor._case import Case
from haldir_auditor._checks._found import about
from haldir_auditor._words import named
from haldir_auditor.issues import Check, Issue, Severity

CHECK = Check(
    id="too-deep",
    category="structure",
    severity=Severity.MEDIUM,
    title="Dependencies of dependencies of dependencies",
    explanation=(
        "The depth of a package is the shortest way to it in the resolved graph, from 1 for what the skill itself "
        "asks for. Nobody looks at what is deeper than five. More than twice the limit weighs medium, less weighs "
        "low: a handful of much-used npm packages has a depth of 6 to 8. Packages for development do not count."
    ),
    remedy="Replace the package at the top of the chain by one that needs less.",
)

_EXTREME = 2
"""How many times the limit is no longer what the lock files of ordinary npm packages have."""


def find(case: Case) -> Iterator[Issue]:
    """Yield one issue for each lock file, about its deepest package."""
    for lock in case.supply.locks:
        reached = [package for package in lock.packages if package.depth is not None and not package.development]
        deepest = max(reached, key=lambda package: package.depth or 0, default=None)
        if deepest is not None and (deepest.depth or 0) > case.settings.max_depth:
            deep = sum(1 for package in reached if (package.depth or 0) > case.settings.max_depth)
            message = (
                f"{named(deepest)} is {deepest.depth} steps away; the limit is {case.settings.max_depth}, "
                f"and {deep} of {len(reached)} packages are beyond it"
            )
            is_extreme = (deepest.depth or 0) > _EXTREME * case.settings.max_depth
            yield about(CHECK, deepest, message, CHECK.severity if is_extreme else Severity.LOW)
