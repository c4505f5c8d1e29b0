"""What may be opened below /proc: the caller's own process and a few facts about the machine."""

# Paths are texts here, as the kernel gives them: a Path would rewrite them.
# ruff: noqa: PTH115, PTH116

import errno
import fcntl
import os
import re
import stat

from haldir_enforcer._linux import _kernel, _notification
from haldir_enforcer._linux._notification import Answer, Give, Refuse, Request
from haldir_enforcer._linux._report import Deed
from haldir_enforcer._linux._scene import Scene
from haldir_enforcer.events import Action, Class

_MACHINE = frozenset(
    f"/proc/{name}"
    for name in [
        "cpuinfo",
        "filesystems",
        "loadavg",
        "meminfo",
        "stat",
        "uptime",
        "version",
        "vmstat",
        "sys/vm/overcommit_memory",
        "sys/kernel/cap_last_cap",
        "sys/kernel/ngroups_max",
        "sys/kernel/osrelease",
        "sys/kernel/ostype",
        "sys/kernel/pid_max",
        "sys/kernel/random/uuid",
        "sys/kernel/random/boot_id",
        "sys/kernel/threads-max",
        "sys/kernel/seccomp/actions_avail",
        "sys/fs/pipe-max-size",
        "sys/fs/nr_open",
        "sys/fs/file-max",
        "sys/net/core/somaxconn",
        "sys/vm/max_map_count",
        "sys/vm/mmap_min_addr",
        "sys/crypto/fips_enabled",
    ]
)
_OWN_FILES = re.compile(
    r"(?:task/[0-9]+/)?(?:auxv|cgroup|children|cmdline|comm|coredump_filter|environ|fd|fdinfo(?:/[0-9]+)?|io|limits"
    r"|maps|mountinfo|mounts|mountstats|numa_maps|oom_adj|oom_score|oom_score_adj|personality|schedstat|smaps"
    r"|smaps_rollup|stat|statm|status|wchan)|task|task/[0-9]+|attr/current|"
)
_OWN_WRITES = re.compile(r"(?:task/[0-9]+/)?comm|oom_score_adj|coredump_filter")
_LINK = re.compile(r"/proc/([0-9]+)(?:/task/[0-9]+)?/(root|cwd|exe|fd/[0-9]+)")
_MEMBER = re.compile(r"/proc/([0-9]+)(?:/(.*))?$")


class ProcFiles:
    """Opens what a caller may see of /proc; nothing of it is ever opened by the caller itself."""

    def __init__(self, scene: Scene) -> None:
        self._rules = scene.rules
        self._view = scene.view
        self._report = scene.report

    def target(self, request: Request, via: str) -> str | None:
        """Return where a path through one of the links of a process leads, or None if it is no such path.

        A process that is not the caller's has no links here.
        """
        link, rest = _split_at_link(via)
        if link is None or not self._is_own(request, int(link[1])):
            return None
        try:
            return os.readlink(f"/proc/{request.thread}/{link[2]}") + rest
        except OSError:
            return None

    def open(self, request: Request, via: str, flags: int) -> Answer:
        """Return the answer for a plain file of /proc."""
        path = os.path.normpath(via)
        if path == "/proc/mounts":
            path = f"/proc/{request.thread}/mounts"
        writes = flags & os.O_ACCMODE != os.O_RDONLY
        if not writes and (path in _MACHINE or self._rules.reading(path).allowed):
            return self._give(request, path, flags, path)
        match = _MEMBER.match(path)
        if match and self._is_own(request, int(match[1])):
            inner = f"/proc/{self._report.caller(request.thread).inner}/{match[2] or ''}"
            listed = (_OWN_WRITES if writes else _OWN_FILES).fullmatch(match[2] or "")
            if listed or (not writes and self._rules.reading(f"/proc/self/{match[2]}").allowed):
                return self._give(request, inner, flags, path)
        return self._refuse(request, path, flags, exists=os.path.lexists(path))

    def own_descriptor(self, request: Request, via: str, flags: int) -> int | None:
        """Return a copy of a descriptor of the caller that already allows what it asks of its /proc name."""
        match = re.fullmatch(r"/proc/[0-9]+/fd/([0-9]+)", os.path.normpath(via))
        if not match:
            return None
        try:
            process = os.pidfd_open(self._report.caller(request.thread).process)
            try:
                copy = _kernel.call("pidfd_getfd", process, int(match[1]))
            finally:
                os.close(process)
        except OSError:
            return None
        empties = flags & os.O_TRUNC and stat.S_ISREG(os.stat(copy).st_mode)
        if _access_of(copy) & _asked(flags) == _asked(flags) and not empties:
            return copy
        os.close(copy)
        return None

    def reopen(self, request: Request, via: str, flags: int) -> Answer:
        """Return the answer for a pipe or another nameless file that the caller already holds."""
        own = self.own_descriptor(request, via, flags)
        if own is not None:
            return Give(own, bool(flags & os.O_CLOEXEC))
        return self._refuse(request, os.path.normpath(via), flags, exists=True)

    def _is_own(self, request: Request, number: int) -> bool:
        caller = self._report.caller(request.thread)
        return number in {request.thread, caller.process, caller.inner}

    def _give(self, request: Request, path: str, flags: int, asked: str) -> Answer:
        try:
            found = self._view.find(path, follow=False)
        except OSError as error:
            return Refuse(error.errno or errno.EACCES)
        try:
            opened = os.open(f"/proc/self/fd/{found.descriptor}", flags & ~os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY)
        except OSError as error:
            return Refuse(error.errno or errno.EACCES)
        finally:
            os.close(found.descriptor)
        self._report.note(request, Deed(Action.FS_READ, allowed=True, kind=Class.AMBIENT, path=asked))
        return Give(opened, bool(flags & os.O_CLOEXEC))

    def _refuse(self, request: Request, path: str, flags: int, *, exists: bool) -> Answer:
        writes = flags & os.O_ACCMODE != os.O_RDONLY
        number = errno.EACCES if exists else errno.ENOENT
        ambient = not exists or (path.startswith("/proc/sys/") and not writes)
        self._report.note(
            request,
            Deed(
                Action.FS_WRITE if writes else Action.FS_READ,
                allowed=False,
                kind=Class.AMBIENT if ambient else Class.VIOLATION,
                path=path,
                errno=number,
            ),
        )
        return _notification.DENIED if exists else Refuse(number)


def _split_at_link(path: str) -> tuple[re.Match[str] | None, str]:
    """Return the first link of a process on a path, and what follows it, in which ``..`` counts from its target."""
    plain: list[str] = []
    segments = path.split("/")
    for at, segment in enumerate(segments):
        if segment == "..":
            del plain[-1:]
        elif segment not in {"", "."}:
            plain.append(segment)
            if match := _LINK.fullmatch("/" + "/".join(plain)):
                rest = "/".join(segments[at + 1 :])
                return match, f"/{rest}" if at + 1 < len(segments) else ""
    return None, ""


def _asked(flags: int) -> int:
    return {os.O_RDONLY: 1, os.O_WRONLY: 2}.get(flags & os.O_ACCMODE, 3)


def _access_of(descriptor: int) -> int:
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    return 0 if flags & os.O_PATH else _asked(flags)
