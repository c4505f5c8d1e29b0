"""One confined program: started, fed, listened to with a limit, and ended in time."""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator

from attrs import define, field, frozen

from haldir_enforcer.confinement import Confinement, Ended, Launch, Running
from haldir_enforcer.events import Action, By, Class, Decision, Event

KEPT_OUTPUT_BYTES = 256 * 1024
"""The beginning of each stream is kept, only to look for decoy secrets in it."""
_GRACE_SECONDS = 2.0
_UNLIMITED_OUTPUT_MB = 16


@frozen(kw_only=True)
class Outcome:
    """How one program ended and what came out of it, cut."""

    ended: Ended
    stdout: bytes
    stderr: bytes


@define
class Listener:
    """A thread that reads a pipe to its end, keeps the beginning, and calls ``flooded`` beyond the limit."""

    descriptor: int
    budget: "OutputBudget"
    kept: bytearray = field(init=False, factory=bytearray)
    _thread: threading.Thread = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._thread = threading.Thread(target=self._read, name="listener", daemon=True)
        self._thread.start()

    def finish(self) -> bytes:
        """Return the beginning of what was said, when everybody who could write is gone."""
        self._thread.join(_GRACE_SECONDS)
        return bytes(self.kept)

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            while data := os.read(self.descriptor, 65536):
                self.kept += data[: KEPT_OUTPUT_BYTES - len(self.kept)]
                self.budget.spend(len(data))
        os.close(self.descriptor)


@define
class OutputBudget:
    """The bytes that a program may say over all its streams."""

    left: int
    flooded: Callable[[], None]
    _lock: threading.Lock = field(init=False, factory=threading.Lock)

    def spend(self, count: int) -> None:
        """The bytes are counted; at the end of the budget ``flooded`` is called once."""
        with self._lock:
            before = self.left
            self.left -= count
        if before > 0 >= self.left:
            self.flooded()


def run_program(confinement: Confinement, launch: Callable[[int, int, int], Launch], text: bytes = b"") -> Outcome:
    """Run one program to its end and return its outcome; ``launch`` makes the launch from three descriptors.

    Raises: ConfinementError if it could not be confined; it was not started then.
    """
    with connected(confinement, launch, text) as (conversation, output):
        listener = Listener(output, conversation.budget)
        conversation.listeners.append(listener)
        return conversation.finish(listener)


@define
class Conversation:
    """A running program; its standard error is listened to, its output belongs to whoever started it."""

    running: Running
    made: Launch
    budget: OutputBudget
    input: int
    listeners: list[Listener] = field(factory=list)
    stopped: bool = False

    def close_input(self) -> None:
        """The program reads the end of its input."""
        if self.input >= 0:
            os.close(self.input)
            self.input = -1

    def finish(self, output: Listener | None = None) -> Outcome:
        """Return the outcome; a program that does not end in its time is ended.

        The confinement has the same limit; this one holds if that one does not.
        """
        limit = self.made.limits.timeout_seconds
        try:
            ended = self.running.wait(None if limit is None else limit + _GRACE_SECONDS)
        except TimeoutError:
            self.running.stop()
            ended = self.running.wait(_GRACE_SECONDS)
            self.made.record(_limit(Action.LIMIT_TIME, "not ended by the confinement"))
        self.close_input()
        errors = self.listeners[0].finish()
        said = b"" if output is None else output.finish()
        return Outcome(ended=ended, stdout=said, stderr=errors)


@contextlib.contextmanager
def connected(
    confinement: Confinement, launch: Callable[[int, int, int], Launch], text: bytes | None
) -> Iterator[tuple[Conversation, int]]:
    """Yield a started program and the descriptor of its output; the program is ended afterwards.

    With ``text`` its input holds exactly that, otherwise it stays open.
    """
    theirs_in, ours_in = os.pipe2(os.O_CLOEXEC)
    ours_out, theirs_out = os.pipe2(os.O_CLOEXEC)
    ours_err, theirs_err = os.pipe2(os.O_CLOEXEC)
    ours = [ours_in, ours_out, ours_err]
    try:
        made = launch(theirs_in, theirs_out, theirs_err)
        running = confinement.start(made)
    except BaseException:  # Ctrl-C too: nobody else would close them
        for descriptor in ours:
            os.close(descriptor)
        raise
    finally:
        for descriptor in (theirs_in, theirs_out, theirs_err):
            os.close(descriptor)
    limit_mb = made.limits.output_mb or _UNLIMITED_OUTPUT_MB

    def flooded() -> None:
        made.record(_limit(Action.LIMIT_OUTPUT, f"more than {limit_mb} MB of output"))
        running.stop()

    budget = OutputBudget(limit_mb * 1_000_000, flooded)
    conversation = Conversation(running, made, budget, ours_in)
    conversation.listeners.append(Listener(ours_err, budget))
    try:
        if text is not None:
            with contextlib.suppress(OSError):  # it may have ended already; at most a pipe's worth is sent
                os.write(ours_in, text[:4096])
            conversation.close_input()
        yield conversation, ours_out
    finally:
        conversation.close_input()
        running.stop()


def _limit(action: Action, detail: str) -> Event:
    return Event(action=action, decision=Decision.DENY, by=By.SUPERVISOR, kind=Class.VIOLATION, detail=detail)
