"""The verdicts on one list of tools: each tool for itself, and what only the list shows: doubles, look-alikes."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import attrs
from attrs import field, frozen

from haldir_core.canonical import JsonValue
from haldir_core.errors import MalformedError
from haldir_core.schemapin.lookalikes import lookalike_index, lookalikes_of
from haldir_core.schemapin.tooldiff import shown
from haldir_core.schemapin.toolguard import (
    UNSIGNED,
    GuardPolicy,
    OfferedTool,
    Reason,
    SignatureCheck,
    ToolPin,
    ToolVerdict,
    judge_tool,
)

MAX_PINS = 10_000
"""Tools of one server that are pinned, or proposed to a person."""


@frozen(kw_only=True)
class Known:
    """What is known when a list is judged.

    Attributes:
        pins: by the name of the tool.
        pinned: how many tools of the server are pinned, beside those in ``pins`` too.
        admitted: names that the client has been shown.
        taken: names on other pages of the same list.
    """

    pins: Mapping[str, ToolPin]
    pinned: int = 0
    admitted: Iterable[str] = ()
    taken: frozenset[str] = frozenset()
    checks: Mapping[str, SignatureCheck] = field(factory=dict)


def read_entries(entries: Sequence[JsonValue]) -> tuple[OfferedTool | ToolVerdict, ...]:
    """Return the tools of a list, and verdicts for the entries that are none."""
    return tuple(map(_entry, entries))


def offered(entries: Iterable[OfferedTool | ToolVerdict]) -> tuple[OfferedTool, ...]:
    """Return the entries that are tools."""
    return tuple(entry for entry in entries if isinstance(entry, OfferedTool))


def judge_list(
    entries: Sequence[OfferedTool | ToolVerdict], known: Known, policy: GuardPolicy
) -> tuple[ToolVerdict, ...]:
    """Return a verdict for each entry, in their order."""
    counts = Counter(entry.name for entry in entries)
    looks = lookalike_index({*known.admitted, *known.pins, *(entry.name for entry in offered(entries))})
    room = MAX_PINS - known.pinned
    verdicts: list[ToolVerdict] = []
    for entry in entries:
        if isinstance(entry, ToolVerdict):
            verdicts.append(entry)
            continue
        if counts[entry.name] > 1 or entry.name in known.taken:
            verdict = _double(entry)
        else:
            check = known.checks.get(entry.name, UNSIGNED)
            verdict = judge_tool(entry, known.pins.get(entry.name), check, policy)
        if verdict.pin is not None and entry.name not in known.pins:
            room -= 1
            verdict = verdict if room >= 0 else _too_many(entry)
        others = lookalikes_of(entry.name, looks)
        verdicts.append(attrs.evolve(verdict, warnings=(*verdict.warnings, *_warned(others))) if others else verdict)
    return tuple(verdicts)


def _entry(value: JsonValue) -> OfferedTool | ToolVerdict:
    try:
        return OfferedTool.from_json(value)
    except MalformedError as error:
        # A tool that is no tool as a whole can still be called by its name, if it has one.
        name = value.get("name") if isinstance(value, Mapping) else None
        known = name if isinstance(name, str) else None
        return ToolVerdict(name=known, reason=Reason.MALFORMED, message=f"it cannot be read: {error}")


def _double(tool: OfferedTool) -> ToolVerdict:
    message = "the server has two tools of this name"
    return ToolVerdict(name=tool.name, reason=Reason.DUPLICATE, message=message, digest=tool.digest)


def _too_many(tool: OfferedTool) -> ToolVerdict:
    message = f"{MAX_PINS} tools of this server are pinned already"
    return ToolVerdict(name=tool.name, reason=Reason.TOO_MANY, message=message, digest=tool.digest)


def _warned(others: Sequence[str]) -> tuple[str, ...]:
    names = ", ".join(repr(shown(name)) for name in others[:5])
    return (f"its name looks like that of another tool: {names}",)
