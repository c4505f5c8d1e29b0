"""What the files hold that a command reads, and where that comes from what it writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from haldir_scanner._code._shell.machine import TO_AGENT_FILE
from haldir_scanner._code._shell.sensitive import keeps_notes, steers_an_agent, taint_of_file, taint_of_folder
from haldir_scanner._code._shell.value import CLONED, FETCHED, INPUT, Value

if TYPE_CHECKING:
    from haldir_scanner._code._shell.machine import Machine


def content(machine: Machine, path: Value, place: int) -> Value:
    """What is known about the content of the file ``path``."""
    text = path.text.strip("\"'")
    written = machine.file(text)
    if written is not None:
        return written
    if text.startswith("<("):
        return path.unknown()
    taint = taint_of_file(text)
    taints = dict(machine.origin_of_file(text).taints)
    return Value("", is_known=False, taints={**taints, taint: place} if taint else taints)


def folder(machine: Machine, path: Value, place: int) -> Value:
    """What is known about everything below ``path``."""
    taint = taint_of_folder(path.text)
    return Value("", is_known=False, taints={taint: place}) if taint else content(machine, path, place)


def store(machine: Machine, path: str, value: Value, place: int) -> None:
    """Take notice that ``value`` is written to ``path``.

    Arguments of the script belong into notes, and nowhere else where an agent or the system obeys them.
    """
    machine.write(path, value)
    if not steers_an_agent(path):
        return
    foreign = (FETCHED, CLONED) if keeps_notes(path) else (FETCHED, CLONED, INPUT)
    found = [value.taints[taint] for taint in foreign if taint in value.taints]
    if found:
        machine.flow(TO_AGENT_FILE, found[0], place)
