"""A guard between an MCP client and a server that it starts: what passes on the pipes is what was verified.

Quick start::

    import asyncio
    from pathlib import Path
    from haldir_sdk.schemapin.guard import Guard
    from haldir_sdk.schemapin.tooljudge import ToolJudge
    from haldir_sdk.schemapin.toolpins import ToolPinStore

    with ToolPinStore(Path("tools.db")) as store:
        guard = Guard(ToolJudge("weather", store))
        print(asyncio.run(guard.run(["python", "server.py"])))

The client is on the standard streams of this process; see `Streams` for others.
"""

import asyncio
import contextlib
import select
from collections.abc import Sequence
from enum import Enum
from typing import Protocol

from attrs import define, field, frozen

from haldir_core.errors import HaldirError
from haldir_core.schemapin.guardsession import GuardSession, Listing, ToServer
from haldir_core.schemapin.toolguard import ToolVerdict
from haldir_sdk.schemapin._child import Child, StartError
from haldir_sdk.schemapin._lines import LineReader, LineTooLongError, LineWriter
from haldir_sdk.schemapin.tooljudge import ToolJudge

MAX_LINE_BYTES = 16 * 1024 * 1024
"""Longest message that passes, unless the caller says otherwise."""

MAX_ANSWERS = 10_000
"""Answers of the guard that wait until the client reads."""

DRAIN_SECONDS = 1.0
"""How long the output of a server is read on that has ended, while somebody else holds its pipe."""

SLOW_SECONDS = 30.0
"""How long a client may take to read what is left when the server has ended."""

IDLE_SECONDS = 10.0
"""How long a server may live on after its input has ended, while it owes no answer."""

LOOK_SECONDS = 0.25
"""How often it is looked whether the client is still there, after it has closed our input."""


class Ending(Enum):
    """How a session ended."""

    EXITED = "exited"
    """The server ended, by itself or by a signal."""
    LIMIT = "limit"
    FAILED = "failed"
    """The server could not be started, or the guard could not go on."""


@frozen(kw_only=True)
class Outcome:
    """What became of a session.

    Attributes:
        code: the exit code of the server; 128 and the number of the signal that ended it.
        message: why it was not the server that ended it.
    """

    ending: Ending
    code: int = 0
    message: str = ""


@frozen
class Streams:
    """The descriptors of the client; they stay open."""

    stdin: int = 0
    stdout: int = 1


class Watcher(Protocol):
    """Whoever wants to know what the guard does."""

    def judged(self, verdicts: Sequence[ToolVerdict]) -> None:
        """Take the verdicts on one list, before the client sees it."""
        ...

    def noted(self, note: str) -> None:
        """Take what was refused, and why, in words."""
        ...


class Unwatched:
    """Nobody wants to know."""

    def judged(self, verdicts: Sequence[ToolVerdict]) -> None:
        """Do nothing."""

    def noted(self, note: str) -> None:
        """Do nothing."""


class Guard:
    """Stands between one client and one server, once."""

    def __init__(
        self, judge: ToolJudge, *, watcher: Watcher | None = None, max_line_bytes: int = MAX_LINE_BYTES
    ) -> None:
        """Judge lists of tools with ``judge``."""
        self._judge = judge
        self._watcher: Watcher = watcher or Unwatched()
        self._max_line_bytes = max_line_bytes
        self._child: Child | None = None
        self._early: list[int] = []

    async def run(self, command: Sequence[str], streams: Streams | None = None) -> Outcome:
        """Start a server and stand before it until it has ended; nothing that it started in its group lives on."""
        try:
            child = await Child.start(command)
        except StartError as error:
            return Outcome(ending=Ending.FAILED, message=str(error))
        self._child = child
        while self._early:
            child.stop(self._early.pop(0))
        pipes = _Pipes.of(streams or Streams(), child, self._max_line_bytes)
        try:
            return await _Run(child, pipes, self._judge, self._watcher).to_the_end()
        finally:
            await child.clean_up()

    def stop(self, number: int) -> None:
        """Pass a signal on to the server, and see to it that it ends."""
        if self._child is None:
            self._early.append(number)
        else:
            self._child.stop(number)


@frozen
class _Pipes:
    """The four ends that lines come from and go to."""

    from_client: LineReader
    to_client: LineWriter
    from_server: LineReader
    to_server: LineWriter
    client_fd: int

    @classmethod
    def of(cls, streams: Streams, child: Child, max_bytes: int) -> "_Pipes":
        return cls(
            LineReader(streams.stdin, max_bytes),
            LineWriter(streams.stdout),
            LineReader(child.stdout, max_bytes),
            LineWriter(child.stdin),
            streams.stdout,
        )

    def client_is_gone(self) -> bool:
        """Whether nobody reads any more what we write."""
        poll = select.poll()
        poll.register(self.client_fd, 0)
        return any(event & (select.POLLERR | select.POLLHUP | select.POLLNVAL) for _, event in poll.poll(0))


@define(eq=False)
class _Run:
    """The tasks of a session, and what they share."""

    _child: Child
    _pipes: _Pipes
    _judge: ToolJudge
    _watcher: Watcher
    _session: GuardSession = field(factory=GuardSession)
    _answers: "asyncio.Queue[bytes]" = field(factory=lambda: asyncio.Queue(MAX_ANSWERS))
    _released: "asyncio.Queue[bytes]" = field(factory=asyncio.Queue)  # `OwnList` bounds what is held
    _tasks: "set[asyncio.Task[None]]" = field(factory=set)

    async def to_the_end(self) -> Outcome:
        """Return what became of the session; all tasks are over then."""
        client = asyncio.create_task(self._from_client())
        server = asyncio.create_task(self._from_server())
        answers = asyncio.create_task(self._answer())
        ended = asyncio.create_task(self._child.wait())
        self._tasks |= {client, server, answers, ended, asyncio.create_task(self._release())}
        try:
            await self._until_over(client, server, answers, ended)
            await self._drain(server, answers)
        except LineTooLongError as error:
            return Outcome(ending=Ending.LIMIT, message=str(error))
        except HaldirError as error:
            return Outcome(ending=Ending.FAILED, message=str(error))
        except OSError as error:  # the client is gone, or a pipe is broken otherwise
            self._watcher.noted(f"the session has ended: {error.strerror}")
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        return Outcome(ending=Ending.EXITED, code=await self._child.end())

    async def _until_over(self, *tasks: "asyncio.Task[None]") -> None:
        """Return when the server has ended, or its output has."""
        client, server, _, ended = tasks
        running = set(tasks)
        while server in running and ended in running:
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            if client in done:
                self._child.close_stdin()
                leaving = asyncio.create_task(self._leave())
                self._tasks.add(leaving)
                running.add(leaving)

    async def _leave(self) -> None:
        """Stop the server if it lives on after its input ended, and nobody waits for an answer."""
        idle = 0.0
        while idle < IDLE_SECONDS and not self._pipes.client_is_gone():
            await asyncio.sleep(LOOK_SECONDS)
            idle = 0.0 if self._session.waiting() else idle + LOOK_SECONDS
        self._child.stop()

    async def _drain(self, server: "asyncio.Task[None]", answers: "asyncio.Task[None]") -> None:
        """Let the client read what the server has written before it ended."""
        done, _ = await asyncio.wait({server}, timeout=DRAIN_SECONDS)
        if not done:
            self._child.kill_group()
            done, _ = await asyncio.wait({server}, timeout=SLOW_SECONDS)
        for task in done:
            task.result()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._answers.join(), DRAIN_SECONDS)
        if answers.done():
            answers.result()

    async def _from_client(self) -> None:
        while (line := await self._pipes.from_client.line()) is not None:
            if not line.strip():
                continue
            step = self._session.from_client(line)
            await self._tell(step)
            if step.line is not None:
                try:
                    await self._pipes.to_server.write(step.line)
                except OSError:
                    return  # the server reads no more; what it still writes passes

    async def _tell(self, step: ToServer) -> None:
        for note in step.notes:
            self._watcher.noted(note)
        for answer in step.answers:
            await self._answers.put(answer)

    async def _release(self) -> None:
        """Write calls that were held, so that a server that does not read yet can still be read from."""
        with contextlib.suppress(OSError):
            while True:
                await self._pipes.to_server.write(await self._released.get())

    async def _answer(self) -> None:
        """Write the answers of the guard, so that a client that does not read yet can still be read from."""
        while True:
            answer = await self._answers.get()
            await self._pipes.to_client.write(answer)
            self._answers.task_done()

    async def _from_server(self) -> None:
        while (line := await self._pipes.from_server.line()) is not None:
            if not line.strip():
                continue
            step = self._session.from_server(line)
            for note in step.notes:
                self._watcher.noted(note)
            for listing in step.listings:
                await self._settle(listing)
            passed = step.line()
            if passed is not None:
                await self._pipes.to_client.write(passed)
            for held in self._session.released():
                await self._tell(held)
                if held.line is not None:
                    self._released.put_nowait(held.line)

    async def _settle(self, listing: Listing) -> None:
        verdicts = await self._judge.judge(
            listing.entries, admitted=frozenset(self._session.admitted), taken=listing.taken
        )
        self._watcher.judged(verdicts)
        self._session.settle(listing, verdicts)
