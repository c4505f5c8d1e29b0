"""The inner processes: one that keeps the tree and ends it, and the program itself up to its execve."""

# Paths are texts here, as the kernel gives them: a Path would rewrite them.
# ruff: noqa: PTH123

import ctypes
import os
import resource
import select
import signal
import socket
import struct
from contextlib import suppress

from attrs import frozen

from haldir_enforcer._linux import _kernel, _landlock, _mounts, _tree
from haldir_enforcer._linux._plan import Plan

KEEPER, LISTENER, ENDED, ERROR, NO_NAMESPACES = b"K", b"L", b"X", b"E", b"N"
"""The first bytes of what the inner processes say to the supervisor."""
FAILED = 125

_CLONE_ALL = 0x10000000 | 0x00020000 | 0x20000000 | 0x40000000 | 0x08000000 | 0x04000000 | 0x02000000
_SET_MODE_FILTER = 1
_FIRST_FREE = 3
_OOM_SCORE = "500"
"""When memory runs out, the kernel takes the confined processes before the supervisor."""


@frozen(eq=False)
class Ends:
    """The descriptors of the inner processes.  ``leash`` ends when the supervisor does."""

    report: socket.socket
    leash: int
    go: int
    streams: tuple[int, int, int]

    def numbers(self) -> set[int]:
        """Return all of them."""
        return {self.report.fileno(), self.leash, self.go, *self.streams}


def fork_keeper(plan: Plan, ends: Ends) -> int:
    """Return the process that makes the keeper, or is it; the keeper says its own number."""
    child = os.fork()
    if child:
        return child
    try:
        _kernel.close_from(_FIRST_FREE, ends.numbers())
        if plan.namespaces:
            _isolate(plan, ends)
        _keep(plan, ends)
    except BaseException as error:  # noqa: BLE001 - said to the supervisor, which gives up
        _say_error(ends, error)
    os._exit(FAILED)


def _isolate(plan: Plan, ends: Ends) -> None:
    """Go on as the first process of namespaces of its own."""
    try:
        _enter_namespaces()
        if os.fork():
            os._exit(0)
        _mounts.build(plan.binds, plan.links, plan.launch.cwd)
    except OSError as error:
        _say_error(ends, error, NO_NAMESPACES)
        os._exit(FAILED)


def _say_error(ends: Ends, error: BaseException, kind: bytes = ERROR) -> None:
    with suppress(OSError):  # there may be no supervisor to tell
        ends.report.send(kind + f"{type(error).__name__}: {error}".encode("utf-8", "replace")[:1000])


def _enter_namespaces() -> None:
    user, group = os.getuid(), os.getgid()
    _kernel.call("unshare", _CLONE_ALL)
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)


def _keep(plan: Plan, ends: Ends) -> None:
    """Start the program, collect every process that is left to it, end with the program or with the supervisor."""
    _kernel.prctl(_kernel.PR_SET_CHILD_SUBREAPER, 1)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    read, write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    ends.report.send(KEEPER)
    keeper = os.getpid()
    scoped = not plan.namespaces and plan.own_signals
    if scoped:  # before the fork: the program is confined further inside, can be signalled from here, and not back
        _kernel.prctl(_kernel.PR_SET_NO_NEW_PRIVS, 1)
        _landlock.restrict_signals()
    program = os.fork()
    if not program:
        signal.set_wakeup_fd(-1)
        _become_program(plan, ends, keeper)
    _kernel.prctl(_kernel.PR_SET_DUMPABLE, 0)  # its memory and environment are those of the process that started this
    for descriptor in {ends.go, *ends.streams}:
        os.close(descriptor)
    status = _wait_for(program, ends.leash, read)
    _end_all(plan, ends, status, scoped=scoped)


def _wait_for(program: int, leash: int, wakeup: int) -> int | None:
    """Return the wait status of the program, or None if the leash ended first."""
    poll = select.poll()
    poll.register(leash, select.POLLIN)
    poll.register(wakeup, select.POLLIN)
    while True:
        while True:
            try:
                number, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return None
            if number == program:
                return status
            if not number:
                break
        for descriptor, _ in poll.poll():
            if descriptor == leash:
                return None
            os.read(wakeup, 4096)


def _end_all(plan: Plan, ends: Ends, status: int | None, *, scoped: bool) -> None:
    if plan.namespaces:
        ends.report.send(ENDED + struct.pack("i", -1 if status is None else status))
        os._exit(0)  # with the first process of its namespace the kernel ends all others
    if scoped and _is_scoped():
        _kill_domain()
    else:
        _tree.kill_descendants(os.getpid())
    ends.report.send(ENDED + struct.pack("i", -1 if status is None else status))
    os._exit(0)


def _is_scoped() -> bool:
    """Whether a signal to outside is refused, so that a signal to all goes to what is inside alone."""
    try:
        os.kill(os.getppid(), 0)
    except PermissionError:
        return os.getppid() > 1
    except ProcessLookupError:
        return False
    return False


def _kill_domain() -> None:
    """One signal to every process inside, at one instant: a fork is either before it or never."""
    while not _tree.reap():
        with suppress(ProcessLookupError, PermissionError):
            os.kill(-1, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _become_program(plan: Plan, ends: Ends, keeper: int) -> None:
    try:
        _prepare(plan, ends, keeper)
        descriptor = _install_filter(plan.program)
        socket.send_fds(ends.report, [LISTENER], [descriptor])
        os.close(descriptor)
        if os.read(ends.go, 1) != b"g":
            os._exit(FAILED)
        if plan.probe is not None:
            os._exit(plan.probe())
        os.execve(plan.launch.argv[0], list(plan.launch.argv), dict(plan.launch.environment))  # noqa: S606 - that is the point
    except BaseException as error:  # noqa: BLE001 - said to the supervisor; nothing of the program has run
        _say_error(ends, error)
    os._exit(FAILED)


def _prepare(plan: Plan, ends: Ends, keeper: int) -> None:
    _kernel.prctl(_kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != keeper:
        os._exit(FAILED)
    os.setsid()
    with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write(_OOM_SCORE)
    for target, source in enumerate(ends.streams):
        os.dup2(source, target, inheritable=True)
    _kernel.close_from(_FIRST_FREE, {ends.report.fileno(), ends.go})
    os.chdir(plan.launch.cwd)
    for kind, most in plan.limits:
        resource.setrlimit(kind, (most, most))
    _reset_signals()
    _kernel.prctl(_kernel.PR_SET_NO_NEW_PRIVS, 1)
    if plan.kernel.landlock_abi:
        _landlock.restrict(plan.grants, plan.kernel.landlock_abi)
    _kernel.drop_capabilities()


def _reset_signals() -> None:
    for number in range(1, signal.NSIG):
        if number not in {signal.SIGKILL, signal.SIGSTOP} and signal.getsignal(number) is not None:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _install_filter(program: bytes) -> int:
    """Return the listener of the filter that holds from now on."""
    code = ctypes.create_string_buffer(program, len(program))
    record = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(code)), 16)
    flags = _kernel.FILTER_NEW_LISTENER | _kernel.FILTER_WAIT_KILLABLE
    try:
        return _kernel.call("seccomp", _SET_MODE_FILTER, flags, ctypes.addressof(record))
    except OSError:  # before Linux 5.19 a wait could not be made killable only
        return _kernel.call("seccomp", _SET_MODE_FILTER, _kernel.FILTER_NEW_LISTENER, ctypes.addressof(record))
