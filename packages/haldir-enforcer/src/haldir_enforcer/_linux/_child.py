"""The inner processes: one that keeps the tree and ends it, and the program itself up to its execve."""

# Paths are texts here, as the kernel gives them: a Path would rewrite them.
# ruff: noqa: PTH116, PTH123

import ctypes
import os
import resource
import select
import signal
import socket
import struct
from collections.abc import Callable
from contextlib import suppress

from attrs import frozen

from haldir_enforcer._linux import _kernel, _landlock, _mounts, _tree
from haldir_enforcer._linux._plan import Plan

KEEPER, LISTENER, ENDED, ERROR, NO_NAMESPACES = b"K", b"L", b"X", b"E", b"N"
"""The first bytes of what the inner processes say to the supervisor."""
FAILED = 125

_LONGEST_ROOT = 64

_CLONE_ALL = 0x10000000 | 0x00020000 | 0x20000000 | 0x40000000 | 0x08000000 | 0x04000000 | 0x02000000
_SET_MODE_FILTER = 1
_FIRST_FREE = 3
_OOM_SCORE = b"500"
"""When memory runs out, the kernel takes the confined processes before the supervisor."""


@frozen(eq=False)
class Ends:
    """What the inner processes are handed: descriptors, and the umask.  ``leash`` ends when the supervisor does."""

    report: socket.socket
    leash: int
    go: int
    streams: tuple[int, int, int]
    umask: int

    def numbers(self) -> set[int]:
        """Return all descriptors."""
        return {self.report.fileno(), self.leash, self.go, *self.streams}


def fork_keeper(plan: Plan, ends: Ends) -> int:
    """Return the keeper, in namespaces of its own where the plan wants them; 0 if these are refused, which is said."""
    user, group = os.getuid(), os.getgid()
    if plan.namespaces:
        try:
            child = _kernel.fork_into(_CLONE_ALL)
        except OSError as error:
            _say_error(ends, error, NO_NAMESPACES)
            return 0
    else:
        child = os.fork()
    if child:
        return child
    try:
        _kernel.close_from(_FIRST_FREE, ends.numbers())
        if plan.namespaces:
            _isolate(ends, lambda: _map(user, group))
        _keep(plan, ends)
    except BaseException as error:  # noqa: BLE001 - said to the supervisor, which gives up
        _say_error(ends, error)
    os._exit(FAILED)


def _say_error(ends: Ends, error: BaseException, kind: bytes = ERROR) -> None:
    with suppress(OSError):  # there may be no supervisor to tell
        ends.report.send(kind + f"{type(error).__name__}: {error}".encode("utf-8", "replace")[:1000])


def _isolate(ends: Ends, step: Callable[[], None]) -> None:
    """Take a step into the namespaces; where the kernel refuses one, a run without them may be tried."""
    try:
        step()
    except OSError as error:
        _say_error(ends, error, NO_NAMESPACES)
        os._exit(FAILED)


def _map(user: int, group: int) -> None:
    """This user and this group are there inside, as themselves, and no other."""
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with open(f"/proc/self/{name}", "wb", buffering=0) as file:
            file.write(text.encode())


def _keep(plan: Plan, ends: Ends) -> None:
    """Start the program, collect every process that is left to it, end with the program or with the supervisor."""
    _kernel.prctl(_kernel.PR_SET_CHILD_SUBREAPER, 1)
    read, write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    _kernel.let_through(signal.SIGCHLD)
    ends.report.send(KEEPER)
    keeper = os.getpid()
    scoped = not plan.namespaces and plan.own_signals
    if scoped:  # before the fork: the program is confined further inside, can be signalled from here, and not back
        _kernel.prctl(_kernel.PR_SET_NO_NEW_PRIVS, 1)
        _landlock.restrict_signals()
    root_read, root = os.pipe2(os.O_CLOEXEC)
    program = os.fork()
    if not program:
        signal.set_wakeup_fd(-1)
        _become_program(plan, ends, keeper, root_read)
    _kernel.prctl(_kernel.PR_SET_DUMPABLE, 0)  # its memory and environment are those of the process that started this
    if plan.namespaces:
        _isolate(ends, lambda: _mounts.build(plan.tree, plan.binds))
    os.write(root, _root())
    for descriptor in {ends.go, root_read, root, *ends.streams}:
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


def _root() -> bytes:
    """Return which folder this process sees as the root."""
    status = os.stat("/")
    return b"%d:%d" % (status.st_dev, status.st_ino)


def _become_program(plan: Plan, ends: Ends, keeper: int, root: int) -> None:
    try:
        _prepare(plan, ends, keeper, root)
        rules = _landlock.ruleset(plan.grants, plan.kernel.landlock_abi) if plan.kernel.landlock_abi else None
        if os.read(root, _LONGEST_ROOT) != _root():  # the keeper has changed it for both, or has ended
            os._exit(FAILED)
        os.close(root)
        _confine(plan, rules)
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


def _prepare(plan: Plan, ends: Ends, keeper: int, root: int) -> None:
    """Everything that can be done while the keeper still makes the tree of folders."""
    _kernel.prctl(_kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != keeper:
        os._exit(FAILED)
    os.setsid()
    os.umask(ends.umask)
    for target, source in enumerate(ends.streams):
        os.dup2(source, target, inheritable=True)
    _kernel.close_from(_FIRST_FREE, {ends.report.fileno(), ends.go, root})
    for kind, most in plan.limits:
        resource.setrlimit(kind, (most, most))
    _kernel.default_signals()
    _kernel.prctl(_kernel.PR_SET_NO_NEW_PRIVS, 1)
    _kernel.drop_bounding_set()


def _confine(plan: Plan, rules: int | None) -> None:
    with open("/proc/self/oom_score_adj", "wb", buffering=0) as file:
        file.write(_OOM_SCORE)
    os.chdir(plan.launch.cwd)
    if rules is not None:
        _landlock.restrict(rules)
    _kernel.empty_capabilities()


def _install_filter(program: bytes) -> int:
    """Return the listener of the filter that holds from now on."""
    code = ctypes.create_string_buffer(program, len(program))
    record = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(code)), 16)
    flags = _kernel.FILTER_NEW_LISTENER | _kernel.FILTER_WAIT_KILLABLE
    try:
        return _kernel.call("seccomp", _SET_MODE_FILTER, flags, ctypes.addressof(record))
    except OSError:  # before Linux 5.19 a wait could not be made killable only
        return _kernel.call("seccomp", _SET_MODE_FILTER, _kernel.FILTER_NEW_LISTENER, ctypes.addressof(record))
