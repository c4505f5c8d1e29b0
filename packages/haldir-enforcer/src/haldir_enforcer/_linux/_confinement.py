"""The confinement that Linux itself offers: namespaces, Landlock, and a filter with a supervisor."""

import fcntl
import os
import socket
import threading
import warnings
from contextlib import suppress
from enum import Enum
from typing import Any

from attrs import evolve

from haldir_core.signals import signals_held
from haldir_enforcer._linux import _capabilities, _plan, _supervisor
from haldir_enforcer._linux._capabilities import Kernel
from haldir_enforcer._linux._channel import Receiver
from haldir_enforcer._linux._plan import Plan
from haldir_enforcer._linux._services import Services
from haldir_enforcer.confinement import Ended, Ending, Launch, Standing
from haldir_enforcer.errors import ConfinementError
from haldir_enforcer.events import Action, By, Class, Decision, Event

_LOWEST_COPY = 10


class Namespaces(Enum):
    """Whether a run gets namespaces of its own: where they work, never, or not without them."""

    AUTO = "auto"
    NEVER = "never"
    REQUIRED = "required"


class LinuxConfinement:
    """Confines with what the kernel offers this user; ``kernel`` masks some of that, as on an older one."""

    def __init__(
        self,
        namespaces: Namespaces = Namespaces.AUTO,
        *,
        kernel: Kernel | None = None,
        services: Services | None = None,
    ) -> None:
        self._namespaces = namespaces
        self._kernel = kernel
        self._services = services or Services()
        self._standing: Standing | None = None

    @property
    def name(self) -> str:
        """Return ``linux``."""
        return "linux"

    def standing(self) -> Standing:
        """Return what a probe saw that ran confined in the same way."""
        if self._standing is None:
            self._standing = self._examine()
        return self._standing

    def serving(self, services: Services) -> "LinuxConfinement":
        """Return the same confinement with these services; what its self-tests showed stays true."""
        other = LinuxConfinement(self._namespaces, kernel=self._kernel, services=services)
        other._standing = self._standing
        return other

    def _examine(self) -> Standing:
        from haldir_enforcer._linux import _selftest  # noqa: PLC0415 - not needed to run

        kernel = self._wanted_kernel()
        if not kernel.notify:
            return _selftest.nothing(kernel)
        if self._tries_namespaces():
            try:
                return _selftest.examine(kernel, namespaces=True)
            except NamespacesRefusedError:
                self._give_up_namespaces()
        if self._namespaces is Namespaces.REQUIRED:
            return _selftest.nothing(self._wanted_kernel())
        return _selftest.examine(self._wanted_kernel(), namespaces=False)

    def start(self, launch: Launch) -> "LinuxRunning":
        """The program runs confined.

        Raises: ConfinementError if it cannot be confined as asked; nothing of it has run then.
        """
        if self._tries_namespaces():
            try:
                return begin(_plan.make(launch, self._services, self._wanted_kernel(), namespaces=True))
            except NamespacesRefusedError:
                if self._namespaces is Namespaces.REQUIRED or self._standing is not None:
                    raise  # what was promised is not lowered afterwards
                self._give_up_namespaces()
        if self._namespaces is Namespaces.REQUIRED:
            raise ConfinementError("namespaces are required, and this kernel has none for this user")
        return begin(_plan.make(launch, self._services, self._wanted_kernel(), namespaces=False))

    def _tries_namespaces(self) -> bool:
        return self._namespaces is not Namespaces.NEVER and self._wanted_kernel().user_namespaces

    def _give_up_namespaces(self) -> None:
        self._kernel = evolve(self._wanted_kernel(), user_namespaces=False)

    def _wanted_kernel(self) -> Kernel:
        if self._kernel is None:
            self._kernel = _capabilities.detect()
        return self._kernel


class NamespacesRefusedError(ConfinementError):
    """The kernel refused namespaces, so that a confinement without them may be tried."""


def begin(plan: Plan) -> "LinuxRunning":
    """The plan is carried out.

    Raises: ConfinementError if it cannot be; nothing of the program has run then.
    """
    running = None
    try:
        with signals_held():  # so that what was begun is known here
            running = begin_without_waiting(plan)
        running.await_start()
    except KeyboardInterrupt:
        if running is not None:
            running.stop()  # nobody else knows of it yet
        raise
    return running


def begin_without_waiting(plan: Plan) -> "LinuxRunning":
    """The same, but what keeps the program from starting is told by ``await_start``.

    Raises: ConfinementError if not even a supervisor can be made.
    """
    if not plan.kernel.notify:
        raise ConfinementError(
            "this kernel has no seccomp user notification, so that nothing here could answer for the program;"
            " use another confinement, such as gvisor"
        )
    streams = _copies(plan.launch)
    ours, theirs = socket.socketpair()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of fork beside threads: the child uses none of them
        process = os.fork()
    if not process:
        ours.close()
        _supervisor.main(plan, theirs.detach(), streams)
    theirs.close()
    for descriptor in streams:
        os.close(descriptor)
    return LinuxRunning(plan, ours, process)


class LinuxRunning:
    """A confined process tree, and the thread that records what its supervisor reports."""

    def __init__(self, plan: Plan, channel: socket.socket, supervisor: int) -> None:
        self._plan = plan
        self._channel = channel
        self._supervisor = supervisor
        self._pid = 0
        self._error: str | None = None
        self._namespaces_refused = False
        self._ended: Ended | None = None
        self._record_failed: str | None = None
        self._started = threading.Event()
        self._done = threading.Event()
        threading.Thread(target=self._listen, name="haldir-record", daemon=True).start()

    @property
    def pid(self) -> int:
        """The process id of the program, as this process sees it."""
        return self._pid

    @property
    def namespaces(self) -> bool:
        """Whether the run has namespaces of its own."""
        return self._plan.namespaces

    def await_start(self) -> None:
        """The program has replaced the process that confined itself.

        Raises: ConfinementError if it could not.
        """
        self._started.wait()
        if self._error is not None:
            self._done.wait()
            kind = NamespacesRefusedError if self._namespaces_refused else ConfinementError
            raise kind(f"{self._plan.launch.argv[0]} was not started: {self._error}")

    def signal(self, number: int) -> None:
        """The program has received the signal; nothing happens after its end."""
        self._command(b"S" + bytes((number,)))

    def stop(self) -> None:
        """The whole tree is killed."""
        self._command(b"K\0")

    def wait(self, timeout_seconds: float | None = None) -> Ended:
        """Return how the run ended, when no process of the tree is left.

        Raises: TimeoutError if it still runs then.
        """
        if not self._done.wait(timeout_seconds) or self._ended is None:
            raise TimeoutError(f"{self._plan.launch.argv[0]} still runs after {timeout_seconds} seconds")
        return self._ended

    def _command(self, data: bytes) -> None:
        with suppress(OSError):  # the supervisor has ended, and with it the run
            self._channel.send(data)

    def _listen(self) -> None:
        last: tuple[Any, ...] = ("broken", "the supervisor was killed")
        try:
            for kind, *values in Receiver(self._channel.fileno()).messages():
                if kind == "event":
                    self._keep(values[0])
                elif kind == "ready":
                    self._pid = values[0]
                    self._started.set()
                else:
                    last = (kind, *values)
        finally:
            self._conclude(last)

    def _keep(self, event: Event) -> None:
        """Record an event; one that cannot be kept ends the run."""
        if self._record_failed is not None:
            return
        try:
            self._plan.launch.record(event)
        except Exception as error:  # noqa: BLE001 - whatever it is, the log has a hole from here on
            self._record_failed = f"an event could not be recorded: {error}"
            self._command(b"F\0")

    def _conclude(self, last: tuple[Any, ...]) -> None:
        kind, *values = last
        with suppress(ChildProcessError):  # somebody else may have waited for it
            os.waitpid(self._supervisor, 0)
        self._channel.close()
        if kind == "end":
            ending, code, detail = values
            self._ended = Ended(ending=Ending(ending), code=code, detail=detail)
        else:
            detail = str(values[0])
            self._namespaces_refused = kind == "namespaces"
            if self._started.is_set():
                self._keep(
                    Event(
                        action=Action.SUPERVISOR_FAILED,
                        decision=Decision.DENY,
                        by=By.SUPERVISOR,
                        kind=Class.VIOLATION,
                        detail=detail,
                    )
                )
            self._ended = Ended(ending=Ending.FAILED, code=137, detail=detail)
        if self._record_failed is not None:
            self._ended = Ended(ending=Ending.FAILED, code=137, detail=self._record_failed)
        if not self._started.is_set():
            self._error = self._ended.detail or "it ended before it was ready"
        self._started.set()
        self._done.set()


def _copies(launch: Launch) -> tuple[int, int, int]:
    """Return copies of the three streams that no other number gets in the way of."""
    made: list[int] = []
    try:
        made.extend(
            fcntl.fcntl(stream, fcntl.F_DUPFD_CLOEXEC, _LOWEST_COPY)
            for stream in (launch.stdin, launch.stdout, launch.stderr)
        )
    except OSError as error:
        for descriptor in made:
            os.close(descriptor)
        raise ConfinementError(f"a standard stream is closed: {error}; pass /dev/null instead") from error
    return made[0], made[1], made[2]
