"""The events of a run, as the supervisor notes them: who did it, what it was, folded where it repeats."""

# Paths are texts here, as the kernel gives them: a Path would rewrite them.
# ruff: noqa: PTH115, PTH123

import os
import re
from typing import Any

from attrs import define, field, frozen

from haldir_enforcer._linux._channel import Sender
from haldir_enforcer._linux._notification import Request
from haldir_enforcer.events import Action, By, Class, Decision, Event

_MOST_FOLDED = 4096
_STATUS = re.compile(rb"^(Umask|Tgid|PPid|NStgid):(.*)$", re.MULTILINE)


@frozen(eq=False)
class Caller:
    """The process of a thread: as the trace names it."""

    process: int
    parent: int
    exe: str | None
    inner: int
    """Its number as it sees it itself."""
    umask: int


@define(eq=False)
class Deed:
    """What was asked and what became of it; not changed once it is made."""

    action: Action
    allowed: bool
    kind: Class
    by: By = By.SUPERVISOR
    path: str | None = None
    via: str | None = None
    rule: str | None = None
    errno: int | None = None
    flags: tuple[str, ...] = ()
    detail: str | None = None
    more: Any = field(default=None)
    """argv or endpoint, by the name of the event's member."""
    left_out: tuple[int, tuple[tuple[int, int], ...]] | None = None
    """What argv lacks, as `LeftOut` has it."""


class Report:
    """Notes deeds for the log.  ``violations`` counts those that were no one's right."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._callers: dict[int, Caller] = {}
        self._folded: dict[tuple[Any, ...], int] = {}
        self._repeated: dict[tuple[int, Deed], list[Any]] = {}
        self.violations = 0
        self.first_violation: str | None = None

    def caller(self, thread: int) -> Caller:
        """Return the process of a thread; what cannot be read any more is 0."""
        known = self._callers.get(thread)
        if known is None:
            if len(self._callers) > 1024:
                self._callers.clear()
            known = self._callers[thread] = _read_caller(thread)
        return known

    def forget(self) -> None:
        """What is known of the callers may be true no longer: a new program, a new umask."""
        self._callers.clear()

    def note(self, request: Request, deed: Deed) -> None:
        """The deed of a caller is in the log; the same deed again is only counted until ``unfold``."""
        if deed.kind is Class.VIOLATION:
            self._count(f"{deed.action.value} {deed.path or deed.detail or deed.more or ''}".strip())
        wire = _wire(deed, self._callers.get(request.thread) or self.caller(request.thread))
        if wire in self._folded:
            self._folded[wire] += 1
            return
        if len(self._folded) >= _MOST_FOLDED:
            self.unfold()
        self._folded[wire] = 0
        self._sender.add(wire)

    def note_again(self, request: Request, deed: Deed) -> None:
        """The very same record of a deed is in the log, for whichever thread."""
        folded = self._repeated.get((request.thread, deed))
        if folded is not None:
            folded[0] += 1
            return
        wire = _wire(deed, self.caller(request.thread))
        self._repeated[request.thread, deed] = [0, wire]
        self._sender.add(wire)

    def limit(self, action: Action, detail: str, process: int) -> None:
        """A limit was passed."""
        self.event(
            Event(
                action=action,
                decision=Decision.DENY,
                by=By.SUPERVISOR,
                kind=Class.VIOLATION,
                pid=process,
                detail=detail,
            )
        )

    def event(self, event: Event) -> None:
        """The event is in the log as it is."""
        if event.kind is Class.VIOLATION:
            self._count(f"{event.action} {event.detail}")
        self._sender.event(event)

    def _count(self, what: str) -> None:
        self.violations += 1
        self.first_violation = self.first_violation or what

    def unfold(self) -> None:
        """What was only counted since the last time is in the log."""
        for wire, count in self._folded.items():
            if count:
                self._sender.add((*wire[:-1], count))
        for count, wire in self._repeated.values():
            if count:
                self._sender.add((*wire[:-1], count))
        self._folded.clear()
        self._repeated.clear()


def _wire(deed: Deed, caller: Caller) -> tuple[Any, ...]:
    """Return the event of one deed as it is sent; the last value is how often it was done."""
    more = deed.more
    argv = more if isinstance(more, tuple) else ()
    endpoint = None if argv or not more else (more.host, more.ip, more.port, more.proto)
    return (
        str(deed.action),
        "allow" if deed.allowed else "deny",
        str(deed.by),
        str(deed.kind),
        caller.process,
        caller.parent,
        caller.exe,
        deed.path,
        deed.via,
        deed.flags,
        argv,
        deed.left_out,
        endpoint,
        deed.rule,
        deed.errno,
        deed.detail,
        1,
    )


def _read_caller(thread: int) -> Caller:
    try:
        with open(f"/proc/{thread}/status", "rb") as file:
            status: dict[bytes, bytes] = dict(_STATUS.findall(file.read()))
        exe = os.readlink(f"/proc/{thread}/exe")
    except OSError:
        return Caller(thread, 0, None, thread, 0o077)
    inner = status.get(b"NStgid", status[b"Tgid"]).split()[-1]
    return Caller(int(status[b"Tgid"]), int(status[b"PPid"]), exe, int(inner), int(status[b"Umask"], 8))
