"""The vetting of many skills, on all processors, in processes that are copies of this one."""

import contextlib
import gc
import json
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, NoReturn

from attrs import define, field, frozen

from haldir_core import HaldirError, UnsafeSkillError
from haldir_core.canonical import JsonObject
from haldir_core.scratch import PrivateFolder
from haldir_pipeline._layers.scan import warm
from haldir_pipeline.configuration import Configuration
from haldir_pipeline.resumption import Lasting, Resumption, ResumptionError
from haldir_pipeline.vetting import Hooks, vet_path

END_SECONDS = 5.0
"""How long a process that is to end may take to clean up."""


class Failure(StrEnum):
    """Why there is no result at all."""

    UNSAFE = "unsafe"
    """It holds what no skill may hold: as good as rejected."""
    UNREADABLE = "unreadable"
    LOST = "lost"
    """The process that vetted it ended."""


@frozen(kw_only=True)
class Vetted:
    """What came of one path: the JSON of its vetting, or why there is none."""

    path: str
    value: JsonObject | None = None
    failure: Failure | None = None
    message: str = ""


@frozen(kw_only=True)
class Many:
    """How many skills are vetted.

    Attributes:
        workers: the number of processes; 1 vets in this one.
        resumption: a folder for what is finished; the caller removes it when the whole run has ended.
        state: the folder for what reviews cost and what models answered.
        tell: called with the number of skills that are done, and of all.
    """

    workers: int
    resumption: Path | None = None
    state: Path | None = None
    tell: Callable[[int, int], None] = lambda _done, _all: None


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def vet_many(
    paths: Sequence[str], configuration: Configuration, *, clock: Callable[[], datetime], many: Many
) -> Iterator[Vetted]:
    """Yield what came of each path, in order; a failure of one keeps no other from being vetted.

    Where processes cannot be copied (other systems than Linux, a program with threads) ``clock`` must be a function of
    a module.

    Raises: ResumptionError if the folder of unfinished runs belongs to others.
    """
    warm()  # before the processes are started, so that they share the compiled rules
    settings = _Settings(configuration.to_json(), clock, many.resumption, many.state)
    count = min(many.workers, len(paths))
    with PrivateFolder("haldir-vet-") as folder:  # for all that the processes put on the disk
        found = _in_parallel(paths, settings, folder, count) if count > 1 else _in_turn(paths, settings)
        with contextlib.closing(found):  # the processes end before their folder is removed, whoever wants no more
            for done, one in enumerate(found, 1):
                many.tell(done, len(paths))
                yield one


def _in_turn(paths: Sequence[str], settings: "_Settings") -> Generator[Vetted, None, None]:
    yield from map(settings.vetted, paths)


@frozen
class _Settings:
    """How every skill is vetted, in what every process can be given."""

    configuration: JsonObject
    clock: Callable[[], datetime]
    resumption: Path | None
    state: Path | None

    def vetted(self, path: str) -> Vetted:
        """Return what comes of one path."""
        kept = None if self.resumption is None else Resumption(self.resumption, Lasting.RUN)
        hooks = Hooks(resumption=kept, state=self.state)
        try:
            vetting = vet_path(path, Configuration.from_json(self.configuration), clock=self.clock, hooks=hooks)
        except UnsafeSkillError as error:
            return Vetted(path=path, failure=Failure.UNSAFE, message=str(error))
        except ResumptionError:
            raise
        except (HaldirError, OSError) as error:
            return Vetted(path=path, failure=Failure.UNREADABLE, message=str(error))
        return Vetted(path=path, value=vetting.to_json())


def _in_parallel(paths: Sequence[str], settings: _Settings, folder: Path, count: int) -> Generator[Vetted, None, None]:
    outcomes: dict[int, Vetted] = {}
    with contextlib.ExitStack() as stack:
        pool = _Pool(paths, settings, folder, stack)
        for _ in range(count):
            pool.start_worker()
        for number in range(len(paths)):
            while number not in outcomes:
                outcomes.update(pool.next_outcomes())
            yield outcomes.pop(number)


@define(eq=False)
class _Worker:
    """A process that vets, and the number of the path that it has."""

    process: BaseProcess
    connection: Connection
    number: int = -1


@define
class _Pool:
    """The processes, and the paths that are still to be given to them."""

    paths: Sequence[str]
    settings: _Settings
    folder: Path
    stack: contextlib.ExitStack
    _workers: dict[Connection, _Worker] = field(init=False, factory=dict)
    _next: int = field(init=False, default=0)

    def start_worker(self) -> None:
        """Start a process and give it work, if there is some left."""
        if self._next >= len(self.paths):
            return
        context = _context()
        here, there = context.Pipe()
        process = context.Process(target=_work, args=(there, here, self.settings, self.folder), daemon=True)
        process.start()
        there.close()
        worker = self._workers[here] = _Worker(process, here)
        self.stack.callback(_end, worker)
        self._give(worker)

    def next_outcomes(self) -> Iterator[tuple[int, Vetted]]:
        """Yield what is done next, with the numbers of the paths.

        Raises: ResumptionError as `vet_many`.
        """
        for connection in wait(list(self._workers)):
            worker = self._workers[connection]  # type: ignore[index] # only these are waited for
            try:
                received = worker.connection.recv_bytes()
            except (EOFError, OSError):
                yield worker.number, self._lost(worker)
                self.start_worker()
                continue
            yield worker.number, _read(self.paths[worker.number], received)
            self._give(worker)

    def _give(self, worker: _Worker) -> None:
        if self._next >= len(self.paths):
            del self._workers[worker.connection]
            return
        worker.number = self._next
        self._next += 1
        with contextlib.suppress(OSError):  # a process that has ended is noticed when its answer is waited for
            worker.connection.send_bytes(os.fsencode(self.paths[worker.number]))

    def _lost(self, worker: _Worker) -> Vetted:
        del self._workers[worker.connection]
        worker.process.join()
        message = f"its process ended with code {worker.process.exitcode}"
        return Vetted(path=self.paths[worker.number], failure=Failure.LOST, message=message)


def _end(worker: _Worker) -> None:
    worker.connection.close()
    worker.process.terminate()
    worker.process.join(END_SECONDS)
    if worker.process.exitcode is None:
        worker.process.kill()
        worker.process.join()


def _context() -> Any:  # noqa: ANN401 - the contexts have no common type that says what they can do
    is_safe = sys.platform == "linux" and threading.active_count() == 1
    return multiprocessing.get_context("fork" if is_safe else "spawn")


def _work(connection: Connection, other_end: Connection, settings: _Settings, folder: Path) -> None:
    """Vet one path after the other, until there is no more."""
    other_end.close()  # so that this one tells when the process at the other end is gone
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all; the one that started this process ends it
    tempfile.tempdir = os.fspath(folder)
    gc.enable()  # a command that ends in a moment goes without; this process may see thousands of skills
    with contextlib.suppress(EOFError, OSError, KeyboardInterrupt):  # nobody is there any more
        while True:
            _on_end(signal.SIG_DFL)
            path = os.fsdecode(connection.recv_bytes())
            _on_end(_interrupt)  # so that a vetting cleans up
            answer = _answer(settings, path)
            _on_end(signal.SIG_DFL)
            connection.send_bytes(answer)


def _on_end(action: "signal.Handlers | Callable[[int, object], NoReturn]") -> None:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, action)


def _interrupt(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _answer(settings: _Settings, path: str) -> bytes:
    try:
        done = settings.vetted(path)
    except ResumptionError as error:
        return json.dumps({"unusable": str(error)}).encode()
    return json.dumps({"value": done.value, "failure": done.failure, "message": done.message}).encode()


def _read(path: str, received: bytes) -> Vetted:
    members = json.loads(received)
    if "unusable" in members:
        raise ResumptionError(members["unusable"])
    failure = members["failure"]
    return Vetted(
        path=path,
        value=members["value"],
        failure=None if failure is None else Failure(failure),
        message=members["message"],
    )
