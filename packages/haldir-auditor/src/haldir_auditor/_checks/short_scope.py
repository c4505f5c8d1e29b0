"""Scopes of one or two letters."""

from collections.abc import Iterator

from haldir_auditor._case import Case
from haldir_auditor._checks._asked import directly
from haldir_auditor._checks._found import about
from haldir_auditor._names import names_of
from haldir_auditor._words import quoted
from haldir_auditor.issues import Check, Issue, Severity
from haldir_auditor.supply import Ecosystem, Origin

CHECK = Check(
    id="short-scope",
    category="names",
    severity=Severity.MEDIUM,
    title="Scope of one or two letters",
    explanation=(
        "Such a scope says nothing about whose it is, and is easily taken for another one. Scopes of well-known "
        "packages are not reported, nor is the scope of the skill's own package."
    ),
    remedy="Look at who owns the scope.",
)


def find(case: Case) -> Iterator[Issue]:
    """Yield every package that the skill itself asks for in such a scope."""
    own = {(manifest.package_name or "").partition("/")[0] for manifest in case.supply.manifests}
    for item in directly(case):
        scope = item.name.partition("/")[0]
        if item.ecosystem is not Ecosystem.NPM or not scope.startswith("@") or item.origin is not Origin.INDEX:
            continue
        if len(scope) <= 3 and scope not in own and not names_of(Ecosystem.NPM).is_known(item.name):
            yield about(CHECK, item, f"{quoted(item.name)} is in the scope {quoted(scope)}")
