"""The numbers of the system calls that the filter names, for both architectures.

Source: Linux, arch/x86/entry/syscalls/syscall_64.tbl, and include/uapi/asm-generic/unistd.h for aarch64.
"""

from collections.abc import Mapping
from types import MappingProxyType

from attrs import frozen

LAST_KNOWN = 462
"""The number of mseal, the newest call that was looked at; both architectures count alike from 424 on."""


@frozen(eq=False)
class Machine:
    """One architecture: its name in uname, its audit number, its call numbers."""

    name: str
    audit: int
    numbers: Mapping[str, int]
    names: Mapping[int, str]


# fmt: off
_X86_64 = {
    "read": 0, "write": 1, "open": 2, "openat": 257, "openat2": 437, "creat": 85, "close": 3, "unlink": 87,
    "unlinkat": 263, "rename": 82, "renameat": 264, "renameat2": 316, "mkdir": 83, "mkdirat": 258, "rmdir": 84,
    "link": 86, "linkat": 265, "symlink": 88, "symlinkat": 266, "mknod": 133, "mknodat": 259, "truncate": 76,
    "ftruncate": 77, "chmod": 90, "fchmod": 91, "fchmodat": 268, "fchmodat2": 452, "chown": 92, "fchown": 93,
    "lchown": 94, "fchownat": 260, "utime": 132, "utimes": 235, "futimesat": 261, "utimensat": 280, "setxattr": 188,
    "lsetxattr": 189, "fsetxattr": 190, "removexattr": 197, "lremovexattr": 198, "fremovexattr": 199,
    "name_to_handle_at": 303, "open_by_handle_at": 304, "inotify_add_watch": 254, "fanotify_init": 300,
    "fanotify_mark": 301, "execve": 59, "execveat": 322, "fork": 57, "vfork": 58, "clone": 56, "clone3": 435,
    "exit": 60, "exit_group": 231, "kill": 62, "tkill": 200, "tgkill": 234, "rt_sigqueueinfo": 129,
    "rt_tgsigqueueinfo": 297, "pidfd_open": 434, "pidfd_getfd": 438, "pidfd_send_signal": 424, "socket": 41,
    "socketpair": 53, "connect": 42, "bind": 49, "listen": 50, "accept": 43, "accept4": 288, "sendto": 44,
    "sendmsg": 46, "sendmmsg": 307, "recvfrom": 45, "recvmsg": 47, "getsockname": 51, "ptrace": 101,
    "process_vm_readv": 310, "process_vm_writev": 311, "process_madvise": 440, "process_mrelease": 448, "kcmp": 312,
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "bpf": 321, "perf_event_open": 298,
    "userfaultfd": 323, "add_key": 248, "request_key": 249, "keyctl": 250, "mount": 165, "umount2": 166,
    "pivot_root": 155, "chroot": 161, "move_mount": 429, "open_tree": 428, "fsopen": 430, "fsconfig": 431,
    "fsmount": 432, "fspick": 433, "mount_setattr": 442, "statmount": 457, "listmount": 458, "unshare": 272,
    "setns": 308, "kexec_load": 246, "kexec_file_load": 320, "init_module": 175, "finit_module": 313,
    "delete_module": 176, "swapon": 167, "swapoff": 168, "reboot": 169, "acct": 163, "syslog": 103, "iopl": 172,
    "ioperm": 173, "modify_ldt": 154, "settimeofday": 164, "clock_settime": 227, "clock_adjtime": 305,
    "adjtimex": 159, "sethostname": 170, "setdomainname": 171, "quotactl": 179, "quotactl_fd": 443, "nfsservctl": 180,
    "personality": 135, "vhangup": 153, "uselib": 134, "seccomp": 317, "lookup_dcookie": 212, "migrate_pages": 256,
    "move_pages": 279, "mbind": 237, "set_mempolicy_home_node": 450, "memfd_secret": 447, "setpriority": 141,
    "sched_setaffinity": 203, "sched_setattr": 314, "sched_setparam": 142, "sched_setscheduler": 144,
    "ioprio_set": 251, "prlimit64": 302, "shmget": 29, "shmat": 30, "shmctl": 31, "msgget": 68, "msgctl": 71,
    "semget": 64, "semctl": 66, "semop": 65, "mq_open": 240, "mq_unlink": 241, "memfd_create": 319, "ioctl": 16,
    "prctl": 157, "getppid": 110, "getpid": 39, "umask": 95, "stat": 4, "newfstatat": 262, "statx": 332, "fstat": 5,
    "lseek": 8, "mmap": 9, "futex": 202, "pipe2": 293, "dup3": 292, "getdents64": 217, "readlinkat": 267,
    "faccessat2": 439, "close_range": 436, "landlock_create_ruleset": 444, "landlock_add_rule": 445,
    "landlock_restrict_self": 446, "lsm_set_self_attr": 460, "io_setup": 206, "mseal": 462, "chdir": 80, "fchdir": 81,
    "fcntl": 72, "fallocate": 285,
}

_AARCH64 = {
    "read": 63, "write": 64, "openat": 56, "openat2": 437, "close": 57, "unlinkat": 35, "renameat": 38,
    "renameat2": 276, "mkdirat": 34, "linkat": 37, "symlinkat": 36, "mknodat": 33, "truncate": 45, "ftruncate": 46,
    "fchmod": 52, "fchmodat": 53, "fchmodat2": 452, "fchown": 55, "fchownat": 54, "utimensat": 88, "setxattr": 5,
    "lsetxattr": 6, "fsetxattr": 7, "removexattr": 14, "lremovexattr": 15, "fremovexattr": 16,
    "inotify_add_watch": 27, "fanotify_init": 262, "fanotify_mark": 263, "execve": 221, "execveat": 281, "clone": 220,
    "clone3": 435, "exit": 93, "exit_group": 94, "kill": 129, "tkill": 130, "tgkill": 131, "rt_sigqueueinfo": 138,
    "rt_tgsigqueueinfo": 240, "pidfd_open": 434, "pidfd_getfd": 438, "pidfd_send_signal": 424, "socket": 198,
    "socketpair": 199, "connect": 203, "bind": 200, "listen": 201, "accept": 202, "accept4": 242, "sendto": 206,
    "sendmsg": 211, "sendmmsg": 269, "recvfrom": 207, "recvmsg": 212, "getsockname": 204, "ptrace": 117,
    "process_vm_readv": 270, "process_vm_writev": 271, "process_madvise": 440, "process_mrelease": 448, "kcmp": 272,
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "bpf": 280, "perf_event_open": 241,
    "userfaultfd": 282, "add_key": 217, "request_key": 218, "keyctl": 219, "mount": 40, "umount2": 39,
    "pivot_root": 41, "chroot": 51, "move_mount": 429, "open_tree": 428, "fsopen": 430, "fsconfig": 431,
    "fsmount": 432, "fspick": 433, "mount_setattr": 442, "statmount": 457, "listmount": 458, "unshare": 97,
    "setns": 268, "kexec_load": 104, "kexec_file_load": 294, "init_module": 105, "finit_module": 273,
    "delete_module": 106, "swapon": 224, "swapoff": 225, "reboot": 142, "acct": 89, "syslog": 116,
    "settimeofday": 170, "clock_settime": 112, "clock_adjtime": 266, "adjtimex": 171, "sethostname": 161,
    "setdomainname": 162, "quotactl": 60, "quotactl_fd": 443, "nfsservctl": 42, "personality": 92, "vhangup": 58,
    "seccomp": 277, "lookup_dcookie": 18, "migrate_pages": 238, "move_pages": 239, "mbind": 235,
    "set_mempolicy_home_node": 450, "memfd_secret": 447, "setpriority": 140, "sched_setaffinity": 122,
    "sched_setattr": 274, "sched_setparam": 118, "sched_setscheduler": 119, "ioprio_set": 30, "prlimit64": 261,
    "shmget": 194, "shmat": 196, "shmctl": 195, "msgget": 186, "msgctl": 187, "semget": 190, "semctl": 191,
    "semop": 193, "mq_open": 180, "mq_unlink": 181, "memfd_create": 279, "ioctl": 29, "prctl": 167, "getppid": 173,
    "getpid": 172, "umask": 166, "newfstatat": 79, "statx": 291, "fstat": 80, "lseek": 62, "mmap": 222, "futex": 98,
    "pipe2": 59, "dup3": 24, "getdents64": 61, "readlinkat": 78, "faccessat2": 439, "close_range": 436,
    "landlock_create_ruleset": 444, "landlock_add_rule": 445, "landlock_restrict_self": 446, "lsm_set_self_attr": 460,
    "io_setup": 0, "mseal": 462, "chdir": 49, "fchdir": 50, "fcntl": 25, "fallocate": 47,
}
# fmt: on


def _machine(name: str, audit: int, numbers: dict[str, int]) -> Machine:
    return Machine(name, audit, MappingProxyType(numbers), {number: call for call, number in numbers.items()})


X86_64 = _machine("x86_64", 0xC000003E, _X86_64)
AARCH64 = _machine("aarch64", 0xC00000B7, _AARCH64)
MACHINES: Mapping[str, Machine] = MappingProxyType({machine.name: machine for machine in (X86_64, AARCH64)})
