"""A confined process tree that somebody else's launcher holds."""

import os
import select
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from attrs import frozen

from haldir_enforcer.confinement import Ended, Ending, Launch
from haldir_enforcer.errors import ConfinementError
from haldir_enforcer.events import Action, By, Class, Decision, Event

_SHELL_SIGNAL = 128
_LAST_WAIT_SECONDS = 10.0
"""How long the kernel may take to clear a tree of which the first process is dead."""


def _nothing() -> None:
    return None


@frozen(kw_only=True)
class Command:
    """What is started on the host: a launcher, its own environment, and the descriptors that it inherits."""

    argv: Sequence[str]
    environment: Mapping[str, str]
    inherited: tuple[int, ...] = ()
    cwd: str = "/"
    after: Callable[[], None] = _nothing
    """Called once when nothing of the tree is left."""


class LaunchedTree:
    """The tree below one launcher process, which takes the tree along when it dies."""

    def __init__(self, launch: Launch, command: Command, inner: Callable[[], int | None] | None = None) -> None:
        """The launcher runs; ``inner`` returns the process id of the confined program, once it is known.

        Raises: ConfinementError if the launcher cannot be started.
        """
        self._after = command.after
        self._launch = launch
        self._inner = inner
        self._ending = Ending.EXITED
        self._ended: Ended | None = None
        self._lock = threading.Lock()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the launcher is one of ours, or named by the user
                list(command.argv),
                cwd=command.cwd,
                env=dict(command.environment),
                stdin=launch.stdin,
                stdout=launch.stdout,
                stderr=launch.stderr,
                pass_fds=command.inherited,
                start_new_session=True,
            )
        except OSError as error:
            raise ConfinementError(f"{command.argv[0]} cannot be started: {error.strerror}; nothing has run") from error
        self._timer = _timer(launch.limits.timeout_seconds, self._out_of_time)
        self._record(Action.PROCESS_START)

    @property
    def pid(self) -> int:
        """The process id of the program where it is known, else that of the launcher."""
        inner = self._inner() if self._inner is not None else None
        return inner or self._process.pid

    def signal(self, number: int) -> None:
        """The program has received the signal; nothing happens after its end."""
        if self._ended is None and self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def stop(self) -> None:
        """The whole tree is killed."""
        self._kill(Ending.STOPPED)

    def wait(self, timeout_seconds: float | None = None) -> Ended:
        """Return how the run ended, when no process of the tree is left.

        Raises: TimeoutError if it still runs then.
        """
        try:
            status = self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired as error:
            raise TimeoutError("the program still runs") from error
        with self._lock:
            if self._ended is None:
                self._ended = self._finish(status)
        return self._ended

    def _finish(self, status: int) -> Ended:
        if self._timer is not None:
            self._timer.cancel()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)  # what the launcher left in its session
        self._after()
        ending = self._ending
        if ending is Ending.EXITED and status < 0:
            ending = Ending.SIGNALLED
        code = status if status >= 0 else _SHELL_SIGNAL - status
        self._record(Action.LIMIT_TIME if ending is Ending.LIMIT else Action.PROCESS_EXIT)
        return Ended(ending=ending, code=code, detail="time limit" if ending is Ending.LIMIT else None)

    def _out_of_time(self) -> None:
        self._kill(Ending.LIMIT)

    def _kill(self, ending: Ending) -> None:
        if self._process.poll() is None:
            self._ending = ending
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _record(self, action: Action) -> None:
        decision = Decision.DENY if action is Action.LIMIT_TIME else Decision.ALLOW
        kind = Class.VIOLATION if action is Action.LIMIT_TIME else Class.DECLARED
        event = Event(
            action=action,
            decision=decision,
            by=By.SUPERVISOR,
            kind=kind,
            pid=self._process.pid,
            exe=self._launch.argv[0],
            argv=self._launch.argv,
        )
        try:
            self._launch.record(event)
        except BaseException:  # whatever it is: nothing runs that is not recorded
            self._kill(Ending.FAILED)
            self._process.wait()
            if self._timer is not None:
                self._timer.cancel()
            raise


def await_death(descriptor: int) -> None:
    """Return when the process behind a pidfd is gone; the descriptor is closed.

    Raises: ConfinementError if the kernel does not end it.
    """
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        if not poll.poll(_LAST_WAIT_SECONDS * 1000):
            raise ConfinementError("the confined tree did not end after its launcher was killed; look for what it left")
    finally:
        os.close(descriptor)


def _timer(seconds: float | None, act: Callable[[], None]) -> threading.Timer | None:
    if seconds is None:
        return None
    timer = threading.Timer(seconds, act)
    timer.daemon = True
    timer.start()
    return timer
