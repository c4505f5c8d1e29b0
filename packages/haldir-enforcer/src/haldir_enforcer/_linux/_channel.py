"""Frames between the supervisor and the process that started it: values of marshal after their length."""

import marshal
import os
import select
import struct
from collections.abc import Iterator
from typing import Any

from haldir_enforcer.events import Action, By, Class, Decision, Endpoint, Event, LeftOut

_LENGTH = struct.Struct("I")
_MOST_BUFFERED = 8_000_000
"""Bytes that wait for a slow receiver; then the supervisor waits, and with it the confined processes."""


_BATCH = 128
"""Events that are sent together: the receiver is at work on some while others are made."""


class Sender:
    """The writing end: events are kept together and sent in one go."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        os.set_blocking(descriptor, False)
        self._waiting = bytearray()
        self._events: list[tuple[Any, ...]] = []

    @property
    def idle(self) -> bool:
        """Whether there is nothing left to send."""
        return not self._events and not self._waiting

    def event(self, event: Event) -> None:
        """The event is sent with the next flush, which is due when there are many."""
        self.add(_to_wire(event))

    def add(self, wire: tuple[Any, ...]) -> None:
        """The same for an event that has the form of ``_to_wire`` already."""
        self._events.append(wire)
        if len(self._events) >= _BATCH:
            self.flush()

    def message(self, kind: str, *values: str | int | None) -> None:
        """The message is sent after all events before it."""
        self._pack_events()
        self._pack((kind, *values))
        self.flush()

    def flush(self) -> None:
        """Send what the receiver takes now; the rest goes later, or at once if it is too much to keep.

        Raises: OSError if there is no receiver any more.
        """
        self._pack_events()
        while self._waiting:
            try:
                sent = os.write(self.descriptor, memoryview(self._waiting)[:65_536].tobytes())
            except BlockingIOError:
                if len(self._waiting) < _MOST_BUFFERED:
                    return
                select.select([], [self.descriptor], [])
                continue
            del self._waiting[:sent]

    def finish(self) -> None:
        """Send everything, however long the receiver takes.

        Raises: OSError if there is no receiver any more.
        """
        os.set_blocking(self.descriptor, True)
        self.flush()

    def _pack_events(self) -> None:
        if self._events:
            self._pack(("events", self._events))
            self._events = []

    def _pack(self, value: tuple[Any, ...]) -> None:
        data = marshal.dumps(value)
        self._waiting += _LENGTH.pack(len(data)) + data


class Receiver:
    """The reading end."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._data = bytearray()

    def messages(self) -> Iterator[tuple[Any, ...]]:
        """Yield every message until the sender is gone; events come as ``("event", Event)``."""
        while True:
            try:
                data = os.read(self._descriptor, 262_144)
            except ConnectionResetError:
                return
            if not data:
                return
            self._data += data
            yield from self._complete()

    def _complete(self) -> Iterator[tuple[Any, ...]]:
        while len(self._data) >= 4:
            (size,) = _LENGTH.unpack_from(self._data)
            if len(self._data) < 4 + size:
                return
            kind, *values = marshal.loads(memoryview(self._data)[4 : 4 + size].tobytes())  # noqa: S302 - ours only
            del self._data[: 4 + size]
            if kind == "events":
                for wire in values[0]:
                    yield "event", _from_wire(wire)
            else:
                yield kind, *values


def _to_wire(event: Event) -> tuple[Any, ...]:
    endpoint = event.endpoint
    return (
        str(event.action),
        str(event.decision),
        str(event.by),
        str(event.kind),
        event.pid,
        event.ppid,
        event.exe,
        event.path,
        event.via,
        event.flags,
        event.argv,
        None if event.left_out is None else (event.left_out.arguments, event.left_out.characters),
        None if endpoint is None else (endpoint.host, endpoint.ip, endpoint.port, endpoint.proto),
        event.rule,
        event.errno,
        event.detail,
        event.count,
    )


_ACTIONS, _DECISIONS = {str(member): member for member in Action}, {str(member): member for member in Decision}
_BYS, _KINDS = {str(member): member for member in By}, {str(member): member for member in Class}


def _from_wire(wire: tuple[Any, ...]) -> Event:
    action, decision, by, kind, pid, ppid, exe, path, via, flags, argv, left_out, *rest = wire
    endpoint, rule, number, detail, count = rest
    return Event(
        action=_ACTIONS[action],
        decision=_DECISIONS[decision],
        by=_BYS[by],
        kind=_KINDS[kind],
        pid=pid,
        ppid=ppid,
        exe=exe,
        path=path,
        via=via,
        flags=flags,
        argv=argv,
        left_out=None if left_out is None else LeftOut(*left_out),
        endpoint=None if endpoint is None else Endpoint(*endpoint),
        rule=rule,
        errno=number,
        detail=detail,
        count=count,
    )
