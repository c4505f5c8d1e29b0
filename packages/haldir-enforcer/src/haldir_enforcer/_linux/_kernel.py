"""The system calls that Python does not offer, through libc and with errors as ``OSError``."""

import ctypes
import errno
import os
import signal
import struct

from haldir_enforcer._linux._calls import MACHINES, Machine
from haldir_enforcer.errors import ConfinementError

AT_FDCWD = -100
AT_EMPTY_PATH = 0x1000
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 4, 24, 36, 38
LAST_CAPABILITY = 40
_SIGNAL_SET = 128
"""Bytes of sigset_t."""

# include/uapi/linux/openat2.h
RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, RESOLVE_BENEATH, RESOLVE_IN_ROOT = 0x02, 0x04, 0x08, 0x10

# include/uapi/linux/seccomp.h
NOTIF_RECV, NOTIF_SEND, NOTIF_ID_VALID, NOTIF_ADDFD, NOTIF_SET_FLAGS = (
    0xC0502100,
    0xC0182101,
    0x40082102,
    0x40182103,
    0x40082104,
)
NOTIF_SIZE = 80
FILTER_NEW_LISTENER, FILTER_WAIT_KILLABLE = 8, 32
CONTINUE = 1
ADDFD_SETFD, ADDFD_SEND = 1, 2

# include/uapi/linux/ptrace.h
_PTRACE_CONT, _PTRACE_DETACH, _PTRACE_SEIZE, _PTRACE_INTERRUPT = 7, 17, 0x4206, 0x4207
_PTRACE_O_TRACEEXEC = 0x10
PTRACE_EVENT_EXEC, PTRACE_EVENT_STOP = 4, 128

_LIBC = ctypes.CDLL(None, use_errno=True)
_PYTHON = ctypes.PyDLL(None, use_errno=True)
_LONG, _PTR = ctypes.c_long, ctypes.c_void_p
_SYSCALL = ctypes.CFUNCTYPE(_LONG, _LONG, _LONG, _LONG, _LONG, _LONG, _LONG, use_errno=True)(("syscall", _LIBC))
_BY_PATH = ctypes.CFUNCTYPE(_LONG, _LONG, _LONG, ctypes.c_char_p, _PTR, _LONG, use_errno=True)(("syscall", _LIBC))
_WITH_BUFFER = ctypes.CFUNCTYPE(_LONG, _LONG, _LONG, _LONG, _PTR, _LONG, use_errno=True)(("syscall", _LIBC))
_PRCTL = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, _LONG, _LONG, _LONG, _LONG, use_errno=True)(("prctl", _LIBC))
_PTRACE = ctypes.CFUNCTYPE(_LONG, _LONG, _LONG, _LONG, _LONG, use_errno=True)(("ptrace", _LIBC))
_MOUNT = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_char_p,
    ctypes.c_char_p,
    ctypes.c_char_p,
    ctypes.c_ulong,
    ctypes.c_char_p,
    use_errno=True,
)(("mount", _LIBC))


def this_machine() -> Machine:
    """Return the architecture that runs this.

    Raises: ConfinementError if its system calls are not known here.
    """
    name = os.uname().machine
    if name not in MACHINES:
        raise ConfinementError(
            f"the system calls of {name} are not known; use a confinement that is not Linux's own, such as gvisor"
        )
    return MACHINES[name]


def call(name: str, *arguments: int) -> int:
    """Return what the system call ``name`` returned.

    Raises: OSError if it failed.
    """
    return _checked(_SYSCALL(this_machine().numbers[name], *arguments, *[0] * (5 - len(arguments))))


def call_with_buffer(name: str, first: int, second: int, data: "ctypes.Array[ctypes.c_char] | None", last: int) -> int:
    """Return what a system call whose third argument points to ``data`` returned.

    Raises: OSError if it failed.
    """
    return _checked(_WITH_BUFFER(this_machine().numbers[name], first, second, data, last))


def fork_into(namespaces: int) -> int:
    """Fork as ``os.fork`` does; the child is the first process of the new ``namespaces``.

    No other thread may run in this process: a lock that it holds would stay locked in the child.

    Raises: OSError if the kernel refuses.
    """
    number = this_machine().numbers["clone"]
    _PYTHON.PyOS_BeforeFork()
    child = int(_PYTHON.syscall(number, namespaces | signal.SIGCHLD, 0, 0, 0, 0))
    error = ctypes.get_errno()
    if child == 0:
        _PYTHON.PyOS_AfterFork_Child()
    else:
        _PYTHON.PyOS_AfterFork_Parent()
    if child < 0:
        raise OSError(error, os.strerror(error))
    return child


class Resolver:
    """openat2 below one folder, with the argument record made once: it is asked for every notified path."""

    __slots__ = ("_how", "_number", "_size")

    def __init__(self, flags: int, resolve: int) -> None:
        self._how = ctypes.create_string_buffer(struct.pack("QQQ", flags | os.O_CLOEXEC, 0, resolve), 24)
        self._number = this_machine().numbers["openat2"]

    def open(self, folder: int, path: bytes) -> int:
        """Return a descriptor of ``path`` below ``folder``.

        Raises: OSError if there is none.
        """
        result = int(_BY_PATH(self._number, folder, path, self._how, 24))
        if result < 0:
            raise _error()
        return result


def open_below(folder: int, path: bytes, flags: int, mode: int, resolve: int) -> int:
    """Return a new descriptor of ``path`` below ``folder``, through openat2.

    Raises: OSError if there is none.
    """
    how = ctypes.create_string_buffer(struct.pack("QQQ", flags | os.O_CLOEXEC, mode, resolve), 24)
    return _checked(_BY_PATH(this_machine().numbers["openat2"], folder, path, how, 24))


def prctl(option: int, value: int) -> None:
    """Set an attribute of this process.

    Raises: OSError if the kernel refuses.
    """
    _checked(_PRCTL(option, value, 0, 0, 0))


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    """Mount ``source`` at ``target``.

    Raises: OSError if the kernel refuses.
    """
    _checked(
        _MOUNT(os.fsencode(source), os.fsencode(target), os.fsencode(kind), flags, os.fsencode(data) if data else None)
    )


def drop_bounding_set() -> None:
    """No program that this thread becomes gets a capability; an ordinary user may not do this: it has none to lose."""
    for capability in range(LAST_CAPABILITY + 1):
        _PRCTL(PR_CAPBSET_DROP, capability, 0, 0, 0)


def empty_capabilities() -> None:
    """This thread has no capability any more."""
    header = ctypes.create_string_buffer(struct.pack("Ii", 0x20080522, 0), 8)
    nothing = ctypes.create_string_buffer(24)
    _checked(_LIBC.capset(header, nothing))


def hold_signals() -> None:
    """Every signal that can waits until it is let through."""
    _LIBC.pthread_sigmask(signal.SIG_SETMASK, b"\xff" * _SIGNAL_SET, None)


def let_through(number: int) -> None:
    """This signal waits no longer."""
    _LIBC.pthread_sigmask(signal.SIG_UNBLOCK, (1 << (number - 1)).to_bytes(_SIGNAL_SET, "little"), None)


def default_signals() -> None:
    """Every signal is what it is to a new program, and none waits.

    Python's own functions would wrap each number up, on pages that the other processes have to be rid of first.
    """
    for number in range(1, signal.NSIG):
        _LIBC.signal(number, None)
    _LIBC.pthread_sigmask(signal.SIG_SETMASK, bytes(_SIGNAL_SET), None)


def close_from(first: int, keep: set[int]) -> None:
    """Every descriptor from ``first`` on but those in ``keep`` is closed."""
    for kept in sorted(keep):
        if kept > first:
            os.closerange(first, kept)
        first = max(first, kept + 1)
    call("close_range", first, 0x7FFFFFFF, 0)


def seize(thread: int) -> None:
    """The thread is traced, only so that a successful execve of it stops before its first instruction."""
    _checked(_PTRACE(_PTRACE_SEIZE, thread, 0, _PTRACE_O_TRACEEXEC))


def interrupt(thread: int) -> None:
    """The traced thread stops on its way back to its own code."""
    _checked(_PTRACE(_PTRACE_INTERRUPT, thread, 0, 0))


def resume(thread: int, signal: int) -> None:
    """The stopped thread runs on, and receives ``signal`` if that is above 0."""
    _checked(_PTRACE(_PTRACE_CONT, thread, 0, signal))


def detach(thread: int) -> None:
    """The stopped thread is no longer traced."""
    _checked(_PTRACE(_PTRACE_DETACH, thread, 0, 0))


def _checked(result: int) -> int:
    if result < 0:
        raise _error()
    return int(result)


def _error() -> OSError:
    number = ctypes.get_errno() or errno.EINVAL
    return OSError(number, os.strerror(number))
