"""What the supervisor reports, kept for the comparison and written down as a trace."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from attrs import asdict, define, evolve, field

from haldir_enforcer.events import Action, Class, Endpoint, Event, LeftOut

MAX_KEPT = 20_000
"""Different events of one run, and as many violations; the others are counted."""
MAX_TRACE_BYTES = 64_000_000
"""Bytes of a whole trace file but for its last two lines, so that a flood of events cannot fill the disk."""
MAX_TEXT_CHARACTERS = 4096


@define
class EventLog:
    """The events of one run, each different one once; safe to be called from any thread."""

    label: str
    trace: "Trace"
    stand_in: str | None = None
    """The address that every undeclared name leads to: a connection there was meant for the name asked last."""
    left_out: int = 0
    _events: dict[Event, int] = field(init=False, factory=dict)
    _violations: int = field(init=False, default=0)
    _names: dict[int, str] = field(init=False, factory=dict)
    _latest: str | None = field(init=False, default=None)
    _lock: threading.Lock = field(init=False, factory=threading.Lock)

    def record(self, event: Event) -> None:
        """The event is kept.

        Raises: OSError if the trace cannot be written.
        """
        with self._lock:
            event = self._named(event)
            key = evolve(event, pid=0, ppid=0, count=1)
            if key in self._events or self._has_room(event):
                self._violations += key not in self._events and event.kind is Class.VIOLATION
                self._events[key] = self._events.get(key, 0) + event.count
            else:
                self.left_out += event.count
            self.trace.write(self.label, event)

    def _has_room(self, event: Event) -> bool:
        """Whether there is room for another event of its kind: no flood hides a violation."""
        if event.kind is Class.VIOLATION:
            return self._violations < MAX_KEPT
        return len(self._events) - self._violations < MAX_KEPT

    def _named(self, event: Event) -> Event:
        """Return the event; the peer of a connection to the stand-in has the name that its process asked for last."""
        peer = event.endpoint
        if peer is None:
            return event
        if event.action is Action.NET_DNS and peer.host is not None:
            self._latest = peer.host
            if len(self._names) < MAX_KEPT:
                self._names[event.pid] = peer.host
        elif event.action is Action.NET_CONNECT and peer.ip == self.stand_in and peer.host is None:
            return evolve(event, endpoint=evolve(peer, host=self._names.get(event.pid, self._latest)))
        return event

    def events(self) -> Iterator[Event]:
        """Yield the events in the order in which they first came."""
        with self._lock:
            kept = list(self._events.items())
        return (evolve(event, count=count) for event, count in kept)


@define
class Trace:
    """A file of JSON lines, or nothing; a context manager.

    An event that does not fit is left out, and all after it: the file then says where it was cut, and at its end how
    many there were.
    """

    path: Path | None
    most_bytes: int = MAX_TRACE_BYTES
    left_out: int = field(init=False, default=0)
    """How many lines did not fit."""
    _size: int = field(init=False, default=0)
    _file: IO[str] | None = field(init=False, default=None)
    _lock: threading.Lock = field(init=False, factory=threading.Lock)

    def __enter__(self) -> Self:
        if self.path is not None:
            self._file = self.path.open("x", encoding="utf-8", errors="backslashreplace")
            self.path.chmod(0o600)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, run: str, event: Event) -> None:
        """The event is a line of the file, if there is room.

        Raises: OSError if it cannot be written.
        """
        if self._file is None:
            return
        with self._lock:
            line = "" if self.left_out else _line({"run": run, **event_json(event)})
            if not line or self._size + len(line) > self.most_bytes:
                self._leave_out()
            else:
                self._size += len(line)
                self._file.write(line)

    def end(self, status: str, level: str) -> None:
        """The last line says what came of it all, and how much was left out.

        Raises: OSError if it cannot be written.
        """
        if self._file is not None:
            cut = {"cut": True, "left_out": self.left_out} if self.left_out else {}
            self._file.write(_line({"run": "end", "status": status, "level": level, **cut}))

    def _leave_out(self) -> None:
        if not self.left_out and self._file is not None:
            self._file.write(_line({"run": "trace", "cut": True, "most_bytes": self.most_bytes}))
        self.left_out += 1


def event_json(event: Event) -> dict[str, object]:
    """Return the members of an event that say something, long texts cut."""
    members = asdict(event, recurse=False, filter=lambda _, value: value not in (None, (), 0), value_serializer=_plain)
    return {name: value for name, value in members.items() if value != 1 or name != "count"}


def _line(members: dict[str, object]) -> str:
    """Return the members as ASCII, so that characters are bytes."""
    return json.dumps(members, ensure_ascii=True, separators=(",", ":")) + "\n"


def _plain(_: object, __: object, value: object) -> object:
    if isinstance(value, str):
        return str(value)[:MAX_TEXT_CHARACTERS]
    if isinstance(value, Endpoint | LeftOut):
        return asdict(value)
    return [str(item)[:MAX_TEXT_CHARACTERS] for item in value[:256]] if isinstance(value, tuple) else value
