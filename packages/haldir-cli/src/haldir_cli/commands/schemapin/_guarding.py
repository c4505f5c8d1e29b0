"""What the commands about guarded servers share: where tools are kept, how verdicts are told, who is asked."""

import contextlib
import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

import typer

from haldir_cli.home import state_folder
from haldir_cli.show import json_line, say

if TYPE_CHECKING:
    from haldir_core.canonical import JsonObject
    from haldir_core.schemapin.tooldiff import MemberChange
    from haldir_core.schemapin.toolguard import ToolVerdict
    from haldir_sdk.schemapin.tooljudge import Ask

TOOL_STORE = "schemapin-tools.db"
MAX_NOTES = 100
"""Lines about what was refused that are said in one session; a report gets all of them."""

MAX_REMEMBERED = 20_000
"""Tools whose last verdict is remembered, so that it is said once."""

_SHOWN_CHANGES = 10
_TERMINAL = "/dev/tty"

ToolStore = Annotated[
    Path | None, typer.Option("--tools-db", metavar="FILE", help="Use this store of tools instead of your own.")
]


class FirstUseName(StrEnum):
    """`haldir_core.schemapin.toolguard.FirstUse` by name; importing it here would slow every start."""

    PIN = "pin"
    BLOCK = "block"


class UnsignedName(StrEnum):
    """The same of `Unsigned`."""

    PIN = "pin"
    BLOCK = "block"


class ChangedName(StrEnum):
    """The same of `Changed`."""

    BLOCK = "block"
    ASK = "ask"
    ALLOW = "allow"


def tool_store_path(named: Path | None) -> Path:
    """Return the path of the store of tools: the one that was named, or the user's own."""
    return named or state_folder() / TOOL_STORE


def change_lines(changes: "Sequence[MemberChange]") -> Iterator[str]:
    """Yield how a tool has changed, in lines for people."""
    for change in changes[:_SHOWN_CHANGES]:
        yield from (f"    {line}" for line in change.lines())
    if len(changes) > _SHOWN_CHANGES:
        yield f"    and {len(changes) - _SHOWN_CHANGES} more"


def approving(server: str, tool: str) -> str:
    """Return the command that approves a tool, safe to be copied whatever the server calls it."""
    end = ["--"] if server.startswith("-") or tool.startswith("-") else []
    return shlex.join(["haldir", "schemapin", "guarded", "approve", *end, server, tool])


class Told:
    """Tells what a guard does: in words on stderr, and as JSON lines in a report."""

    def __init__(self, server: str, report: Path | None) -> None:
        """Append to ``report``, which nobody else may read.

        Raises: UnreadableError if it cannot be written.
        """
        self._server = server
        self._report = None if report is None else _open_report(report)
        self._notes = 0
        self._last: dict[str | None, tuple[str, str | None]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._report is not None:
            os.close(self._report)

    def judged(self, verdicts: "Sequence[ToolVerdict]") -> None:
        """Tell the verdicts on one list; in words those alone that are news."""
        for verdict in verdicts:
            self._write({"event": "verdict", **verdict.to_json()})
            state = (verdict.reason.value, verdict.digest)
            if len(self._last) > MAX_REMEMBERED:
                self._last.clear()
            if self._last.get(verdict.name) != state:
                self._last[verdict.name] = state
                self._say(verdict)

    def noted(self, note: str) -> None:
        """Tell what was refused, and why."""
        self._write({"event": "refused", "message": note})
        self._notes += 1
        if self._notes <= MAX_NOTES:
            say(f"haldir guard: {note}")
        elif self._notes == MAX_NOTES + 1:
            say("haldir guard: more is refused than is said here")

    def _say(self, verdict: "ToolVerdict") -> None:
        name = verdict.name or "(a tool without a name)"
        if not verdict.admitted:
            say(f"haldir guard: BLOCKED {name}: {verdict.message}", *change_lines(verdict.changes))
            if verdict.proposal is not None:
                say(f"    to look at it and let it in: {approving(self._server, name)}")
        elif verdict.changes:
            say(f"haldir guard: {name}: {verdict.reason.value}", *change_lines(verdict.changes))
        for warning in verdict.warnings:
            say(f"haldir guard: {name}: warning: {warning}")

    def _write(self, members: "JsonObject") -> None:
        if self._report is None:
            return
        from haldir_cli.clock import now
        from haldir_core.errors import UnreadableError

        line: JsonObject = {"time": now().isoformat(timespec="milliseconds"), "server": self._server, **members}
        data = json_line(line).encode("utf-8", "backslashreplace") + b"\n"
        try:
            while data:
                data = data[os.write(self._report, data) :]
        except OSError as error:
            raise UnreadableError(f"the report cannot be written any longer: {error.strerror}") from error


def person() -> "Ask":
    """Return what asks on the terminal of this process; where there is none, the answer is no."""
    from haldir_sdk.schemapin._lines import LineReader, LineTooLongError

    async def ask(verdict: "ToolVerdict") -> bool:
        with _terminal() as terminal:
            if terminal is None:
                return False
            say(f"haldir guard: the tool {verdict.name} has CHANGED:", *change_lines(verdict.changes))
            say("Use it from now on? yes / no (Enter means no):")
            try:
                line = await LineReader(terminal, 1000).line()
            except LineTooLongError:
                return False
            return (line or b"").strip().lower() == b"yes"

    return ask


@contextlib.contextmanager
def _terminal() -> Iterator[int | None]:
    """Give the terminal, if this process may read from it."""
    try:
        fd = os.open(_TERMINAL, os.O_RDWR | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError:
        yield None
        return
    try:
        yield fd if _may_ask(fd) else None
    finally:
        os.close(fd)


def _may_ask(terminal: int) -> bool:
    """Whether somebody would see a question; a process in the background is stopped where it reads."""
    try:
        return sys.stderr is not None and sys.stderr.isatty() and os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False


def _open_report(path: Path) -> int:
    from haldir_cli.files import refuse_special
    from haldir_core.errors import UnreadableError

    refuse_special(path)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
    try:
        fd = os.open(path, flags, 0o600)
    except OSError as error:
        raise UnreadableError(f"the report {path} cannot be written: {error.strerror}") from error
    os.fchmod(fd, 0o600)  # one that was there already may have been for others too
    return fd
