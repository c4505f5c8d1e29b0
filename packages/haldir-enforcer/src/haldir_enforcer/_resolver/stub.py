"""Answers from a table of pinned addresses: bytes in, bytes out."""

import ipaddress
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum

from haldir_enforcer._resolver.messages import (
    CLASS_IN,
    MAX_MESSAGE_BYTES,
    Code,
    MessageError,
    Query,
    Type,
    answer,
    format_error,
    parse_query,
)
from haldir_enforcer.events import Action, By, Class, Decision, Endpoint, Event

_PREFIX_BYTES = 2  # RFC 1035 4.2.2: over TCP a message follows its length


class Outcome(StrEnum):
    """What became of a question."""

    ANSWERED = "answered"
    EMPTY = "empty"
    """The name is pinned, but has no record of that type."""
    UNKNOWN = "unknown"
    """The name is not in the table: it does not exist."""
    REFUSED = "refused"
    """Not a question that a stub answers: another class, another operation."""


Asked = Callable[[Query, Outcome], None]


def pin(addresses: Iterable[str]) -> tuple[bytes, ...]:
    """Return IP addresses as the table holds them.

    Raises: ValueError if one is no IP address.
    """
    return tuple(ipaddress.ip_address(address).packed for address in addresses)


class Stub:
    """Answers single messages."""

    def __init__(self, pinned: Mapping[str, Sequence[bytes]], *, asked: Asked) -> None:
        """``pinned`` maps names (lower case, no final dot) to `pin`; ``asked`` hears of each question first."""
        self._pinned = pinned
        self._asked = asked

    def answer(self, message: bytes) -> bytes | None:
        """Return the answer to ``message``; ``None`` if it is nothing that has one.

        Raises: whatever ``asked`` raises; there is no answer then.
        """
        try:
            query = parse_query(message)
        except MessageError as error:
            return None if error.ident is None else format_error(error.ident)
        outcome, code, addresses = self._decide(query)
        self._asked(query, outcome)
        return answer(query, code, addresses)

    def _decide(self, query: Query) -> tuple[Outcome, Code, Sequence[bytes]]:
        if query.opcode != 0:
            return Outcome.REFUSED, Code.NOT_IMPLEMENTED, ()
        if query.edns:
            return Outcome.REFUSED, Code.BAD_VERSION, ()
        if query.klass != CLASS_IN:
            return Outcome.REFUSED, Code.REFUSED, ()
        addresses = self._pinned.get(query.name)
        if addresses is None:
            return Outcome.UNKNOWN, Code.NAME_ERROR, ()
        size = {Type.A: 4, Type.AAAA: 16}.get(query.kind)  # type: ignore[call-overload] # as in messages.answer
        has_some = any(len(address) == size for address in addresses)
        return Outcome.ANSWERED if has_some else Outcome.EMPTY, Code.NO_ERROR, addresses


def dns_event(query: Query, outcome: Outcome, *, pid: int = 0) -> Event:
    """Return what a recorder is told about ``query``."""
    known = outcome in {Outcome.ANSWERED, Outcome.EMPTY}
    kind = next((kind.name for kind in Type if kind == query.kind), f"type {query.kind}")
    return Event(
        action=Action.NET_DNS,
        decision=Decision.ALLOW if known else Decision.DENY,
        by=By.SUPERVISOR,
        kind=Class.DECLARED if known else Class.VIOLATION,
        pid=pid,
        endpoint=Endpoint(query.name, None, None, "dns"),
        detail=f"{kind} {outcome}",
    )


class TcpSession:
    """The protocol of one TCP connection to the stub: what was received goes in, what is to be sent comes out."""

    def __init__(self, stub: Stub, *, max_questions: int = 1000) -> None:
        """After ``max_questions`` the session is over, so that a client cannot fill the records."""
        self._stub = stub
        self._left = max_questions
        self._buffer = bytearray()
        self.is_over = False
        """Nothing more is answered: the connection is to be closed when everything is sent."""

    def feed(self, data: bytes) -> bytes:
        """Return the answers to the questions that ``data`` completes."""
        if self.is_over:
            return b""
        self._buffer += data
        out = bytearray()
        while not self.is_over and (message := self._message()) is not None:
            reply = self._stub.answer(message)
            self._left -= 1
            self.is_over = reply is None or self._left <= 0
            if reply is not None:
                out += len(reply).to_bytes(_PREFIX_BYTES, "big") + reply
        return bytes(out)

    def _message(self) -> bytes | None:
        if len(self._buffer) < _PREFIX_BYTES:
            return None
        size = int.from_bytes(self._buffer[:_PREFIX_BYTES], "big")
        if size > MAX_MESSAGE_BYTES:
            self.is_over = True
            return None
        if len(self._buffer) < _PREFIX_BYTES + size:
            return None
        message = bytes(self._buffer[_PREFIX_BYTES : _PREFIX_BYTES + size])
        del self._buffer[: _PREFIX_BYTES + size]
        return message
