"""One confined run while it lasts."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from attrs import asdict, define, field, frozen

from haldir_enforcer._auditlog.runid import new_run_id
from haldir_enforcer._refusals import refuse_closed, refuse_reachable_log
from haldir_enforcer._streams import Carried, Stream, Target, feed
from haldir_enforcer.confinement import Confinement, Ended, Ending, Launch, Reaction, Running, Standing
from haldir_enforcer.errors import AuditLogError, ConfinementError, EnforcerError
from haldir_enforcer.events import Action, By, Class, Decision, Event, Recorder
from haldir_enforcer.limits import Limits
from haldir_enforcer.outcome import MAX_VIOLATIONS, Outcome
from haldir_enforcer.policy import Policy, explain, is_private, match_host
from haldir_enforcer.staging import StagedSkill

if TYPE_CHECKING:
    from datetime import datetime

    from haldir_core.keys import Signer
    from haldir_enforcer.alerts import Alerter, Sink
    from haldir_enforcer.auditlog import AuditLog

__all__ = ["Recording", "Session", "Stream", "Streams"]

_MEGABYTE = 1_000_000
_LAST_OUTPUT_SECONDS = 5.0
_GLANCE_SECONDS = 0.5
"""A signal that comes in the instant before Python begins to wait has its handler called only when the wait ends."""


class _Closes(Protocol):
    def close(self) -> None: ...


@frozen(kw_only=True)
class Recording:
    """Where the events of a run go.

    Attributes:
        audit_log: the file to which the run is appended.
        signer: signs the head of the log.
        alerts: who is told about violations.
        watch: is called for each event; raising ends the run.
    """

    audit_log: Path | None = None
    signer: "Signer | None" = None
    alerts: "tuple[Sink, ...]" = ()
    watch: Recorder | None = None


@frozen(kw_only=True)
class Streams:
    """What the three streams of the program are: a descriptor, or what becomes of it; ``input`` is fed to stdin."""

    stdin: Target = Stream.NULL
    stdout: Target = Stream.CAPTURE
    stderr: Target = Stream.CAPTURE
    input: bytes | None = None

    @classmethod
    def inherited(cls) -> "Streams":
        """Those of this process, untouched."""
        return cls(stdin=Stream.INHERIT, stdout=Stream.INHERIT, stderr=Stream.INHERIT)


@define(eq=False)
class Session:
    """One run while it lasts."""

    skill: StagedSkill
    policy: Policy
    standing: Standing
    recording: Recording
    clock: "Callable[[], datetime]"
    limits: Limits
    run: str = field(factory=new_run_id)
    _log: "AuditLog | None" = None
    _alerter: "Alerter | None" = None
    _running: Running | None = None
    _proxy: _Closes | None = None
    _proxy_address: tuple[str, int] | None = None
    _violations: list[Event] = field(factory=list)
    _counts: dict[str, int] = field(factory=dict)
    _carried: dict[str, Carried] = field(factory=dict)
    _output: int = 0
    _flooded: bool = False
    _began: float = 0.0
    _lock: threading.Lock = field(factory=threading.Lock)
    _is_over: bool = False
    _outcome: Outcome | None = None
    _waiting: threading.Lock = field(factory=threading.Lock)

    @property
    def pid(self) -> int:
        """The process id of the program, as this process sees it."""
        return self._started.pid

    @property
    def is_over(self) -> bool:
        """Whether no process of it is left; `wait` may still be at the last of its output."""
        return self._is_over

    def signal(self, number: int) -> None:
        """The program has received the signal; nothing happens after its end.

        Raises: ValueError if there is no such signal.
        """
        if number not in signal.valid_signals():
            raise ValueError(f"{number} is no signal")
        self._started.signal(number)

    def stop(self) -> None:
        """The whole tree is killed."""
        self._started.stop()

    def wait(self, timeout_seconds: float | None = None) -> Outcome:
        """Return how it ended, when no process of it is left and the log is closed.

        A run whose end could not be recorded has failed.

        Raises: TimeoutError if it still runs then.
        """
        ended = self._wait_for_end(timeout_seconds)
        self._is_over = True
        with self._waiting:
            if self._outcome is None:
                self._outcome = self._concluded(ended)
            return self._outcome

    def _wait_for_end(self, timeout_seconds: float | None) -> Ended:
        if timeout_seconds is not None:
            return self._started.wait(timeout_seconds)
        while True:
            with contextlib.suppress(TimeoutError):
                return self._started.wait(_GLANCE_SECONDS)

    async def wait_async(self) -> Outcome:
        """Return how it ended without keeping the event loop waiting; a cancelled wait kills the run."""
        import asyncio  # noqa: PLC0415 - 7 ms that only somebody with an event loop pays

        waiting = asyncio.ensure_future(asyncio.to_thread(self.wait))
        try:
            return await asyncio.shield(waiting)
        except asyncio.CancelledError:
            self.stop()
            with contextlib.suppress(Exception):
                await waiting
            raise

    def record(self, event: Event) -> None:
        """Keep an event: in the log, in the report, and for those who are told."""
        if self._log is not None:
            self._log.record(event)
        if self.recording.watch is not None:
            self.recording.watch(event)
        with self._lock:
            self._counts[event.kind.value] = self._counts.get(event.kind.value, 0) + event.count
            if event.kind is Class.VIOLATION and len(self._violations) < MAX_VIOLATIONS:
                self._violations.append(event)
        if event.kind is Class.VIOLATION and self._alerter is not None:
            self._alerter.alert(event)

    def open_proxy(self) -> tuple[str, int]:
        """Return where a proxy for hosts with a wildcard listens."""
        import socket  # noqa: PLC0415 - few skills need one

        from haldir_enforcer._proxy import Proxy, ProxyRules  # noqa: PLC0415 - as above

        def lookup(host: str) -> list[str]:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            return list(dict.fromkeys(str(address[4][0]) for address in found))

        rules = ProxyRules(
            matches=lambda host, port: match_host(self.policy, host, port) is not None,
            resolve=lookup,
            refuses=lambda _host, address, _port: is_private(address),
        )
        proxy = Proxy(rules, record=self.record)
        self._proxy = proxy
        self._proxy_address = proxy.listen(443)
        return self._proxy_address

    def proxy_environment(self) -> dict[str, str]:
        """Return the variables that lead programs to the proxy."""
        if self._proxy_address is None:
            return {}
        url = f"http://{self._proxy_address[0]}:{self._proxy_address[1]}"
        return dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), url)

    def begin(
        self,
        confinement: Confinement,
        argv: tuple[str, ...],
        environment: Mapping[str, str],
        streams: Streams,
        reaction: Reaction,
    ) -> None:
        """The program runs; see `Enforcer.start`."""
        try:
            refuse_closed((streams.stdin, streams.stdout, streams.stderr))
            self._open_records()
            for event in _opening(self.skill, self.policy, self.standing):
                self.record(event)
            with contextlib.ExitStack() as ours:
                stdin, stdout, stderr = self._descriptors(streams, ours)
                launch = Launch(
                    policy=self.policy,
                    argv=argv,
                    cwd=str(self.skill.folder),
                    environment=environment,
                    limits=self.limits,
                    reaction=reaction,
                    record=self.record,
                    stdin=stdin,
                    stdout=stdout,
                    stderr=stderr,
                )
                self._began = time.monotonic()
                self._running = confinement.start(launch)
        except BaseException as error:  # whatever it is: what was begun is ended
            self._give_up(error)
            raise
        for carried in self._carried.values():
            carried.begin()

    def _open_records(self) -> None:
        """The log and those who are told are ready; what nobody asked for is not even loaded."""
        if self.recording.audit_log is None and not self.recording.alerts:
            return
        from haldir_enforcer.alerts import Alerter  # noqa: PLC0415 - see above
        from haldir_enforcer.auditlog import AuditLog, RunIdentity  # noqa: PLC0415 - see above

        if self.recording.audit_log is not None:
            refuse_reachable_log(self.recording.audit_log, self.policy)
        identity = RunIdentity(run=self.run, skill=self.skill.name, level=self.standing.level)
        if self.recording.audit_log is not None:
            self._log = AuditLog.open(self.recording.audit_log, identity, clock=self.clock)
        if self.recording.alerts:
            self._alerter = Alerter(identity, self.recording.alerts, clock=self.clock)

    @property
    def _started(self) -> Running:
        if self._running is None:
            raise ConfinementError("the run was not started")
        return self._running

    def _descriptors(self, streams: Streams, ours: contextlib.ExitStack) -> tuple[int, int, int]:
        """The streams of the program; what was opened for it is closed here when it has its own."""
        if streams.input is None:
            stdin = self._descriptor(streams.stdin, 0, os.O_RDONLY, ours)
        else:
            stdin, fed = os.pipe()
            ours.callback(os.close, stdin)
            feed(fed, streams.input)
        out = self._outgoing("stdout", streams.stdout, 1, ours)
        return stdin, out, self._outgoing("stderr", streams.stderr, 2, ours)

    def _descriptor(self, target: Target, inherited: int, flags: int, ours: contextlib.ExitStack) -> int:
        if isinstance(target, int):
            return target
        if target is Stream.INHERIT:
            return inherited
        descriptor = os.open(os.devnull, flags | os.O_CLOEXEC)
        ours.callback(os.close, descriptor)
        return descriptor

    def _outgoing(self, name: str, target: Target, inherited: int, ours: contextlib.ExitStack) -> int:
        if target is not Stream.CAPTURE and (self.limits.output_mb is None or target is Stream.NULL):
            return self._descriptor(target, inherited, os.O_WRONLY, ours)
        source, sink = os.pipe()
        ours.callback(os.close, sink)
        kept = None if target is Stream.CAPTURE else self._descriptor(target, inherited, os.O_WRONLY, ours)
        self._carried[name] = Carried(source, kept, self._count_output)
        return sink

    def _count_output(self, size: int) -> bool:
        """Whether so much more output is within the limit; the first that is not ends the run."""
        most = self.limits.output_mb
        with self._lock:
            self._output += size
            if most is None or self._output <= most * _MEGABYTE:
                return True
            is_first, self._flooded = not self._flooded, True
        if is_first:
            self._end_of_output(most)
        return False

    def _end_of_output(self, most: int) -> None:
        self.stop()
        event = Event(
            action=Action.LIMIT_OUTPUT,
            decision=Decision.DENY,
            by=By.SUPERVISOR,
            kind=Class.VIOLATION,
            detail=f"more than {most} MB were printed",
        )
        with contextlib.suppress(Exception):  # it is stopped in any case, and a broken log shows at its end
            self.record(event)

    def _concluded(self, ended: Ended) -> Outcome:
        seconds = time.monotonic() - self._began
        is_natural = ended.ending in {Ending.EXITED, Ending.SIGNALLED} and not self._flooded
        for carried in self._carried.values():  # a slow reader gets all that a program printed before its own end
            carried.finish(None if is_natural else _LAST_OUTPUT_SECONDS)
        if self._flooded:
            ended = Ended(ending=Ending.LIMIT, code=ended.code, detail="too much output")
        self._close_proxy()
        ended, head = self._recorded(ended)
        failed = self._alerted()
        with self._lock:
            return Outcome(
                run=self.run,
                skill=self.skill.name,
                ended=ended,
                standing=self.standing,
                verified=self.skill.verification is not None,
                duration_seconds=seconds,
                violations=tuple(self._violations),
                violation_count=self._counts.get(Class.VIOLATION.value, 0),
                counts=dict(self._counts),
                written=self.skill.written(),
                policy=explain(self.policy),
                stdout=self._kept("stdout"),
                stderr=self._kept("stderr"),
                dropped_bytes=sum(carried.dropped for carried in self._carried.values()),
                log_head=head,
                failed_alerts=failed,
            )

    def _recorded(self, ended: Ended) -> tuple[Ended, str | None]:
        """How it ended and the head of the log; a run that is not on record to its end has failed."""
        if self._log is None:
            return ended, None
        try:
            return ended, self._log.close(f"{ended.ending.value} {ended.code}", signer=self.recording.signer)
        except AuditLogError as error:
            detail = ended.detail if ended.ending is Ending.FAILED else f"the audit log {error}"
            return Ended(ending=Ending.FAILED, code=ended.code, detail=detail), None

    def _alerted(self) -> tuple[str, ...]:
        """What could not be told, once the last alerts are out."""
        if self._alerter is None:
            return ()
        untold = self._alerter.close()
        return (*self._alerter.failures, *([f"{untold} alerts were not delivered in time"] if untold else ()))

    def _kept(self, name: str) -> bytes:
        carried = self._carried.get(name)
        return b"" if carried is None or carried.target is not None else bytes(carried.kept)

    def _give_up(self, error: BaseException) -> None:
        """What was opened for a run that did not begin is closed; the log says why there was none."""
        self._close_proxy()
        for carried in self._carried.values():
            os.close(carried.source)
        if self._log is not None:
            with contextlib.suppress(EnforcerError):
                self._log.close(f"refused: {error}"[:500], signer=self.recording.signer)
        if self._alerter is not None:
            self._alerter.close()

    def _close_proxy(self) -> None:
        if self._proxy is not None:
            self._proxy.close()


def _opening(skill: StagedSkill, policy: Policy, standing: Standing) -> Iterator[Event]:
    """What a log says before the first action: which policy, who it is from, and what the self-tests showed."""
    source = "unsigned permissions, not verified" if skill.verification is None else "signed permissions, verified"
    yield Event(
        action=Action.POLICY_LOADED,
        decision=Decision.ALLOW,
        by=By.SUPERVISOR,
        kind=Class.DECLARED,
        path=str(skill.source),
        detail=f"{source}, {skill.permissions.digest()}; profiles: {', '.join(policy.profiles)}"[:1000],
    )
    held = ", ".join(f"{name} {by.value}" for name, by in asdict(standing.enforced).items())
    yield Event(
        action=Action.SELFTEST_RESULT,
        decision=Decision.ALLOW,
        by=By.SUPERVISOR,
        kind=Class.DECLARED,
        detail=f"{standing.backend} {standing.level.value}: {held}",
    )
