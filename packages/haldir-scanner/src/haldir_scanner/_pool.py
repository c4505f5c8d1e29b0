"""The scan of many skills, on all processors.  The only module that starts processes: copies of this one, that scan."""

import contextlib
import io
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from haldir_scanner._errors import ScannerError, UnfinishedError
from haldir_scanner._limits import Limits
from haldir_scanner._reports._report import ScanReport
from haldir_scanner._rules._bundle import RuleBundle, builtin
from haldir_scanner._rules._rule import Rule
from haldir_scanner._rules._scoring import Policy
from haldir_scanner._rules._table import RuleTable
from haldir_scanner._units import Target, Unit, UnitReport, merged, scan_unit

MIN_UNITS = 8
"""Fewer are scanned in this process: to start others takes as long as to scan a few skills."""

_DEFAULTS = Limits()
_Outcome = tuple[UnitReport | ScannerError, float]


@frozen(kw_only=True)
class Scanned:
    """What came of one path.

    Attributes:
        target: the path, and what was scanned for it.
        units: the reports about it; empty if there is an error.
        error: why there is no verdict.
        seconds: that the scan took, on the clock of the wall.
    """

    target: Target
    units: tuple[UnitReport, ...] = ()
    error: ScannerError | None = None
    seconds: float = 0.0

    @property
    def path(self) -> str:
        """The path as the caller wrote it."""
        return self.target.path

    @property
    def report(self) -> ScanReport:
        """The report about all units together.

        Raises: ScannerError, the one that is the ``error``.
        """
        if self.error is not None:
            raise self.error
        return merged(self.units)


def scan_many(
    targets: Iterable[Target | Path | str],
    *,
    limits: Limits = _DEFAULTS,
    bundle: RuleBundle | None = None,
    policy: Policy = Policy.BALANCED,
    workers: int | None = None,
    tell: Callable[[int, int], None] = lambda _done, _all: None,
) -> Iterator[Scanned]:
    """What comes of each path, in order; a folder with several skills is scanned skill by skill.

    An error with one path is told with it and keeps no other from being scanned. ``workers`` is the number of
    processes, by default one for each processor that this process may use. On other systems than Linux, and in a
    program with threads, the main module must be importable without doing anything, as ``multiprocessing`` says.
    ``tell`` is called with the number of skills that are done, and of all, whenever one is done.

    Raises: BundleError if the bundle cannot be used.
    """
    listed = [target if isinstance(target, Target) else Target.of(target) for target in targets]
    units = [unit for target in listed for unit in target.units]
    settings = _Settings(limits, bundle, policy)
    count = min(_processors() if workers is None else workers, len(units))
    in_parallel = count > 1 and len(units) >= MIN_UNITS
    outcomes = _in_parallel(units, settings, count) if in_parallel else map(settings.outcome, units)
    counted = _counted(outcomes, len(units), tell)
    for target in listed:
        yield _scanned(target, [next(counted) for _ in target.units])


def _counted(outcomes: Iterator[_Outcome], count: int, tell: Callable[[int, int], None]) -> Iterator[_Outcome]:
    for done, outcome in enumerate(outcomes, 1):
        tell(done, count)
        yield outcome


def _scanned(target: Target, outcomes: Sequence[_Outcome]) -> Scanned:
    error = next((result for result, _ in outcomes if isinstance(result, ScannerError)), None)
    seconds = sum(seconds for _, seconds in outcomes)
    if error is not None:
        return Scanned(target=target, error=error, seconds=seconds)
    reports = tuple(result for result, _ in outcomes if isinstance(result, UnitReport))
    # Where nothing lies outside the skills of a repository there is nothing to say about it.
    told = tuple(unit for unit in reports if unit.prefix or unit.report.files_scanned or unit.report.matches)
    return Scanned(target=target, units=told or reports[-1:], seconds=seconds)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


@frozen
class _Settings:
    """How every unit is scanned."""

    limits: Limits
    bundle: RuleBundle | None
    policy: Policy

    def outcome(self, unit: Unit) -> _Outcome:
        """The report about a unit, or the error that there is instead; and the seconds that it took."""
        started = time.perf_counter()
        try:
            result: UnitReport | ScannerError = scan_unit(unit, self.limits, self.bundle, self.policy)
        except ScannerError as error:
            result = error
        except Exception as error:  # noqa: BLE001 - a mistake of ours with one skill must not hide what is known of others
            result = UnfinishedError(os.fspath(unit.path), f"internal error ({type(error).__name__}: {error})"[:300])
        return result, time.perf_counter() - started

    def make_ready(self) -> None:
        """Compile the rules before the processes are started, so that they share them.

        Raises: BundleError if the bundle cannot be used.
        """
        from haldir_scanner._skill import Skill  # noqa: PLC0415 - the engine is loaded when something is scanned

        Skill.with_rules(self.bundle, self.limits, self.policy)


def _in_parallel(units: Sequence[Unit], settings: _Settings, count: int) -> Iterator[_Outcome]:
    settings.make_ready()
    outcomes: dict[int, _Outcome] = {}
    with contextlib.ExitStack() as stack:
        pool = _Pool(units, settings, stack)
        for _ in range(count):
            pool.start_worker()
        for number in range(len(units)):
            while number not in outcomes:
                outcomes.update(pool.next_outcomes())
            yield outcomes.pop(number)


@define(eq=False)
class _Worker:
    """A process that scans, and the number of the unit that it scans now."""

    process: BaseProcess
    connection: Connection
    number: int = -1


@define
class _Pool:
    """The processes, and the units that are still to be given to them."""

    units: Sequence[Unit]
    settings: _Settings
    stack: contextlib.ExitStack
    _workers: dict[Connection, _Worker] = field(init=False, factory=dict)
    _next: int = field(init=False, default=0)

    def start_worker(self) -> None:
        """Start a process and give it work, if there is some left."""
        if self._next >= len(self.units):
            return
        here, there = _context().Pipe()
        process = _context().Process(target=_work, args=(there, here, self.settings), daemon=True)
        process.start()
        there.close()
        worker = self._workers[here] = _Worker(process, here)
        self.stack.callback(_end, worker)
        self._give(worker)

    def next_outcomes(self) -> Iterator[tuple[int, _Outcome]]:
        """The outcomes of the units that are scanned next, with their numbers."""
        for connection in wait(list(self._workers)):
            worker = self._workers[connection]  # type: ignore[index] # sockets and handles are waited for elsewhere
            try:
                received = worker.connection.recv_bytes()
            except (EOFError, OSError):
                yield worker.number, self._lost(worker)
                self.start_worker()
                continue
            yield worker.number, _loaded(received, self.settings.bundle)
            self._give(worker)

    def _give(self, worker: _Worker) -> None:
        if self._next >= len(self.units):
            del self._workers[worker.connection]
            return
        worker.number = self._next
        self._next += 1
        # A process that has ended is noticed when its outcome is waited for.
        with contextlib.suppress(OSError):
            worker.connection.send(self.units[worker.number])

    def _lost(self, worker: _Worker) -> _Outcome:
        """The outcome of a unit whose process ended before it could tell."""
        del self._workers[worker.connection]
        worker.process.join()
        path = os.fspath(self.units[worker.number].path)
        return UnfinishedError(path, f"its process ended with code {worker.process.exitcode}"), 0.0


def _end(worker: _Worker) -> None:
    worker.connection.close()
    worker.process.terminate()
    worker.process.join()


def _context() -> Any:  # noqa: ANN401 - the contexts have no common type that says what they can do
    """How processes are started: as copies that share the compiled rules, where that is safe."""
    is_safe = sys.platform == "linux" and threading.active_count() == 1
    return multiprocessing.get_context("fork" if is_safe else "spawn")


def _work(connection: Connection, other_end: Connection, settings: _Settings) -> None:
    """Scan one unit after the other, until there is no more."""
    other_end.close()  # so that this one tells when the process at the other end is gone
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all; the one that started this process ends it
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    with contextlib.suppress(EOFError, OSError):  # nobody is there any more
        while True:
            connection.send_bytes(_dumped(settings.outcome(connection.recv())))


class _Pickler(pickle.Pickler):
    """Writes a rule as its id: both sides have the bundle, and a rule is itself only once."""

    def persistent_id(self, obj: object) -> str | None:
        return obj.id if isinstance(obj, Rule) else None


class _Unpickler(pickle.Unpickler):
    def __init__(self, data: bytes, rules: RuleTable) -> None:
        super().__init__(io.BytesIO(data))
        self._rules = rules

    def persistent_load(self, pid: str) -> Rule:
        return self._rules[pid]


def _dumped(outcome: _Outcome) -> bytes:
    stream = io.BytesIO()
    _Pickler(stream, pickle.HIGHEST_PROTOCOL).dump(outcome)
    return stream.getvalue()


def _loaded(data: bytes, bundle: RuleBundle | None) -> _Outcome:
    outcome: _Outcome = _Unpickler(data, RuleTable.of(bundle or builtin())).load()
    return outcome
