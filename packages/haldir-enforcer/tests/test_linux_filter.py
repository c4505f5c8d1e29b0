"""The filter of both architectures, run by an interpreter of its programs."""

# The class of the fixture is in conftest, which tests cannot import.

import ctypes
import errno
import fcntl
import os
import struct
from typing import Any

import pytest

from haldir_enforcer._linux import _bpf, _filter
from haldir_enforcer._linux._bpf import ALLOW, NOTIFY, refuse
from haldir_enforcer._linux._calls import AARCH64, LAST_KNOWN, MACHINES, X86_64, Machine
from haldir_enforcer._linux._filter import Ask

EVERYTHING = Ask.PROCESSES | Ask.SIGNALS | Ask.OUTER_IPC
MACHINE = pytest.mark.parametrize("machine", MACHINES.values(), ids=str)
AF_UNIX, AF_INET = 1, 2


def run(program: bytes, data: bytes) -> int:
    """What the kernel would do: the classic BPF of seccomp, instruction by instruction."""
    instructions = [struct.unpack_from("HBBI", program, at) for at in range(0, len(program), 8)]
    at = accumulator = 0
    while True:
        code, if_true, if_false, value = instructions[at]
        at += 1
        if code == _bpf.LOAD:
            assert value % 4 == 0
            (accumulator,) = struct.unpack_from("<I", data, value)
        elif code == _bpf.RETURN:
            return int(value)
        elif code == _bpf.JUMP:
            at += value
        else:
            passed = {
                _bpf.EQUAL: accumulator == value,
                _bpf.GREATER_OR_EQUAL: accumulator >= value,
                _bpf.ANY_BIT: bool(accumulator & value),
            }[code]
            at += if_true if passed else if_false


def judged(machine: Machine, name: str | int, *arguments: int, ask: Ask = Ask.NOTHING, audit: int | None = None) -> int:
    number = machine.numbers[name] if isinstance(name, str) else name
    values = [value & 0xFFFFFFFFFFFFFFFF for value in (*arguments, *[0] * (6 - len(arguments)))]
    data = struct.pack("<IIQ6Q", number, machine.audit if audit is None else audit, 0, *values)
    return run(_bpf.assemble(_filter.build(machine, ask)), data)


@MACHINE
@pytest.mark.parametrize("ask", [Ask.NOTHING, EVERYTHING])
def test_the_program_is_one_that_the_kernel_takes(machine: Machine, ask: Ask) -> None:
    program = _filter.build(machine, ask)
    assert len(program) <= 4096  # BPF_MAXINSNS
    for at, instruction in enumerate(program):
        assert 0 <= instruction.if_true <= 255
        assert 0 <= instruction.if_false <= 255
        assert instruction.code == _bpf.RETURN or at + 1 + max(instruction.if_true, instruction.if_false) < len(program)
    assert program[-1].code == _bpf.RETURN


@MACHINE
def test_the_calls_of_another_architecture_are_asked_about_so_that_they_are_named(machine: Machine) -> None:
    other = AARCH64 if machine is X86_64 else X86_64
    assert judged(machine, "getppid", audit=other.audit) == NOTIFY
    assert judged(machine, "openat", audit=0x40000003) == NOTIFY  # i386, as int 0x80 makes it


def test_the_x32_calls_do_not_exist() -> None:
    for name in ("openat", "execve", "connect", "getppid"):
        assert judged(X86_64, X86_64.numbers[name] | 0x40000000) == refuse(errno.ENOSYS)


@MACHINE
def test_calls_that_nobody_has_looked_at_do_not_exist(machine: Machine) -> None:
    for number in (LAST_KNOWN + 1, LAST_KNOWN + 100, 0x3FFFFFFF):
        assert judged(machine, number) == refuse(errno.ENOSYS)


@MACHINE
def test_clone3_does_not_exist_because_its_flags_are_in_memory(machine: Machine) -> None:
    assert judged(machine, "clone3") == refuse(errno.ENOSYS)


@MACHINE
@pytest.mark.parametrize(
    "name", ["read", "write", "getppid", "newfstatat", "statx", "mmap", "futex", "recvmsg", "lseek"]
)
def test_frequent_calls_are_not_asked_about(machine: Machine, name: str) -> None:
    assert judged(machine, name, ask=EVERYTHING) == ALLOW


@MACHINE
def test_what_decides_by_paths_and_peers_is_asked_about(machine: Machine) -> None:
    names = _filter.OPENS | _filter.CHANGES | _filter.EXECS | _filter.NETWORK | {"socket", "inotify_add_watch"}
    for name in sorted(names & machine.numbers.keys()):
        assert judged(machine, name) == NOTIFY, name


@MACHINE
def test_what_is_refused_always_is_asked_about_so_that_it_is_named(machine: Machine) -> None:
    for name in sorted(_filter.REFUSED & machine.numbers.keys()):
        assert judged(machine, name) == NOTIFY, name


def test_every_way_to_change_a_file_by_path_is_known_on_both() -> None:
    assert X86_64.numbers.keys() >= _filter.CHANGES
    assert {name for name in _filter.CHANGES if name.endswith(("at", "at2"))} - {"futimesat"} <= AARCH64.numbers.keys()


@MACHINE
@pytest.mark.parametrize(
    "flag", [0x20000000, 0x10000000, 0x00020000, 0x40000000, 0x08000000, 0x04000000, 0x02000000, 0x80]
)
def test_a_new_process_in_a_new_namespace_is_asked_about(machine: Machine, flag: int) -> None:
    assert judged(machine, "clone", flag | 17 if flag != 0x80 else flag) == NOTIFY
    assert judged(machine, "clone", flag | _filter.CLONE_THREAD) == NOTIFY


@MACHINE
def test_processes_and_threads_are_counted_where_they_are_limited(machine: Machine) -> None:
    assert judged(machine, "clone", _filter.CLONE_THREAD, ask=Ask.PROCESSES) == NOTIFY
    assert judged(machine, "clone", _filter.CLONE_THREAD) == ALLOW
    assert judged(machine, "clone", 17, ask=Ask.PROCESSES) == NOTIFY
    assert judged(machine, "clone", 17) == ALLOW


def test_fork_is_counted_where_processes_are_limited() -> None:
    assert judged(X86_64, "fork", ask=Ask.PROCESSES) == judged(X86_64, "vfork", ask=Ask.PROCESSES) == NOTIFY
    assert judged(X86_64, "fork") == ALLOW


@MACHINE
@pytest.mark.parametrize("name", sorted(_filter.SIGNALS))
def test_signals_are_asked_about_where_the_kernel_does_not_keep_them_inside(machine: Machine, name: str) -> None:
    assert judged(machine, name, ask=Ask.SIGNALS) == NOTIFY
    assert judged(machine, name) == ALLOW


@MACHINE
@pytest.mark.parametrize("name", sorted(_filter.SYSTEM_V))
def test_queues_of_the_whole_machine_are_asked_about(machine: Machine, name: str) -> None:
    assert judged(machine, name, ask=Ask.OUTER_IPC) == NOTIFY
    assert judged(machine, name) == ALLOW


@MACHINE
def test_nothing_is_typed_into_a_terminal(machine: Machine) -> None:
    for request in (0x5412, 0x541C, 0xFFFFFFFF00005412):
        assert judged(machine, "ioctl", 0, request) == NOTIFY
    assert judged(machine, "ioctl", 0, 0x40086602) == refuse(errno.EPERM)
    assert judged(machine, "ioctl", 0, 0x5401) == ALLOW


@MACHINE
def test_no_room_is_reserved_beyond_the_size_of_a_file(machine: Machine) -> None:
    for mode in (0x01, 0x11):
        assert judged(machine, "fallocate", 3, mode) == refuse(errno.EOPNOTSUPP)
    for mode in (0, 0x03, 0x10):
        assert judged(machine, "fallocate", 3, mode) == ALLOW


@MACHINE
def test_no_file_is_leased_so_that_nobody_waits_who_opens_it(machine: Machine) -> None:
    for command in (fcntl.F_SETLEASE, 0xFFFFFFFF00000000 | fcntl.F_SETLEASE):
        assert judged(machine, "fcntl", 3, command, fcntl.F_WRLCK) == refuse(errno.EPERM)
    for command in (fcntl.F_GETFL, fcntl.F_SETFL, fcntl.F_DUPFD_CLOEXEC, fcntl.F_SETLK, fcntl.F_SETOWN):
        assert judged(machine, "fcntl", 3, command) == ALLOW


@MACHINE
@pytest.mark.parametrize(("name", "command"), [("fcntl", 8), ("fcntl", 15), ("ioctl", 0x8901), ("ioctl", 0x8902)])
def test_the_kernel_signals_nobody_outside_for_a_file(machine: Machine, name: str, command: int) -> None:
    assert judged(machine, name, 3, command, ask=Ask.SIGNALS) == refuse(errno.EPERM)
    assert judged(machine, name, 3, command) == ALLOW


@MACHINE
@pytest.mark.parametrize(("name", "place"), [("sendto", 3), ("sendmsg", 2), ("sendmmsg", 3)])
def test_sending_does_not_connect(machine: Machine, name: str, place: int) -> None:
    arguments = [0] * 6
    assert judged(machine, name, *arguments) == ALLOW
    arguments[place] = 0x20004000
    assert judged(machine, name, *arguments) == refuse(errno.EOPNOTSUPP)


@MACHINE
def test_only_stream_pairs_are_made_without_asking(machine: Machine) -> None:
    for kind in (1, 1 | 0o2000000, 1 | 0o4000, 5, 5 | 0o2004000):
        assert judged(machine, "socketpair", AF_UNIX, kind) == ALLOW
    for kind in (2, 2 | 0o2000000, 3, 0, 1 | 0x100):
        assert judged(machine, "socketpair", AF_UNIX, kind) == NOTIFY


@MACHINE
def test_a_filter_with_a_listener_of_its_own_is_asked_about(machine: Machine) -> None:
    assert judged(machine, "seccomp", 1, 8) == NOTIFY
    assert judged(machine, "seccomp", 1, 0) == ALLOW


@MACHINE
def test_settings_of_other_processes_are_asked_about(machine: Machine) -> None:
    assert judged(machine, "prlimit64", 0, 7) == ALLOW
    assert judged(machine, "prlimit64", 1234, 7) == NOTIFY
    for name in ("sched_setaffinity", "sched_setscheduler", "sched_setparam", "sched_setattr"):
        assert judged(machine, name, 0) == ALLOW
        assert judged(machine, name, 1234) == NOTIFY
    assert judged(machine, "setpriority", 2, 0) == NOTIFY  # PRIO_USER: every process of the user


@MACHINE
def test_the_personality_is_read_and_not_changed(machine: Machine) -> None:
    assert judged(machine, "personality", 0xFFFFFFFF) == ALLOW
    assert judged(machine, "personality", 0x0040000) == NOTIFY  # ADDR_NO_RANDOMIZE


def test_the_tables_agree_with_the_numbers_of_this_machine() -> None:
    libc: Any = ctypes.CDLL(None)
    numbers = MACHINES[os.uname().machine].numbers
    assert libc.syscall(numbers["getppid"]) == os.getppid()
    assert libc.syscall(numbers["getpid"]) == os.getpid()


@MACHINE
def test_no_number_stands_for_two_calls(machine: Machine) -> None:
    assert len(machine.names) == len(machine.numbers)
