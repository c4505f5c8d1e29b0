"""New processes, signals and refused calls."""

# Paths are texts here, as the kernel gives them: a Path would rewrite them.
# ruff: noqa: PTH110, PTH123

import errno
import os
import time
from collections import deque
from collections.abc import Callable

from haldir_enforcer._linux import _filter, _notification, _tree
from haldir_enforcer._linux._notification import Answer, Request
from haldir_enforcer._linux._report import Deed, Report
from haldir_enforcer._linux._view import signed
from haldir_enforcer.events import Action, Class

_IN_FLIGHT_SECONDS = 0.05
"""A granted fork may not have made its process yet."""
_SETTLING_SECONDS = 0.002
_FEWEST_THREADS, _THREADS_EACH = 256, 8
_NOBODY = 0x7FFFFFFF
_PRIO_PROCESS = {"setpriority": 0, "ioprio_set": 1}


class _Tally:
    """How many there are at most, counted again only when that could be too many."""

    def __init__(self, most: int, count: Callable[[], int]) -> None:
        self._most = most
        self._count = count
        self._upper_bound = 1
        self._granted: deque[float] = deque(maxlen=4096)

    def another(self) -> bool:
        """Whether one more is within the limit; then it is counted."""
        now = time.monotonic()
        if self._upper_bound >= self._most:
            while self._granted and now - self._granted[0] > _IN_FLIGHT_SECONDS:
                self._granted.popleft()
            self._upper_bound = self._count()
            if self._upper_bound + len(self._granted) > self._most:  # those on their way may be among the counted
                time.sleep(_SETTLING_SECONDS)
                self._upper_bound = self._count()
        if self._upper_bound >= self._most:
            return False
        self._upper_bound += 1
        self._granted.append(now)
        return True


class Processes:
    """Counts processes, keeps signals inside, names what is refused always."""

    def __init__(self, keeper: int, most: int | None, report: Report, *, apart: bool) -> None:
        self._apart = apart
        self._keeper = keeper
        self._report = report
        self._limited = most is not None
        self._processes = _Tally(most or 0, lambda: len(self.members()))
        self._threads = _Tally(most_threads(most or 0), self._all_threads)

    def members(self) -> set[int]:
        """Return the living processes of the run."""
        return set(_tree.descendants(self._keeper))

    def another(self, request: Request) -> bool:
        """Whether one more process or thread is within the limit; then it is counted."""
        if not self._limited:
            return True
        if request.name == "clone" and request.arguments[0] & _filter.CLONE_THREAD:
            return self._threads.another()
        return self._processes.another() and self._threads.another()

    def _all_threads(self) -> int:
        return sum(_tree.threads(process) for process in self.members())

    def signal(self, request: Request) -> Answer:
        """Return the answer to a signal where the kernel does not keep signals inside."""
        target = signed(request.arguments[0])
        if request.name == "pidfd_send_signal":
            target = _process_of_descriptor(request.thread, target)
        if target == 0 or abs(target) in self.members() | {request.thread} or self._is_thread(target):
            return _notification.GO_ON
        return self.refuse(request, Action.PROCESS_SIGNAL)

    def other(self, request: Request) -> Answer:
        """Return the answer to a call that sets something of a process, which must be one of the run."""
        a = request.arguments
        if request.name == "prlimit64" and not a[2]:
            return _notification.GO_ON
        which = _PRIO_PROCESS.get(request.name)
        if which is not None and a[0] != which:
            return self.refuse(request)
        if self._apart:
            return _notification.GO_ON  # no number of theirs is that of an outer process
        target = signed(a[1] if which is not None else a[0])
        if target in {0, request.thread, self._report.caller(request.thread).inner} or self._is_thread(target):
            return _notification.GO_ON
        return self.refuse(request)

    def refuse(self, request: Request, action: Action = Action.SYSCALL) -> Answer:
        """Return the refusal of a call that is nobody's right; the trace names it."""
        self._report.note(
            request,
            Deed(action, allowed=False, kind=Class.VIOLATION, errno=errno.EPERM, detail=request.name, path=None),
        )
        return _notification.NOT_PERMITTED

    def _is_thread(self, number: int) -> bool:
        return any(os.path.exists(f"/proc/{process}/task/{number}") for process in self.members())


def most_threads(processes: int) -> int:
    """Return how many threads may run in all where so many processes may: runtimes start a dozen each."""
    return max(_FEWEST_THREADS, processes * _THREADS_EACH)


def is_new_namespace(request: Request) -> bool:
    """Whether a clone asks for a namespace of its own."""
    return bool(request.arguments[0] & (_filter.CLONE_NEW | _filter.CLONE_NEWTIME))


def _process_of_descriptor(thread: int, descriptor: int) -> int:
    """Return the process that a pidfd of a caller stands for, or one that is never a member."""
    try:
        with open(f"/proc/{thread}/fdinfo/{descriptor}", "rb") as file:
            for line in file:
                if line.startswith(b"Pid:"):
                    return int(line.split()[1])
    except (OSError, ValueError):
        pass
    return _NOBODY
