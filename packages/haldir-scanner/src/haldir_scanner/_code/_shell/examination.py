"""What one shell script does, found without running it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from haldir_scanner._code._shell.machine import DISGUISED, GIT_RUNS_CODE, Machine
from haldir_scanner._code._shell.parser import parse
from haldir_scanner._code._shell.places import places
from haldir_scanner._code._shell.run import run
from haldir_scanner._code._shell.syntax import Budget, Pipeline, TooMuchWorkError
from haldir_scanner._code._shell.value import NOTHING, Value
from haldir_scanner._files._views import View
from haldir_scanner._text import Flow, Folded, Seen

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES = 1024 * 1024
# A token costs about two microseconds to read, a command about ten to run.
_READING = 100_000
_RUNNING = 30_000
_LIMIT = "shell_limit"
_PLACE_RULES = frozenset({DISGUISED, GIT_RUNS_CODE})
_PARAMETERS = [Value(f"${number}", is_known=False) for number in range(1, 10)]


def examine(source: bytes) -> Iterator[Seen | Flow | Folded]:
    """The rules that a script breaks, and the texts and commands that it computes."""
    if len(source) > MAX_BYTES:
        yield Seen(_LIMIT)
        return
    # Each byte is a character: what is not ASCII means nothing to the shell.
    script = parse(source.decode("latin-1"), Budget(_READING))
    machine = Machine(Budget(_RUNNING), run)
    is_whole = _run(machine, script.body) and script.is_whole
    yield from _findings(machine, View(source))
    if not is_whole:
        yield Seen(_LIMIT)


def _run(machine: Machine, body: list[Pipeline]) -> bool:
    """Whether the work could be done: the script is run, and then the functions that it does not call."""
    try:
        run(machine, body, NOTHING)
        machine.arguments = list(_PARAMETERS)
        for name in machine.functions.keys() - machine.called:
            machine.depth = 0
            run(machine, machine.functions[name].body, NOTHING)
    except TooMuchWorkError:
        return False
    return True


def _findings(machine: Machine, view: View) -> Iterator[Seen | Flow | Folded]:
    offsets = [place for (_, sink), begin in machine.flows.items() for place in (begin, sink)]
    offsets += [computed.place for computed in machine.computed.values()]
    place_of = places(view, offsets)
    for (rule, sink), begin in machine.flows.items():
        if rule in _PLACE_RULES:
            yield Seen(rule, place_of[sink])
        else:
            yield Flow(rule, tuple(place_of[place] for place in dict.fromkeys((begin, sink))))
    for computed in machine.computed.values():
        text = computed.text.encode("latin-1", "replace").decode("utf-8", "replace")
        yield Folded(text, place_of[computed.place], computed.types, computed.chain)
