"""Words of a skill in the words of a report: short, on one line, and marked as not ours."""

from collections.abc import Sequence

from haldir_auditor.supply import Dependency, Locked

MAX_NAME = 120
MAX_SENTENCE = 600
SHOWN_NAMES = 8


def quoted(text: str) -> str:
    """A name or an address of a skill, cut, with everything that is no printable character escaped."""
    return _shown(text, MAX_NAME)


def sentence(text: str) -> str:
    """What somebody else says, cut and escaped in the same way."""
    return _shown(text, MAX_SENTENCE)


def _shown(text: str, limit: int) -> str:
    shown = "".join(
        char if char.isprintable() else char.encode("unicode_escape", "backslashreplace").decode("ascii")
        for char in text[:limit]
    )
    return f"{shown}..." if len(text) > limit else shown


def named(item: Dependency | Locked) -> str:
    """A package with what is asked for of it."""
    if isinstance(item, Locked):
        return quoted(f"{item.name} {item.version}".strip())
    wanted = item.range or item.version or ""
    gap = "" if wanted[:1] in tuple("=<>!~") or not wanted else " "
    return quoted(f"{item.name}{gap}{wanted}")


def listed(names: Sequence[str]) -> str:
    """Some names, and how many more there are."""
    shown = ", ".join(map(quoted, names[:SHOWN_NAMES]))
    return f"{shown} and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else shown


def plural(count: int, noun: str) -> str:
    """A number of things."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
