"""Which system calls are allowed, refused or asked about."""

import errno
from enum import Flag, auto

from haldir_enforcer._linux import _bpf
from haldir_enforcer._linux._bpf import ALLOW, ANY_BIT, EQUAL, GREATER_OR_EQUAL, NOTIFY, Instruction, Test
from haldir_enforcer._linux._calls import LAST_KNOWN, X86_64, Machine

CLONE_THREAD = 0x00010000
CLONE_NEW = 0x7E020000
"""All namespaces but time's, whose bit is one of the exit signal's for clone."""
CLONE_NEWTIME = 0x80
MSG_FASTOPEN = 0x20000000
FILTER_FLAG_NEW_LISTENER = 8
_X32_BIT = 0x40000000
_SOCK_STREAM, _SOCK_SEQPACKET = 1, 5
_SOCK_FLAGS = (0, 0o4000, 0o2000000, 0o2004000)  # SOCK_NONBLOCK, SOCK_CLOEXEC
_QUERY_PERSONALITY = 0xFFFFFFFF

OPENS = frozenset({"open", "openat", "openat2", "creat"})
CHANGES = frozenset(
    [
        "unlink",
        "unlinkat",
        "rename",
        "renameat",
        "renameat2",
        "mkdir",
        "mkdirat",
        "rmdir",
        "link",
        "linkat",
        "symlink",
        "symlinkat",
        "mknod",
        "mknodat",
        "truncate",
        "chmod",
        "fchmod",
        "fchmodat",
        "fchmodat2",
        "chown",
        "fchown",
        "lchown",
        "fchownat",
        "utime",
        "utimes",
        "futimesat",
        "utimensat",
        "setxattr",
        "lsetxattr",
        "fsetxattr",
        "removexattr",
        "lremovexattr",
        "fremovexattr",
    ]
)
EXECS = frozenset({"execve", "execveat"})
NETWORK = frozenset({"socket", "connect", "bind", "listen"})
SIGNALS = frozenset({"kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal"})
OTHER_PROCESS = frozenset(
    {"setpriority", "sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler", "ioprio_set"}
)
SYSTEM_V = frozenset({"shmget", "msgget", "semget", "mq_open", "mq_unlink"})
WATCHES = frozenset({"inotify_add_watch", "umask", "chdir", "fchdir"})
REFUSED = frozenset(
    [
        "ptrace",
        "process_vm_readv",
        "process_vm_writev",
        "process_madvise",
        "process_mrelease",
        "kcmp",
        "pidfd_getfd",
        "io_uring_setup",
        "io_uring_enter",
        "io_uring_register",
        "bpf",
        "perf_event_open",
        "userfaultfd",
        "add_key",
        "request_key",
        "keyctl",
        "mount",
        "umount2",
        "pivot_root",
        "chroot",
        "move_mount",
        "open_tree",
        "fsopen",
        "fsconfig",
        "fsmount",
        "fspick",
        "mount_setattr",
        "unshare",
        "setns",
        "statmount",
        "listmount",
        "kexec_load",
        "kexec_file_load",
        "init_module",
        "finit_module",
        "delete_module",
        "swapon",
        "swapoff",
        "reboot",
        "acct",
        "syslog",
        "iopl",
        "ioperm",
        "settimeofday",
        "clock_settime",
        "clock_adjtime",
        "adjtimex",
        "sethostname",
        "setdomainname",
        "quotactl",
        "quotactl_fd",
        "nfsservctl",
        "vhangup",
        "uselib",
        "lookup_dcookie",
        "migrate_pages",
        "move_pages",
        "set_mempolicy_home_node",
        "memfd_secret",
        "open_by_handle_at",
        "name_to_handle_at",
        "fanotify_init",
        "fanotify_mark",
        "lsm_set_self_attr",
    ]
)
"""Refused always; they are asked about only so that the trace names them."""

# include/uapi/asm-generic/ioctls.h: what types into a terminal, which no honest program does
_TYPING_IOCTLS = (0x5412, 0x541C)
# include/uapi/linux/fs.h: what changes a file through a read descriptor
_REFUSED_IOCTLS = (0x40086602, 0x40046602, 0x401C5820, 0x4004587D, 0x40086604)
# include/uapi/linux/falloc.h: FALLOC_FL_KEEP_SIZE, without and with FALLOC_FL_ZERO_RANGE: room beyond the size of a
# file, which the limit of the size does not hold
_REFUSED_RESERVATIONS = (0x01, 0x11)
# include/uapi/linux/fcntl.h: F_SETLEASE, which makes whoever opens the file wait for 45 seconds; that is the supervisor
_REFUSED_FCNTLS = (1024,)
# F_SETOWN, F_SETOWN_EX; asm-generic/sockios.h: FIOSETOWN, SIOCSPGRP: the kernel is to signal a process of any number
_SIGNALLING_FCNTLS, _SIGNALLING_IOCTLS = (8, 15), (0x8901, 0x8902)


class Ask(Flag):
    """What is asked about beyond files, programs and peers."""

    NOTHING = 0
    PROCESSES = auto()
    """Every new process and thread, because their number is limited."""
    SIGNALS = auto()
    """Every signal, because the kernel does not keep them inside."""
    OUTER_IPC = auto()
    """System V and POSIX queues, because they are those of the whole machine."""


def build(machine: Machine, ask: Ask) -> list[Instruction]:
    """Return the filter of ``machine``.

    Calls of the table of another architecture are asked about so that they are named: the answer is always no, and
    without an answer they fail.
    """
    program = _bpf.load(_bpf.ARCH_AT)
    program += [Instruction(EQUAL, 1, 0, machine.audit), *_bpf.verdict(NOTIFY)]
    program += _bpf.load(_bpf.NUMBER_AT)
    nowhere = _bpf.verdict(_bpf.refuse(errno.ENOSYS))
    if machine is X86_64:
        program += _bpf.when(GREATER_OR_EQUAL, _X32_BIT, nowhere)
    program += _bpf.when(GREATER_OR_EQUAL, LAST_KNOWN + 1, nowhere)
    asked = _bpf.verdict(NOTIFY)
    cases = {machine.numbers[name]: asked for name in asked_always(ask) if name in machine.numbers}
    cases |= {
        machine.numbers[name]: _bpf.first_match(rule, otherwise)
        for name, (rule, otherwise) in _by_arguments(ask).items()
    }
    cases[machine.numbers["clone3"]] = nowhere
    return program + _bpf.search(cases, _bpf.verdict(ALLOW))


def asked_always(ask: Ask) -> frozenset[str]:
    """Return the calls that are asked about whatever their arguments are."""
    names = OPENS | CHANGES | EXECS | NETWORK | REFUSED | WATCHES
    if Ask.PROCESSES in ask:
        names |= {"fork", "vfork"}
    if Ask.SIGNALS in ask:
        names |= SIGNALS
    if Ask.OUTER_IPC in ask:
        names |= SYSTEM_V
    return names


def _by_arguments(ask: Ask) -> dict[str, tuple[list[tuple[Test, int]], int]]:
    """Return the calls whose register arguments decide: the first test that passes, and the verdict without any."""
    fork = NOTIFY if Ask.PROCESSES in ask else ALLOW
    fast_open = _bpf.refuse(errno.EOPNOTSUPP)
    reaches_out = Ask.SIGNALS in ask
    fcntls = _REFUSED_FCNTLS + (_SIGNALLING_FCNTLS if reaches_out else ())
    ioctls = _REFUSED_IOCTLS + (_SIGNALLING_IOCTLS if reaches_out else ())
    rules = {
        "clone": ([(_bpf.low(0, ANY_BIT, CLONE_NEW | CLONE_NEWTIME), NOTIFY)], fork),
        "fcntl": ([(_bpf.low(1, EQUAL, number), _bpf.refuse(errno.EPERM)) for number in fcntls], ALLOW),
        "ioctl": (
            [(_bpf.low(1, EQUAL, number), NOTIFY) for number in _TYPING_IOCTLS]
            + [(_bpf.low(1, EQUAL, number), _bpf.refuse(errno.EPERM)) for number in ioctls],
            ALLOW,
        ),
        "fallocate": (
            [(_bpf.low(1, EQUAL, mode), _bpf.refuse(errno.EOPNOTSUPP)) for mode in _REFUSED_RESERVATIONS],
            ALLOW,
        ),
        "sendto": ([(_bpf.low(3, ANY_BIT, MSG_FASTOPEN), fast_open)], ALLOW),
        "sendmsg": ([(_bpf.low(2, ANY_BIT, MSG_FASTOPEN), fast_open)], ALLOW),
        "sendmmsg": ([(_bpf.low(3, ANY_BIT, MSG_FASTOPEN), fast_open)], ALLOW),
        "seccomp": ([(_bpf.low(1, ANY_BIT, FILTER_FLAG_NEW_LISTENER), NOTIFY)], ALLOW),
        "personality": ([(_bpf.low(0, EQUAL, _QUERY_PERSONALITY), ALLOW), (_bpf.low(0, EQUAL, 0), ALLOW)], NOTIFY),
        "socketpair": (
            [(_bpf.low(1, EQUAL, kind | flags), ALLOW) for kind in _STREAMS for flags in _SOCK_FLAGS],
            NOTIFY,
        ),
        "prlimit64": ([(_bpf.low(0, EQUAL, 0), ALLOW)], NOTIFY),
    }
    rules |= {name: ([(_bpf.low(_WHO.get(name, 0), EQUAL, 0), _own(name))], NOTIFY) for name in OTHER_PROCESS}
    return rules


_STREAMS = (_SOCK_STREAM, _SOCK_SEQPACKET)
_WHO = {"setpriority": 1, "ioprio_set": 1}


def _own(name: str) -> int:
    """0 is the caller itself; for these two only if the first argument says that it names a process."""
    return NOTIFY if name in _WHO else ALLOW
