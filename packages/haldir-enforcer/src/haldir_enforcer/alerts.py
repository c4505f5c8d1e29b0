"""Alerts about violations: told to callbacks, commands, files and webhooks, by a thread of their own.

Quick start::

    alerter = Alerter(identity, [CommandSink(("notify-me",)), FileSink(path)], clock=now)
    alerter.alert(event)            # at once, never waits
    undelivered = alerter.close()   # waits a bounded time for the last ones
"""

import json
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from attrs import frozen

from haldir_enforcer._auditlog.lines import RunIdentity, event_members, stamp
from haldir_enforcer.errors import EnforcerError
from haldir_enforcer.events import Event

MAX_WAITING = 100
"""Alerts that wait for a slow sink; what comes then is counted as suppressed."""

MAX_FAILURES = 20
"""Failures of sinks that are kept for the report."""

Payload = Mapping[str, Any]


class Sink(Protocol):
    """Somebody who is told."""

    @property
    def name(self) -> str:
        """Such as ``command notify-me``."""
        ...

    def send(self, payload: Payload) -> None:
        """``payload`` was delivered.

        Raises: any Exception if not.
        """
        ...


@frozen
class CallbackSink:
    """Calls a function of this process."""

    function: Callable[[Payload], object]
    name: str = "callback"

    def send(self, payload: Payload) -> None:
        """The function has returned."""
        self.function(payload)


@frozen
class CommandSink:
    """Starts a program (no shell) with the payload as one line of JSON on its standard input."""

    argv: tuple[str, ...]
    timeout_seconds: float = 10.0

    @property
    def name(self) -> str:
        """The program."""
        return f"command {self.argv[0]}"

    def send(self, payload: Payload) -> None:
        """The program has ended well.

        Raises: OSError, or SubprocessError if it fails or takes too long (it is killed then).
        """
        import subprocess  # noqa: PLC0415 - 5 ms that only somebody with a command pays; no shell

        subprocess.run(  # noqa: S603 - the operator named it
            self.argv,
            input=_line(payload),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=self.timeout_seconds,
            check=True,
            close_fds=True,
        )


@frozen
class FileSink:
    """Appends the payload as one line of JSON to a private file; links are not followed."""

    path: Path

    @property
    def name(self) -> str:
        """The file."""
        return f"file {self.path}"

    def send(self, payload: Payload) -> None:
        """The line is in the file.

        Raises: OSError if not.
        """
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        descriptor = os.open(self.path, flags, 0o600)
        with open(descriptor, "wb", buffering=0) as file:  # noqa: PTH123 - opened by its descriptor
            line = _line(payload)
            if file.write(line) != len(line):
                raise OSError("the line was written in part")


@frozen(kw_only=True)
class WebhookRequest:
    """What is to be posted."""

    url: str
    headers: Mapping[str, str]
    body: bytes


Post = Callable[[WebhookRequest], None]


@frozen
class WebhookSink:
    """Posts the payload as JSON through a function that the caller brings: `post_with_urllib` is one."""

    url: str
    post: Post

    @property
    def name(self) -> str:
        """The address, without what may be secret in it."""
        return f"webhook {self.url.partition('?')[0].rpartition('@')[2]}"

    def send(self, payload: Payload) -> None:
        """The request was answered well."""
        self.post(webhook_request(self.url, payload))


def webhook_request(url: str, payload: Payload) -> WebhookRequest:
    """Return the request that tells ``payload`` to ``url``."""
    headers = {"Content-Type": "application/json", "User-Agent": "haldir-enforcer"}
    return WebhookRequest(url=url, headers=headers, body=_line(payload))


def post_with_urllib(request: WebhookRequest, *, timeout_seconds: float = 10.0) -> None:
    """The request was answered with 2xx; redirects are not followed, proxies of the environment are not used.

    Raises: EnforcerError if the address is neither https nor http on loopback; OSError if it is not answered well.
    """
    import urllib.error  # noqa: PLC0415 - 30 ms that only somebody with a webhook pays
    import urllib.request  # noqa: PLC0415 - same
    from urllib.parse import urlsplit  # noqa: PLC0415 - same

    class NoRedirect(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            """Return nothing: the answer is an error then."""

    parts = urlsplit(request.url)
    if parts.scheme != "https" and (parts.scheme, parts.hostname) not in _LOOPBACK:
        raise EnforcerError(f"webhook {parts.hostname}: use https, alerts name files and programs of this machine")
    opener = urllib.request.build_opener(NoRedirect, urllib.request.ProxyHandler({}))
    prepared = urllib.request.Request(  # noqa: S310 - the scheme was looked at
        request.url, data=request.body, headers=dict(request.headers), method="POST"
    )
    with opener.open(prepared, timeout=timeout_seconds):
        return


_LOOPBACK = {("http", "127.0.0.1"), ("http", "::1"), ("http", "localhost")}


@frozen(kw_only=True)
class RateLimit:
    """``burst`` alerts at once, then one every ``seconds``; what is above is counted."""

    burst: int = 10
    seconds: float = 1.0


class Alerter:
    """Tells sinks about violations, without keeping anybody waiting.

    Above the rate alerts are only counted: the next payload says how many under ``suppressed``.  The last one is
    always told, at `close` if not before.
    """

    def __init__(
        self,
        identity: RunIdentity,
        sinks: Sequence[Sink],
        *,
        clock: Callable[[], datetime],
        limit: RateLimit | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Tell ``sinks``, each after the other."""
        self.failures: list[str] = []
        """What sinks did not take, for the report."""
        self._identity = identity
        self._sinks = tuple(sinks)
        self._clock = clock
        self._monotonic = monotonic
        self._limit = limit or RateLimit()
        self._tokens = float(self._limit.burst)
        self._refilled = monotonic()
        self._suppressed = 0
        self._held: tuple[Event, datetime] | None = None
        self._waiting: deque[Payload] = deque()
        self._is_closed = False
        self._is_sending = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None  # none before the first alert: most runs have none at all

    def alert(self, event: Event) -> None:
        """``event`` will be told, or counted; nothing happens after `close`."""
        moment = self._clock()
        with self._changed:
            if self._is_closed:
                return
            if len(self._waiting) >= MAX_WAITING or not self._may_pass():
                self._suppressed += 0 if self._held is None else self._held[0].count
                self._held = (event, moment)
                return
            self._suppressed += 0 if self._held is None else self._held[0].count
            self._held = None
            self._enqueue(event, moment)

    def close(self, timeout_seconds: float = 5.0) -> int:
        """Tell what is left, for at most ``timeout_seconds``; return how many alerts were not told to every sink."""
        with self._changed:
            if self._held is not None and not self._is_closed:
                self._enqueue(*self._held)
                self._held = None
            self._is_closed = True
            self._changed.notify()
            thread = self._thread
        if thread is not None:
            thread.join(timeout_seconds)
        with self._changed:
            return len(self._waiting) + self._is_sending

    def _may_pass(self) -> bool:
        now = self._monotonic()
        self._tokens = min(self._limit.burst, self._tokens + (now - self._refilled) / self._limit.seconds)
        self._refilled = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def _enqueue(self, event: Event, moment: datetime) -> None:
        self._waiting.append(alert_payload(event, self._identity, moment, suppressed=self._suppressed))
        self._suppressed = 0
        self._changed.notify()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="haldir-alerts", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while (payload := self._next()) is not None:
            for sink in self._sinks:
                self._tell(sink, payload)
            with self._changed:
                self._is_sending = False

    def _next(self) -> Payload | None:
        with self._changed:
            while not self._waiting:
                if self._is_closed:
                    return None
                self._changed.wait()
            self._is_sending = True
            return self._waiting.popleft()

    def _tell(self, sink: Sink, payload: Payload) -> None:
        try:
            sink.send(payload)
        except Exception as error:  # noqa: BLE001 - whatever one sink does, the others are told; the report has it
            if len(self.failures) < MAX_FAILURES:
                self.failures.append(f"{sink.name}: {type(error).__name__}: {error}")


def alert_payload(event: Event, identity: RunIdentity, moment: datetime, *, suppressed: int) -> Payload:
    """Return what sinks are told: the members of the audit log without the chain, and ``suppressed``."""
    return {
        "v": 1,
        "ts": stamp(moment),
        "run": identity.run,
        "skill": identity.skill,
        "level": identity.level.value,
        "suppressed": suppressed,
        **event_members(event),
    }


def _line(payload: Payload) -> bytes:
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
