"""A server as child process: its pipes, its signals, its end, and that of what it started."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Sequence

from attrs import define, field

from haldir_core.errors import HaldirError

GRACE_SECONDS = 1.5
"""How long a server has to end after a signal; clients kill us after 2 seconds (MCP Python SDK, stdio client)."""

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class StartError(HaldirError):
    """A server cannot be started."""


@define(eq=False)
class Child:
    """A process in a session and group of its own.

    Attributes:
        stdin: where to write what it reads.
        stdout: where to read what it writes.
    """

    _process: asyncio.subprocess.Process
    stdin: int
    stdout: int
    _is_over: bool = False
    _stdin_is_open: bool = True
    _end: "asyncio.Task[None] | None" = None
    _tasks: "set[asyncio.Task[None]]" = field(factory=set)

    @classmethod
    async def start(cls, command: Sequence[str]) -> "Child":
        """Start a program; its stderr is ours.

        Raises: StartError
        """
        ours: list[int] = []
        theirs: list[int] = []
        try:
            their_in, our_in = os.pipe()
            our_out, their_out = os.pipe()
            ours, theirs = [our_in, our_out], [their_in, their_out]
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=their_in,
                stdout=their_out,
                start_new_session=True,
                preexec_fn=_die_with_parent(),
            )
        except (OSError, ValueError) as error:
            for fd in ours:
                os.close(fd)
            why = error.strerror if isinstance(error, OSError) else error
            raise StartError(f"cannot start {command[0]!r}: {why}") from error
        finally:
            for fd in theirs:
                os.close(fd)
        return cls(process, our_in, our_out)

    async def wait(self) -> None:
        """Return when the process has ended."""
        await self._process.wait()
        self._is_over = True

    async def end(self) -> int:
        """Return its exit code, as a shell has it; it is made to end if it does not."""
        if not self._is_over:
            self.stop()
            await self.wait()
        code = self._process.returncode or 0
        return code if code >= 0 else 128 - code

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Send a signal to the process and its group, and kill them if that does not end it."""
        if self._is_over:
            return
        self._signal(number)
        if self._end is None:
            self._end = asyncio.get_running_loop().create_task(self._kill_late())

    def kill_group(self) -> None:
        """End all that is in the group of the process."""
        self._signal(signal.SIGKILL)

    def close_stdin(self) -> None:
        """Tell the process that nothing more comes."""
        if self._stdin_is_open:
            self._stdin_is_open = False
            os.close(self.stdin)

    async def clean_up(self) -> None:
        """End the process and its group, and close the pipes."""
        self.close_stdin()
        if not self._is_over:
            self.kill_group()
            await self.wait()
        self.kill_group()
        if self._end is not None:
            self._end.cancel()
        os.close(self.stdout)

    async def _kill_late(self) -> None:
        await asyncio.sleep(GRACE_SECONDS)
        if not self._is_over:
            self.kill_group()

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # PermissionError: macOS, for zombies
            os.killpg(self._process.pid, number)


def _die_with_parent() -> Callable[[], object] | None:
    """Return what makes a child die when we are killed and can do nothing more for it; Linux alone has that."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
