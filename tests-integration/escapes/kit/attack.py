"""What the cases in Python share: the world around the skill, the words that they say, raw system calls."""

import ctypes
import json
import mmap
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple, NoReturn

SECRET_WORD = b"SECRET-"
"""What everything outside the skill answers with begins so; the rest is known to the harness alone."""
AT_FDCWD = -100
RACE_SECONDS = 0.8
X86_64 = {
    "open": 2, "mmap": 9, "clone": 56, "execve": 59, "semget": 64, "shmget": 29, "shmat": 30, "shmdt": 67,
    "truncate": 76, "creat": 85, "personality": 135, "setpriority": 141, "pivot_root": 155, "mount": 165,
    "umount2": 166, "syslog": 103, "setxattr": 188, "tkill": 200, "mq_open": 240, "mq_timedreceive": 243,
    "add_key": 248, "request_key": 249, "keyctl": 250, "ioprio_set": 251, "openat": 257, "linkat": 265,
    "unshare": 272, "utimensat": 280, "rt_tgsigqueueinfo": 297, "perf_event_open": 298, "fanotify_init": 300,
    "prlimit64": 302, "name_to_handle_at": 303, "open_by_handle_at": 304, "sendmmsg": 307, "setns": 308,
    "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312, "sched_setattr": 314, "renameat2": 316,
    "memfd_create": 319, "bpf": 321, "execveat": 322, "userfaultfd": 323, "ptrace": 101,
    "io_uring_setup": 425, "io_uring_enter": 426, "open_tree": 428, "fsopen": 430, "pidfd_open": 434,
    "clone3": 435, "openat2": 437, "pidfd_getfd": 438, "pidfd_send_signal": 424, "fchmodat2": 452, "setxattrat": 463,
    "rt_sigqueueinfo": 129, "chmod": 90, "msgget": 68, "msgsnd": 69,
}  # fmt: skip
"""Source: arch/x86/entry/syscalls/syscall_64.tbl."""


class World(NamedTuple):
    """Where the forbidden things are.  Paths are absolute; the numbers are ports, process ids and keys."""

    secret: str
    victim: str
    outside: str
    granted: str
    home: str
    report: str
    mark: str
    declared: int
    tcp4: int
    tcp6: int
    udp4: int
    udp6: int
    stream: str
    datagram: str
    packets: str
    giver: str
    abstract: str
    abstract_datagram: str
    free: int
    listening: str
    bystander: int
    segment: int
    queue: str


with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "world.json"), encoding="utf-8") as _file:
    WORLD = World(**json.load(_file))

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_said: list[str] = []


def _say(word: str, what: object) -> None:
    _said.append(word)
    print(word, what, flush=True)


def escaped(what: object) -> None:
    """Say that the forbidden thing was done."""
    _say("ESCAPED", what)


def held(why: object) -> None:
    """Say that it was refused."""
    _say("HELD", why)


def leaked(data: bytes | str) -> bool:
    """Say so if the data hold the secret; return whether they do."""
    found = data.encode() if isinstance(data, str) else data
    if SECRET_WORD in found:
        escaped(found[found.index(SECRET_WORD) :][:64].decode("latin-1"))
        return True
    return False


@contextmanager
def tries() -> Iterator[None]:
    """Take an error of the system for a refusal; something is said in any case."""
    print("TRYING", flush=True)
    try:
        yield
    except OSError as error:
        held(error)
    else:
        if not _said:
            held("nothing came of it")


def read(path: str | int) -> bytes:
    """Return the beginning of a file."""
    with open(path, "rb", buffering=0) as file:
        return file.read(4096)


def syscall(name: str | int, *arguments: object) -> int:
    """Make a system call as it is; raise OSError where it fails."""
    number = X86_64[name] if isinstance(name, str) else name
    wide = [ctypes.c_long(argument) if isinstance(argument, int) else argument for argument in arguments]
    result = int(_libc.syscall(ctypes.c_long(number), *wide))
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def buffer(data: bytes, size: int | None = None) -> "ctypes.Array[ctypes.c_char]":
    """Return memory that holds the data."""
    return ctypes.create_string_buffer(data, size or len(data) + 1)


def at(memory: object) -> int:
    """Return the address of memory."""
    return ctypes.addressof(memory)  # type: ignore[arg-type]  # a ctypes object


def child(work: Callable[[], object]) -> int:
    """Fork; the child works and ends."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except OSError as error:
            held(error)
        finally:
            os._exit(0)
    return pid


def spoken(work: Callable[[], object]) -> bytes:
    """Return what a child writes to its standard output while it works, or after it has become another program."""
    reading, writing = os.pipe()

    def speak() -> None:
        os.dup2(writing, 1)
        os.dup2(writing, 2)
        work()

    pid = child(speak)
    os.close(writing)
    with open(reading, "rb") as pipe:
        text = pipe.read()
    os.waitpid(pid, 0)
    return text


def executed(text: bytes) -> None:
    """Say so if the text is what ``id`` prints."""
    if b"uid=" in text:
        escaped("another program ran")
    else:
        held(text[:120])


class Shared:
    """Memory that two processes see at the same address."""

    def __init__(self, *contents: bytes) -> None:
        """Hold the first of several contents; all are made as long as the longest."""
        size = max(map(len, contents)) + 1
        self.contents = [content.ljust(size, b"\0") for content in contents]
        self.memory = mmap.mmap(-1, size)
        self.memory[:size] = self.contents[0]
        self.size = size
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))

    def flip(self) -> None:
        """Show every content in turn, many times."""
        for _ in range(200):
            for content in self.contents:
                self.memory[: self.size] = content


def race(flip: Callable[[], object], strike: Callable[[], bool]) -> None:
    """Strike again and again while another process flips; the first strike that lands is the escape."""

    def forever() -> NoReturn:
        while True:
            with suppress(OSError):
                flip()

    flipper = child(forever)
    try:
        _strike(strike)
    finally:
        os.kill(flipper, signal.SIGKILL)
        os.waitpid(flipper, 0)


def race_of_threads(flip: Callable[[], object], strike: Callable[[], bool]) -> None:
    """Do as ``race``, with a thread that flips: it shares descriptors and the working folder."""
    over = threading.Event()

    def until_over() -> None:
        while not over.is_set():
            with suppress(OSError):
                flip()

    thread = threading.Thread(target=until_over)
    thread.start()
    try:
        _strike(strike)
    finally:
        over.set()
        thread.join()


def _strike(strike: Callable[[], bool]) -> None:
    end = time.monotonic() + RACE_SECONDS
    while time.monotonic() < end:
        try:
            if strike():
                escaped("the race was won")
                return
        except OSError:
            continue
    held("the race was lost")


def elsewhere(pid: int) -> int:
    """Return the id of a process outside; end where there is none to be seen."""
    if pid <= 1 or pid == os.getpid():
        held("no such process here")
        sys.exit()
    return pid


def stack_of(pid: int) -> tuple[int, int]:
    """Return address and size of the stack of a process; a guess where they cannot be read."""
    try:
        with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
            line = next(line for line in maps if "[stack]" in line)
    except OSError:
        return mmap.PAGESIZE, 8
    first, last = (int(number, 16) for number in line.split()[0].split("-"))
    return first, last - first
