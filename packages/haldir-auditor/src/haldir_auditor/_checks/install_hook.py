"""Commands of the skill itself that run when it is installed."""

from collections.abc import Iterator

from haldir_auditor._case import Case
from haldir_auditor._checks._found import at
from haldir_auditor._words import quoted
from haldir_auditor.issues import Check, Issue, Severity

CHECK = Check(
    id="install-hook",
    category="install",
    severity=Severity.HIGH,
    title="Runs a command when it is installed",
    explanation=(
        "An install hook runs by itself, with all rights of the user, before anybody has used the skill and "
        "outside of any sandbox that the skill runs in. Hooks that run only for who builds or publishes the "
        "package weigh medium."
    ),
    remedy="Do the work when it is needed, or ship its result.",
)

_FOR_BUILDERS = frozenset(
    {"prepare", "preprepare", "postprepare", "prepack", "postpack", "prepublish", "prepublishOnly", "dependencies"}
)


def find(case: Case) -> Iterator[Issue]:
    """Yield every hook of every manifest."""
    for manifest in case.supply.manifests:
        for hook in manifest.hooks:
            severity = Severity.MEDIUM if hook.event in _FOR_BUILDERS else CHECK.severity
            message = f"{quoted(hook.event)} runs at the installation: {quoted(hook.command)}"
            yield at(CHECK, hook.place, message, severity)
