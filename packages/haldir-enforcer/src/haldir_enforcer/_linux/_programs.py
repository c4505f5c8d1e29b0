"""Starting programs: by list and identity, and looked at again before the first instruction of the new one."""

# Paths are texts here, as the kernel gives them: a Path would rewrite them.
# ruff: noqa: PTH115, PTH116, PTH123

import errno
import os
import signal
import stat
import time
from collections.abc import Callable
from contextlib import suppress

from attrs import frozen

from haldir_enforcer._linux import _kernel, _notification
from haldir_enforcer._linux._libraries import LISTS_WITH, looks_for_library
from haldir_enforcer._linux._memory import Arguments
from haldir_enforcer._linux._notification import Answer, Listener, Refuse, Request
from haldir_enforcer._linux._report import Deed
from haldir_enforcer._linux._rules import is_there
from haldir_enforcer._linux._scene import Scene
from haldir_enforcer._linux._view import Found, signed
from haldir_enforcer.errors import ConfinementError
from haldir_enforcer.events import Action, Class

_LONGEST_SHEBANG = 256
_MOST_INTERPRETERS = 4
_WALL = 0x40000000
_LONGEST_EXEC_SECONDS = 5.0
_CHILD_STOPPED = frozenset({signal.SIGCHLD})
_LONGEST_PAUSE_SECONDS = 0.002
"""The supervisor keeps this signal waiting; another thread that does not might take it."""


class SwappedProgramError(Exception):
    """A caller has changed the path of a program after it was looked at."""


@frozen
class Identity:
    """One state of one file."""

    device: int
    inode: int
    size: int
    modified_ns: int


@frozen(eq=False)
class Programs:
    """The programs of a policy by real path, and the first program with the interpreters of its script.

    ``listing`` lists the libraries of the machine, if that program may run.
    """

    first: str
    first_chain: frozenset[Identity]
    listed: dict[str, Identity]
    listing: Identity | None = None


def identity_of(status: os.stat_result) -> Identity:
    """Return the identity of a file."""
    return Identity(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def interpreter_of(start: bytes) -> str | None:
    """Return the interpreter that the first line of a script names."""
    if not start.startswith(b"#!"):
        return None
    words = start[2:].split(b"\n", 1)[0].split()
    return os.fsdecode(words[0]) if words else None


def named_interpreter(path: str) -> str | None:
    """Return the interpreter of a script by the name that the script has for it."""
    try:
        with open(path, "rb") as file:
            return interpreter_of(file.read(_LONGEST_SHEBANG))
    except OSError:
        return None


def chain_of(path: str) -> list[str]:
    """Return the real paths of a program and of the interpreters of its script.

    Raises: ConfinementError if one of them cannot be read.
    """
    chain: list[str] = []
    following: str | None = path
    while following and len(chain) <= _MOST_INTERPRETERS:
        real = os.path.realpath(following)
        chain.append(real)
        try:
            with open(real, "rb") as file:
                start = file.read(_LONGEST_SHEBANG)
        except PermissionError:
            return chain  # what may be executed and not read is no script
        except OSError as error:
            raise ConfinementError(
                f"{following} cannot be started: {error.strerror}; name an installed program"
            ) from error
        following = interpreter_of(start)
    return chain


class Execution:
    """Decides about execve and execveat."""

    def __init__(self, scene: Scene, programs: Programs, reaped: Callable[[int, int], None]) -> None:
        self._view = scene.view
        self._memory = scene.memory
        self._report = scene.report
        self._programs = programs
        self._reaped = reaped
        self.started = False

    def decide(self, request: Request, listener: Listener) -> Answer:
        """Return the answer, which is given already if the program may be started.

        Raises: SwappedProgramError if another program than the one that was granted would have run.
        """
        try:
            found, argv, via = self._read(request)
        except OSError as error:
            return Refuse(error.errno or errno.EACCES)
        if found is None:
            self._note(request, via, via, argv, errno.ENOENT, _refused(via, argv) if is_there(via) else Class.AMBIENT)
            return Refuse(errno.ENOENT)
        try:
            allowed, kind = self._allowed(found, via), Class.DECLARED
            if not allowed:
                allowed, kind = self._listing(found, argv), Class.AMBIENT
        finally:
            os.close(found.descriptor)
        if not allowed:
            self._note(request, found.real, via, argv, errno.EACCES, _refused(via, argv))
            return _notification.DENIED
        self._note(request, found.real, via, argv, None, kind)
        self._let(request, listener, allowed, argv)
        return _notification.LATER

    def _read(self, request: Request) -> tuple[Found | None, Arguments, str]:
        a = request.arguments
        folder, pointer, argv, flags = (a[0], a[1], a[2], a[4]) if request.name == "execveat" else (
            _kernel.AT_FDCWD, a[0], a[1], 0)  # fmt: skip
        raw = self._memory.string(request, pointer)
        if raw is None:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
        arguments = self._memory.arguments(request, argv)
        if not raw and not flags & _kernel.AT_EMPTY_PATH:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
        via = self._view.absolute(request, folder, raw) if raw else f"/proc/{request.thread}/fd/{signed(folder)}"
        if via.startswith("/proc/"):
            return self._from_descriptor(via), arguments, via
        try:
            return self._view.find(via, follow=True), arguments, via
        except FileNotFoundError:
            return None, arguments, via

    @staticmethod
    def _from_descriptor(via: str) -> Found:
        """Hold what a path in /proc leads to: a program without a name is on no list."""
        descriptor = os.open(via, os.O_PATH | os.O_CLOEXEC)
        return Found(descriptor, os.readlink(f"/proc/self/fd/{descriptor}"))

    def _allowed(self, found: Found, via: str) -> frozenset[Identity]:
        """Return the identities that the new program may have, none if it is not granted."""
        status = os.stat(found.descriptor)
        if not stat.S_ISREG(status.st_mode):
            return frozenset()
        this = identity_of(status)
        if not self.started and via == self._programs.first and this in self._programs.first_chain:
            return self._programs.first_chain
        chain = {this}
        real = found.real
        for _ in range(_MOST_INTERPRETERS):
            if self._programs.listed.get(real) != this:
                return frozenset()
            interpreter = named_interpreter(real)
            if interpreter is None:
                return frozenset(chain)
            real = os.path.realpath(interpreter)
            try:
                this = identity_of(os.stat(real))
            except OSError:
                return frozenset()
            chain.add(this)
        return frozenset()

    def _listing(self, found: Found, argv: Arguments) -> frozenset[Identity]:
        """Return the identity of the program that lists libraries, if it is to do that and nothing else."""
        this = identity_of(os.stat(found.descriptor))
        lists = self.started and this == self._programs.listing and argv.rest == LISTS_WITH
        return frozenset({this}) if lists else frozenset()

    def _let(self, request: Request, listener: Listener, allowed: frozenset[Identity], argv: Arguments) -> None:
        """Let the call go on, and look at the program that it really started before that runs.

        Path and arguments are in the caller's memory and may have been others when the kernel read them.
        """
        thread = request.thread
        process = self._report.caller(thread).process
        _kernel.seize(thread)
        listener.answer(request, _notification.GO_ON)
        self._memory.forget()
        self._report.forget()
        with suppress(ProcessLookupError):  # a thread that was not the first has taken the number of its process
            _kernel.interrupt(thread)
        try:
            self._look_at_started(thread, process, allowed, argv)
        except BaseException:  # whatever it is: what was not looked at does not run
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
            raise

    def _look_at_started(self, thread: int, process: int, allowed: frozenset[Identity], argv: Arguments) -> None:
        stopped, event = self._wait(thread, process)
        if stopped == 0:
            return  # it was killed
        if event == _kernel.PTRACE_EVENT_EXEC:
            _check_started(stopped, allowed, argv)
            self.started = True
        with suppress(ProcessLookupError):  # killed while it was stopped: ``reap`` takes it
            _kernel.detach(stopped)

    def reap(self) -> None:
        """Take the status of all that ended: one that is killed while it is looked at would stay, and all above it."""
        with suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG | _WALL))[0]:
                self._reaped(*found)

    def _wait(self, thread: int, process: int) -> tuple[int, int]:
        """Return the thread that stopped, 0 if none will, and why."""
        end = time.monotonic() + _LONGEST_EXEC_SECONDS
        while time.monotonic() < end:
            try:
                number, status = os.waitpid(-1, os.WNOHANG | _WALL)
            except ChildProcessError:
                return 0, 0
            if not number:
                signal.sigtimedwait(_CHILD_STOPPED, _LONGEST_PAUSE_SECONDS)
            elif number not in {thread, process}:
                self._reaped(number, status)
            elif not os.WIFSTOPPED(status):
                return 0, 0
            elif status >> 16 in {_kernel.PTRACE_EVENT_EXEC, _kernel.PTRACE_EVENT_STOP}:
                return number, status >> 16
            else:
                with suppress(ProcessLookupError):
                    _kernel.resume(number, os.WSTOPSIG(status))
        raise OSError(errno.ETIMEDOUT, "an execve did not come to an end")

    def _note(self, request: Request, real: str, via: str, argv: Arguments, number: int | None, kind: Class) -> None:
        self._report.note(
            request,
            Deed(
                Action.PROCESS_EXEC if self.started else Action.PROCESS_START,
                allowed=number is None,
                kind=kind,
                path=real,
                via=None if via == real else via,
                errno=number,
                more=argv.kept,
                left_out=argv.left_out,
            ),
        )


def _refused(via: str, argv: Arguments) -> Class:
    return Class.AMBIENT if argv.rest is not None and looks_for_library(via, argv.rest) else Class.VIOLATION


def _check_started(process: int, allowed: frozenset[Identity], argv: Arguments) -> None:
    """Return if a program that has just been started is one of those, with those arguments.

    Raises: SwappedProgramError if not.
    """
    if identity_of(os.stat(f"/proc/{process}/exe")) not in allowed:
        raise SwappedProgramError(f"{os.readlink(f'/proc/{process}/exe')} would have run")
    if not argv.are(_words_of(process)):
        raise SwappedProgramError(f"{os.readlink(f'/proc/{process}/exe')} would have had other arguments")


def _words_of(process: int) -> list[bytes]:
    """Return the arguments that a process was started with."""
    with open(f"/proc/{process}/cmdline", "rb") as file:
        return file.read().split(b"\0")[:-1]
