"""The runtime's side of the broker: a skill in its own process asks over an inherited socket, and the gate decides.

A request is ``{"nonce", "method", "target", "parameters"}``; its answer ``{"nonce", "ok": true, "result"}`` or
``{"nonce", "ok": false, "code", "message"}``.  Nonces are integers that grow, so that no request counts twice.  Every
request gets one answer, in order; what is no request gets one with the nonce ``null``, and the connection ends.

Quick start::

    ours, theirs = socket.socketpair()      # theirs is inherited by the skill, HALDIR_BROKER_FD names it
    broker = Broker(gate, {"remember": Method("memory_write", store.put)}, caller="weather")
    broker.start(ours)
"""

import socket
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from attrs import frozen

from haldir_enforcer._broker.client import DESCRIPTOR_VARIABLE, BrokerClient, BrokerError
from haldir_enforcer._broker.frames import MAX_FRAME_BYTES, FrameError, FrameReader, encode_frame
from haldir_enforcer.errors import EnforcerError
from haldir_enforcer.gate import Denied, Gate, Grant

if TYPE_CHECKING:
    import asyncio

__all__ = [
    "DESCRIPTOR_VARIABLE",
    "MAX_FRAME_BYTES",
    "Broker",
    "BrokerClient",
    "BrokerError",
    "BrokerLimits",
    "Method",
    "MethodError",
]

_MEMBERS = {"nonce", "method", "target", "parameters"}
_READ_BYTES = 65536

Answer = dict[str, Any]


class MethodError(Exception):
    """A method could not do what was asked; the message goes to the skill, other errors do not."""


@frozen
class Method:
    """What the runtime does for a skill with ``capability``: ``handle(target, parameters)`` returns a JSON value."""

    capability: str
    handle: Callable[[str | None, Any], Any]


@frozen(kw_only=True)
class BrokerLimits:
    """What one skill may ask: requests in all, and the time for a frame to arrive or an answer to be taken."""

    requests: int = 100_000
    frame_seconds: float = 10.0
    method_seconds: float = 60.0
    """Only in the asyncio form: a method that runs in a thread cannot be ended from outside."""


@frozen(kw_only=True)
class _Request:
    nonce: int
    method: str
    target: str | None
    parameters: Any


class Broker:
    """Answers one skill at a time over one connection."""

    def __init__(
        self, gate: Gate, methods: Mapping[str, Method], *, caller: str, limits: BrokerLimits | None = None
    ) -> None:
        """Let ``gate`` decide about each of ``methods``; ``caller`` names the skill in the records."""
        self._gate = gate
        self._methods = dict(methods)
        self._caller = caller
        self._limits = limits or BrokerLimits()
        self.failure: EnforcerError | None = None
        """Why the thread stopped answering, when that was no doing of the skill."""

    def start(self, connection: socket.socket) -> threading.Thread:
        """Return the thread that serves ``connection`` until the skill closes it; see `failure` when it has ended."""
        thread = threading.Thread(target=self._run, args=(connection,), name="haldir-broker", daemon=True)
        thread.start()
        return thread

    def _run(self, connection: socket.socket) -> None:
        try:
            self.serve(connection)
        except EnforcerError as error:  # an answer could not be recorded: it was not given, and none will be
            self.failure = error

    def serve(self, connection: socket.socket) -> None:
        """Answer until the skill closes ``connection``, breaks the protocol or stops reading; then close it.

        Raises: whatever the gate's recorder raises, for an answer that cannot be recorded.
        """
        session, frames, clock = _Session(self._limits), FrameReader(), _FrameClock(self._limits.frame_seconds)
        with connection:
            try:
                while data := _receive(connection, clock.left(frames)):
                    for message in frames.feed(data):
                        request = session.accept(message)
                        _send(connection, self._answer(request), self._limits.frame_seconds)
            except FrameError as error:
                self._broken(error)
                _say_goodbye(connection, error, self._limits.frame_seconds)
            except OSError:
                return  # the skill is gone, or takes no answers: there is nobody to tell

    async def serve_async(self, connection: socket.socket) -> None:
        """Answer as `serve`, inside of an asyncio loop; methods may be coroutine functions."""
        import asyncio  # noqa: PLC0415 - only who runs asyncio pays for it

        connection.setblocking(False)
        session, frames, clock = _Session(self._limits), FrameReader(), _FrameClock(self._limits.frame_seconds)
        stream, writer = await asyncio.open_connection(sock=connection)
        try:
            while data := await _read(stream, clock.left(frames)):
                for message in frames.feed(data):
                    answer = await self._answer_async(session.accept(message))
                    await _write(writer, answer, self._limits.frame_seconds)
        except FrameError as error:
            self._broken(error)
            with suppress(OSError):  # it did not wait for an answer
                await _write(writer, _failure(None, "invalid", str(error)), self._limits.frame_seconds)
        except OSError:
            return  # as in serve
        finally:
            await _close(writer, self._limits.frame_seconds)

    def _answer(self, request: _Request) -> Answer:
        method = self._permitted(request)
        if isinstance(method, dict):
            return method
        try:
            return _success(request, method.handle(request.target, request.parameters))
        except MethodError as error:
            return _failure(request.nonce, "failed", str(error))
        except Exception as error:  # noqa: BLE001 - the skill learns that it failed, not how the runtime looks inside
            return _failure(request.nonce, "failed", f"{request.method} failed: {type(error).__name__}")

    async def _answer_async(self, request: _Request) -> Answer:
        import asyncio  # noqa: PLC0415 - as above

        method = self._permitted(request)
        if isinstance(method, dict):
            return method
        try:
            async with asyncio.timeout(self._limits.method_seconds):
                value = method.handle(request.target, request.parameters)
                return _success(request, await value if isinstance(value, Awaitable) else value)
        except MethodError as error:
            return _failure(request.nonce, "failed", str(error))
        except TimeoutError:
            return _failure(request.nonce, "timeout", f"{request.method} took too long")
        except Exception as error:  # noqa: BLE001 - as above
            return _failure(request.nonce, "failed", f"{request.method} failed: {type(error).__name__}")

    def _permitted(self, request: _Request) -> Method | Answer:
        """Return the method that may run, or the answer that says no."""
        method = self._methods.get(request.method)
        capability = request.method if method is None else method.capability
        decision = self._check(capability if method is not None else f"method:{capability}", request.target)
        if isinstance(decision, Denied):
            return _failure(request.nonce, "denied", decision.reason)
        if method is None:  # the gate knows no capability of that name; this line is for a gate that would
            return _failure(request.nonce, "denied", "there is no such method")
        return method

    def _broken(self, error: FrameError) -> None:
        self._check("broker protocol", str(error))  # recorded as an unknown capability

    def _check(self, capability: str, target: str | None) -> Grant | Denied:
        try:
            return self._gate.check(capability, target=target, caller=self._caller)
        except OSError as error:  # other ones are those of the connection
            raise EnforcerError(f"broker: an answer cannot be recorded: {error}") from error


class _Session:
    """What one connection has asked so far."""

    def __init__(self, limits: BrokerLimits) -> None:
        self._nonce = 0
        self._left = limits.requests

    def accept(self, message: dict[str, Any]) -> _Request:
        """Return the request.

        Raises: FrameError if it is none, comes a second time, or is one too many.
        """
        nonce, method = message.get("nonce"), message.get("method")
        target, parameters = message.get("target"), message.get("parameters")
        if message.keys() - _MEMBERS or type(nonce) is not int or not isinstance(method, str):
            raise FrameError("no request: it has nonce (an integer), method, target and parameters")
        if target is not None and not isinstance(target, str):
            raise FrameError("no request: its target is no text")
        if nonce <= self._nonce:
            raise FrameError(f"nonce {nonce} was used already: each is larger than the one before")
        if self._left <= 0:
            raise FrameError("too many requests in one run")
        self._nonce = nonce
        self._left -= 1
        return _Request(nonce=nonce, method=method, target=target, parameters=parameters)


class _FrameClock:
    """A skill may wait before a frame as long as it likes, but a frame that began must end in time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end: float | None = None

    def left(self, reader: FrameReader) -> float | None:
        """Return the seconds that are left for the next bytes, ``None`` for all the time there is."""
        if not reader.is_inside:
            self._end = None
            return None
        if self._end is None:
            self._end = time.monotonic() + self._seconds
        return max(self._end - time.monotonic(), 0.001)


def _receive(connection: socket.socket, seconds: float | None) -> bytes:
    connection.settimeout(seconds)
    try:
        return connection.recv(_READ_BYTES)
    except TimeoutError:
        raise FrameError("a frame did not end in time") from None


def _send(connection: socket.socket, answer: Answer, seconds: float) -> None:
    connection.settimeout(seconds)
    connection.sendall(_encoded(answer))


def _say_goodbye(connection: socket.socket, error: FrameError, seconds: float) -> None:
    with suppress(OSError):  # it did not wait for an answer
        _send(connection, _failure(None, "invalid", str(error)), seconds)


async def _read(stream: "asyncio.StreamReader", seconds: float | None) -> bytes:
    import asyncio  # noqa: PLC0415 - as above

    try:
        async with asyncio.timeout(seconds):
            return await stream.read(_READ_BYTES)
    except TimeoutError:
        raise FrameError("a frame did not end in time") from None


async def _write(writer: "asyncio.StreamWriter", answer: Answer, seconds: float) -> None:
    import asyncio  # noqa: PLC0415 - as above

    writer.write(_encoded(answer))
    async with asyncio.timeout(seconds):
        await writer.drain()


async def _close(writer: "asyncio.StreamWriter", seconds: float) -> None:
    """Send what is left, and drop it if nobody takes it."""
    import asyncio  # noqa: PLC0415 - as above

    writer.close()
    try:
        async with asyncio.timeout(seconds):
            await writer.wait_closed()
    except OSError:
        writer.transport.abort()


def _encoded(answer: Answer) -> bytes:
    try:
        return encode_frame(answer)
    except FrameError:
        return encode_frame(_failure(answer["nonce"], "failed", "the result is no JSON value, or too large"))


def _success(request: _Request, result: object) -> Answer:
    return {"nonce": request.nonce, "ok": True, "result": result}


def _failure(nonce: int | None, code: str, message: str) -> Answer:
    return {"nonce": nonce, "ok": False, "code": code, "message": message[:1000]}
