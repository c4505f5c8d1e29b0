"""Bytes between two sockets in both directions, with bounded memory and time."""

import select
import socket
from collections.abc import Callable
from contextlib import suppress

from attrs import define

BUFFER_BYTES = 64 * 1024
"""Bytes that are held for a receiver that is slower than its sender."""

Inspect = Callable[[bytes], bytes]
"""Takes what was received and returns what is sent on; it may hold bytes back, or raise to end the connection."""


@define(eq=False)
class _Flow:
    """One direction."""

    source: socket.socket
    sink: socket.socket
    inspect: Inspect
    left: int | None
    pending: bytearray
    ended: bool = False
    """The source sends nothing more."""
    closed: bool = False
    """And the sink knows."""

    @property
    def wants_input(self) -> bool:
        return not self.ended and self.left != 0 and len(self.pending) < BUFFER_BYTES

    def receive(self) -> None:
        data = self.source.recv(BUFFER_BYTES if self.left is None else min(self.left, BUFFER_BYTES))
        if not data:
            self.ended = True
            return
        if self.left is not None:
            self.left -= len(data)
        self.pending += self.inspect(data)

    def send(self) -> None:
        if self.pending:
            del self.pending[: self.sink.send(self.pending)]
        if self.ended and not self.pending and not self.closed:
            self.closed = True
            self.sink.shutdown(socket.SHUT_WR)


def relay(
    client: socket.socket,
    server: socket.socket,
    *,
    inspect: Inspect,
    more_bytes: int | None,
    idle_seconds: float,
) -> None:
    """Carry bytes until both sides have ended, or the server has and the client may send nothing more.

    ``inspect`` sees what the client sends, of which ``more_bytes`` are carried (``None``: all).

    Raises: OSError if a side is gone, TimeoutError if nothing moved for ``idle_seconds``.
    """
    client.setblocking(False)
    server.setblocking(False)
    up = _Flow(source=client, sink=server, inspect=inspect, left=more_bytes, pending=bytearray())
    down = _Flow(source=server, sink=client, inspect=bytes, left=None, pending=bytearray())
    while not (down.closed and (up.closed or up.left is not None)):
        readable, writable = _wait((up, down), idle_seconds)
        for flow in (up, down):
            with suppress(BlockingIOError):  # poll can be wrong about a socket
                if flow.source.fileno() in readable and flow.wants_input:
                    flow.receive()
                if flow.sink.fileno() in writable or flow.ended:
                    flow.send()


def _wait(flows: tuple[_Flow, _Flow], seconds: float) -> tuple[set[int], set[int]]:
    poll = select.poll()
    events: dict[int, int] = {}
    for flow in flows:
        if flow.wants_input:
            events[flow.source.fileno()] = events.get(flow.source.fileno(), 0) | select.POLLIN
        if flow.pending:
            events[flow.sink.fileno()] = events.get(flow.sink.fileno(), 0) | select.POLLOUT
    for descriptor, mask in events.items():
        poll.register(descriptor, mask)
    ready = poll.poll(seconds * 1000)
    if not ready:
        raise TimeoutError
    failed = select.POLLHUP | select.POLLERR | select.POLLNVAL
    readable = {descriptor for descriptor, mask in ready if mask & (select.POLLIN | failed)}
    writable = {descriptor for descriptor, mask in ready if mask & (select.POLLOUT | failed)}
    return readable, writable
