"""What differs between a run and the same run at another date and in another environment."""

import re
from collections.abc import Iterator, Sequence

from haldir_core import Finding
from haldir_enforcer.events import Class
from haldir_sandbox.behaviour import Behaviour, Deed, What
from haldir_sandbox.rules import Rules

MAX_DIFFERENCES = 20
_VARYING = re.compile(r"\d{2,}|[0-9a-f]{8,}|(?<=tmp)\w{6,}", re.IGNORECASE)
_COMPARED = frozenset(What) - {What.BROKEN, What.LIMIT}


def differences(name: str, usual: Sequence[Behaviour], other: Sequence[Behaviour]) -> Iterator[Finding]:
    """Yield what only one of the two sides did.

    ``usual`` and ``other`` hold the behaviours of several runs of each side: what varies between runs of one side
    anyway is no condition.  Numbers in names are left out, so that a file of the day is the same file.
    """
    if not usual or not other:
        return
    mine, theirs = _common_and_all(usual), _common_and_all(other)
    only = [
        *(deed for key, deed in theirs[0].items() if key not in mine[1]),
        *(deed for key, deed in mine[0].items() if key not in theirs[1]),
    ]
    strong = [deed for deed in only if deed.kind is Class.VIOLATION or deed.decoy is not None]
    weak = [deed for deed in only if deed.kind is Class.DECLARED and deed.decoy is None and deed not in strong]
    for deed in strong[:MAX_DIFFERENCES]:
        yield Rules.CONDITIONAL.finding(f"{deed.what.value} {deed.target}", context=name)
    if weak:
        told = ", ".join(f"{deed.what.value} {deed.target}" for deed in weak[:MAX_DIFFERENCES])
        yield Rules.CONDITIONAL_WEAK.finding(told, context=name)


def changed_tools(name: str, usual: Sequence[str], other: Sequence[str]) -> Iterator[Finding]:
    """Yield a finding if a server describes its tools otherwise after they were used, or in the other world."""
    if len(set(usual)) > 1 or len(set(other)) > 1:
        yield Rules.TOOLS_CHANGED.finding("while it runs", context=name)
    elif usual and other and set(usual) != set(other):
        yield Rules.TOOLS_CHANGED.finding("at another date or in another environment", context=name)


def _common_and_all(runs: Sequence[Behaviour]) -> tuple[dict[object, Deed], dict[object, Deed]]:
    """Return what every one of ``runs`` did, and what any of them did."""
    keyed = [{_key(deed): deed for deed in run.deeds if deed.what in _COMPARED} for run in runs]
    everything = {key: deed for run in keyed for key, deed in run.items()}
    return {key: deed for key, deed in everything.items() if all(key in run for run in keyed)}, everything


def _key(deed: Deed) -> object:
    return (deed.what, _VARYING.sub("#", deed.target), deed.denied)
