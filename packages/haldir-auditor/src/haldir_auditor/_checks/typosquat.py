"""Names that look like well-known ones."""

from collections.abc import Iterator

from haldir_auditor._case import Case
from haldir_auditor._checks._asked import directly
from haldir_auditor._checks._found import about, at
from haldir_auditor._names import LISTED, names_of
from haldir_auditor._words import quoted
from haldir_auditor.issues import Check, Issue, Severity
from haldir_auditor.supply import Origin

MAX_NAMES = 5_000
"""Comparing a name takes 0.1 ms; who asks for more than this hides something."""

CHECK = Check(
    id="typosquat",
    category="names",
    severity=Severity.MEDIUM,
    title="Name that looks like a well-known one",
    explanation=(
        "The name is one edit away from a well-known one (a letter swapped, missing, doubled, added, replaced by "
        "one that looks alike or lies beside it), or the same but for separators, case or scope. Attackers "
        "register such names. Names in our lists are never reported, short ones only for few edits, and names that "
        "are only deep in a lock file not at all. Of 28,000 much-used packages that are in no list, one in 200 is "
        "reported."
    ),
    remedy="Look at whether the well-known package is meant. If the name is right, ignore this with a reason.",
)


def find(case: Case) -> Iterator[Issue]:
    """Yield every name that the skill itself asks for and that can be taken for another."""
    items = list(directly(case))
    if len(items) > MAX_NAMES:
        yield at(CHECK, items[0].place, f"{len(items)} names are asked for; only the first {MAX_NAMES} were compared")
    for item in items[:MAX_NAMES]:
        if item.ecosystem not in LISTED or item.origin is not Origin.INDEX:
            continue
        if not item.name.isascii():
            spelled = item.name.encode("unicode_escape").decode("ascii")[:120]
            yield about(CHECK, item, f"{spelled} has letters that no name in the index has")
            continue
        like = names_of(item.ecosystem).likeness(item.name)
        if like is not None:
            message = f"{quoted(item.name)} {like.difference}: is {quoted(like.name)} meant?"
            yield about(CHECK, item, message)
