"""The process that answers for the confined ones: it decides, measures, reports, and ends the run."""

import gc
import os
import select
import signal
import struct
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from haldir_enforcer._linux import (
    _child,
    _filter,
    _inner,
    _kernel,
    _names,
    _network,
    _notification,
    _processes,
    _rules,
    _tree,
)
from haldir_enforcer._linux._changes import Changes
from haldir_enforcer._linux._channel import Sender
from haldir_enforcer._linux._files import Files
from haldir_enforcer._linux._memory import BadAddressError, Memory, UnreadableError
from haldir_enforcer._linux._meter import Meter
from haldir_enforcer._linux._notification import Answer, Listener, Request
from haldir_enforcer._linux._plan import Judge, Plan
from haldir_enforcer._linux._programs import Execution
from haldir_enforcer._linux._report import Report
from haldir_enforcer._linux._scene import Scene
from haldir_enforcer._linux._view import View
from haldir_enforcer._linux._virtual import VirtualFiles, account_texts
from haldir_enforcer.confinement import Ending, Reaction
from haldir_enforcer.events import Action, By, Class, Decision, Event

_FLUSH_SECONDS = 0.02
_UNFOLD_SECONDS = 0.25
_GARBAGE = 50_000
"""Records are no cycles: they need no collector, which would walk all that wait to be sent."""
_LONGEST_END_SECONDS = 10.0
"""How long the keeper may take to end everything before it is ended from here."""
_TURNS = 16
"""Answers between two looks at the clock."""


class Supervisor:
    """One run, from the first fork to the last process."""

    def __init__(self, plan: Plan, control: int, streams: tuple[int, int, int], umask: int) -> None:
        starting = _inner.start(plan, streams, umask)  # they make themselves ready while this does
        self._plan = plan
        self._control = control
        self._sender = Sender(control)
        self._report = Report(self._sender)
        self._posted: deque[Callable[[], None]] = deque()
        self._wake_read, self._wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._ending: tuple[Ending, str | None] | None = None
        self._status: int | None = None
        self._keeper_gone = False
        self._ended_at = 0.0
        self._keeper = starting.keeper
        self._assemble()
        self._begin(starting.confined())

    def _begin(self, inner: _inner.Inner) -> None:
        """The program starts, and is answered."""
        self._reports, self._leash, self._group, self.program = inner.reports, inner.leash, inner.group, inner.program
        self._keeper_handle = os.pidfd_open(self._keeper)
        self._program_handle = os.pidfd_open(self.program)
        self._listener.descriptor = inner.listener
        self._root = f"/proc/self/fd/{self._view.enter(self.program)}"
        self._meter.see(self._root)
        self._meter.begin()
        inner.go()

    def _assemble(self) -> None:
        plan = self._plan
        policy, limits = plan.launch.policy, plan.launch.limits
        self._listener = Listener(_kernel.this_machine())
        self._memory = Memory(self._listener)
        self._view = View()
        self._rules = _rules.Rules(policy, plan.grants)
        scene = Scene(self._rules, self._view, self._memory, self._report)
        peers = _names.Peers(policy.hosts, plan.services.proxy)
        self._processes = _processes.Processes(self._keeper, limits.processes, self._report, apart=plan.namespaces)
        self._meter = Meter(self._keeper, limits)
        services = plan.services
        outside = plan.namespaces and bool(policy.hosts or services.proxy or services.sinkhole)
        self._network = _network.Network(scene, peers, services, _network.Desk(self._post, self._answer, outside))
        texts = account_texts(os.getuid(), os.getgid(), plan.launch.environment.get("HOME", "/"))
        texts |= {"/etc/hosts": peers.hosts_text, "/etc/resolv.conf": lambda: "nameserver 127.0.0.53\noptions use-vc\n"}
        self._files = Files(scene, VirtualFiles(texts), self._meter.wrote, self._network.looked_up)
        self._changes = Changes(scene, self._files.forget, self._meter)
        self._execution = Execution(scene, plan.programs, self._reaped)
        self._handlers = self._table()

    def _table(self) -> dict[str, Callable[[Request], Answer]]:
        if self._plan.judge is Judge.KERNEL_ALONE:
            asked = _filter.asked_always(_filter.Ask.NOTHING)
            return dict.fromkeys(asked, lambda _: _notification.GO_ON)
        table: dict[str, Callable[[Request], Answer]] = dict.fromkeys(_filter.OPENS, self._files.decide)
        table |= dict.fromkeys(_filter.CHANGES, self._changes.decide)
        table |= dict.fromkeys(_filter.EXECS, self._exec)
        table |= dict.fromkeys(_filter.SIGNALS, self._processes.signal)
        table |= dict.fromkeys(_filter.OTHER_PROCESS | {"prlimit64"}, self._processes.other)
        table |= dict.fromkeys(("fork", "vfork", "clone"), self._fork)
        table |= {
            "openat": self._files.decide_openat,
            "socket": self._network.make,
            "socketpair": self._network.pair,
            "connect": lambda request: self._network.connect(request, self._listener),
            "bind": self._network.bind,
            "listen": self._network.listen,
            "inotify_add_watch": self._files.watch,
            "umask": self._umask,
            "chdir": self._move,
            "fchdir": self._move,
        }
        return table

    # --- loop

    def run(self) -> None:
        """Answer until no process of the run is left."""
        poll = select.poll()
        listener = self._listener.descriptor
        for descriptor in (listener, self._control, self._reports.fileno(), self._keeper_handle, self._wake_read):
            poll.register(descriptor, select.POLLIN)
        unfold_at = time.monotonic() + _UNFOLD_SECONDS
        if self._plan.probe is not None:
            self._sender.message("ready", self.program)
        turns = 0
        while not self._keeper_gone:
            turns += 1
            found = poll.poll(5 if turns % _TURNS else self._timeout())
            for descriptor, events in found:
                if descriptor == listener and events & select.POLLIN:
                    self._answer_next()
                elif descriptor == listener or not self._handle(descriptor):
                    poll.unregister(descriptor)
            if found and turns % _TURNS:
                continue
            turns = 0
            self._execution.reap()
            self._check_limits()
            now = time.monotonic()
            if now >= unfold_at:
                self._report.unfold()
                self._view.forget_current()
                unfold_at = now + _UNFOLD_SECONDS
            if now >= self._flush_at:
                self._flush(now)
        self._finish()

    _flush_at = 0.0

    def _flush(self, now: float) -> None:
        self._flush_at = now + _FLUSH_SECONDS
        try:
            self._sender.flush()
        except OSError:
            self._end(Ending.STOPPED, "the process that started the run is gone")

    def _timeout(self) -> float:
        seconds = self._meter.timeout()
        return 1000 * max(0.0, min(seconds, _FLUSH_SECONDS if not self._sender.idle else 0.25))

    def _handle(self, descriptor: int) -> bool:
        """Whether more can come from a descriptor that has something to say."""
        if descriptor == self._reports.fileno():
            return self._hear()
        if descriptor == self._control:
            return self._obey()
        if descriptor == self._keeper_handle:
            self._keeper_gone = True
        else:
            os.read(self._wake_read, 4096)
            while self._posted:
                self._posted.popleft()()
                self._react()
        return True

    def _post(self, do: Callable[[], None]) -> None:
        self._posted.append(do)
        os.write(self._wake_write, b"p")

    def _obey(self) -> bool:
        """Carry out what the process that started the run asks for; its end is the end of the run."""
        try:
            data = os.read(self._control, 4096)
        except BlockingIOError:
            return True
        except OSError:
            data = b""
        if not data:
            self._end(Ending.STOPPED, "the process that started the run is gone")
        for at in range(0, len(data) - 1, 2):
            command, number = data[at : at + 1], data[at + 1]
            if command == b"S":
                self._signal(number)
            else:
                ending = Ending.FAILED if command == b"F" else Ending.STOPPED
                self._end(ending, "an event could not be recorded" if command == b"F" else None)
        return bool(data)

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._program_handle, number)

    def _hear(self) -> bool:
        try:
            data = self._reports.recv(2048)
        except BlockingIOError:
            return True
        if data[:1] == _child.ENDED:
            (self._status,) = struct.unpack("i", data[1:5])
        elif data[:1] == _child.ERROR:
            self._end(Ending.FAILED, data[1:].decode("utf-8", "replace"))
        return bool(data)

    def _reaped(self, process: int, status: int) -> None:
        del status
        if process == self._keeper:
            self._keeper_gone = True

    # --- decisions

    def _answer_next(self) -> None:
        request = self._listener.receive()
        if request is None or self._ending is not None:
            return
        if self._view.moving:
            self._view.moving.discard(request.thread)
        answer = self._decide(request)
        if self._report.violations:
            self._react()
        self._answer(request, answer)

    def _answer(self, request: Request, answer: Answer) -> None:
        """Answer, but at the end of the run: a thread that waits does nothing more until it is killed."""
        if self._ending is None:
            self._listener.answer(request, answer)

    def _react(self) -> None:
        """End the run at its first violation, if that is how it is to be answered."""
        if self._report.violations and self._plan.launch.reaction is Reaction.KILL:
            self._end(Ending.VIOLATION, self._report.first_violation)

    def _decide(self, request: Request) -> Answer:
        try:
            return self._handlers.get(request.name, self._processes.refuse)(request)
        except BadAddressError:
            return _notification.BAD_ADDRESS
        except UnreadableError as error:
            if self._listener.still_waits(request):
                self._fail(request, f"{request.name}: {error}")
        except OSError as error:
            return _notification.Refuse(error.errno or 13)
        except Exception as error:  # noqa: BLE001 - whatever it is: deny, kill, say so
            self._fail(request, f"{request.name}: {type(error).__name__}: {error}")
        return _notification.DENIED

    def _fail(self, request: Request, detail: str) -> None:
        self._report.event(
            Event(
                action=Action.SUPERVISOR_FAILED,
                decision=Decision.DENY,
                by=By.SUPERVISOR,
                kind=Class.VIOLATION,
                pid=request.thread,
                detail=detail,
            )
        )
        self._end(Ending.FAILED, detail)

    def _umask(self, request: Request) -> Answer:
        del request
        self._report.forget()
        return _notification.GO_ON

    def _move(self, request: Request) -> Answer:
        self._view.moves(request.thread)
        return _notification.GO_ON

    def _exec(self, request: Request) -> Answer:
        before = self._execution.started
        answer = self._execution.decide(request, self._listener)
        if self._execution.started and not before:
            self._sender.message("ready", self.program)
        return answer

    def _fork(self, request: Request) -> Answer:
        if request.name == "clone" and _processes.is_new_namespace(request):
            return self._processes.refuse(request)
        if self._processes.another(request):
            return _notification.GO_ON
        most = self._plan.launch.limits.processes or 0
        detail = f"more than {most} processes, or {_processes.most_threads(most)} threads in them, were asked for"
        self._report.limit(Action.LIMIT_PROCESSES, detail, request.thread)
        self._end(Ending.LIMIT, detail)
        return _notification.Refuse(11)

    def _check_limits(self) -> None:
        if self._ending is not None:
            self._keeper_gone |= time.monotonic() > self._ended_at + _LONGEST_END_SECONDS
            return
        passed = self._meter.passed()
        if passed is None and self._group is not None and (held := self._group.passed()) is not None:
            passed = held, "the kernel held the limit of the control group"
        if passed is not None:
            action, detail = passed
            self._report.limit(action, detail, self.program)
            self._end(Ending.LIMIT, detail)

    # --- end

    def _end(self, ending: Ending, detail: str | None) -> None:
        """The whole tree is killed: the keeper does it when its leash ends."""
        if self._ending is not None:
            return
        self._ending = ending, detail
        self._ended_at = time.monotonic()
        os.close(self._leash)
        if self._group is not None:
            with suppress(OSError):  # the leash alone is enough
                self._group.kill()
        if self._plan.namespaces:
            signal.pidfd_send_signal(self._keeper_handle, signal.SIGKILL)

    def _finish(self) -> None:
        try:
            data = self._reports.recv(2048)
            if data[:1] == _child.ENDED:
                (self._status,) = struct.unpack("i", data[1:5])
        except OSError:
            pass
        _tree.kill_descendants(os.getpid())
        self._rules.shared.remove_all(self._root)
        if self._group is not None:
            with suppress(OSError):
                self._group.remove()
        self._report.unfold()
        ending, code, detail = self._outcome()
        self._sender.message("end", str(ending), code, detail)
        self._sender.finish()

    def _outcome(self) -> tuple[Ending, int, str | None]:
        status = self._status
        if self._ending is not None:
            return self._ending[0], 128 + signal.SIGKILL, self._ending[1]
        if status is None or status == -1:
            return Ending.FAILED, 128 + signal.SIGKILL, "the keeper of the processes was killed"
        if os.WIFSIGNALED(status):
            return Ending.SIGNALLED, 128 + os.WTERMSIG(status), None
        return Ending.EXITED, os.WEXITSTATUS(status), None


def main(plan: Plan, control: int, streams: tuple[int, int, int]) -> None:
    """Be the supervisor of one run, in a process made for it; this does not return."""
    try:
        umask = _settle(control, streams)
        try:
            supervisor = Supervisor(plan, control, streams, umask)
        except (_inner.StartError, OSError) as error:
            _tree.kill_descendants(os.getpid())
            os.set_blocking(control, True)
            kind = "namespaces" if isinstance(error, _inner.NamespacesError) else "error"
            Sender(control).message(kind, str(error))
            os._exit(1)
        supervisor.run()
        os._exit(0)
    except BaseException as error:  # noqa: BLE001 - the starter reads the end of the channel as a failure and kills
        _tree.kill_descendants(os.getpid())
        os.set_blocking(control, True)
        Sender(control).message("broken", f"{type(error).__name__}: {error}")
    finally:
        os._exit(1)


def _settle(control: int, streams: tuple[int, int, int]) -> int:
    """Leave everything of the starting process behind but what is needed; return its umask, which is the program's."""
    gc.freeze()
    gc.set_threshold(_GARBAGE)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _kernel.hold_signals()
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(null, number)
    _kernel.close_from(3, {control, *streams})
    _kernel.prctl(_kernel.PR_SET_CHILD_SUBREAPER, 1)
    return os.umask(0)
