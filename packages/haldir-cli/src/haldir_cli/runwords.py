"""Confined runs in words for people."""

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import asdict

from haldir_cli.exits import RunExit
from haldir_enforcer import Event, Outcome
from haldir_enforcer.confinement import Ending, Standing

MOST_SHOWN = 10
MOST_CHARACTERS = 200
"""Of the arguments of a program."""


def in_words(outcome: Outcome) -> Iterator[str]:
    """What a person should know of a run that did not go well; nothing of one that did."""
    for event in outcome.violations[:MOST_SHOWN]:
        yield f"violation: {describe(event)}"
    if outcome.violation_count > MOST_SHOWN:
        yield f"... and {outcome.violation_count - MOST_SHOWN} more"
    ended = outcome.ended
    if ended.ending is Ending.VIOLATION:
        yield "haldir: the program was killed, because it went beyond its permissions"
    elif ended.ending is Ending.LIMIT:
        yield f"haldir: the program was killed: {ended.detail or 'a limit was reached'}"
    elif ended.ending is Ending.FAILED:
        yield f"haldir: the program was killed, because it could not be held any longer: {ended.detail}"
    for failed in outcome.failed_alerts:
        yield f"haldir: an alert could not be told: {failed}"


def describe(event: Event) -> str:
    """One event on one line."""
    subject = event.path or event.via or _endpoint(event) or event.detail or ""
    times = f", {event.count} times" if event.count > 1 else ""
    return f"{event.action.value} {subject}{_arguments(event)}: {event.decision.value}{times}"


def _arguments(event: Event) -> str:
    """The arguments in brackets; what is not shown of them is marked."""
    if not event.argv:
        return ""
    text = " ".join(event.argv)
    more = 0 if event.left_out is None else event.left_out.arguments
    longer = len(text) > MOST_CHARACTERS or event.left_out is not None
    return f" ({text[:MOST_CHARACTERS]}{'...' if longer else ''}{f' and {more} more arguments' if more else ''})"


def refusal(message: str, standing: Standing | None = None) -> Mapping[str, Any]:
    """The report of a run that was refused; ``standing`` is what is reached here, if that is known."""
    return {
        "exit_code": int(RunExit.REFUSED),
        "ending": "refused",
        "detail": message,
        "level": None if standing is None else standing.level.value,
        "enforced": {} if standing is None else {name: by.value for name, by in asdict(standing.enforced).items()},
        "missing": [] if standing is None else list(standing.missing),
        "violations": [],
        "violation_count": 0,
    }


def _endpoint(event: Event) -> str | None:
    if event.endpoint is None:
        return None
    host = event.endpoint.host or event.endpoint.ip or "?"
    return f"{host}:{event.endpoint.port}" if event.endpoint.port is not None else host
