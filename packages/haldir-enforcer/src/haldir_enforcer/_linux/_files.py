"""Opening files: granted reads go on under the kernel's eyes, everything else is opened here and handed over."""

# Paths are texts here, as the kernel gives them: a Path would rewrite them.
# ruff: noqa: PTH116, PTH120

import errno
import functools
import os
import stat
import struct
from collections.abc import Callable

from attrs import define, evolve

from haldir_enforcer._linux import _kernel, _notification
from haldir_enforcer._linux._notification import Answer, Give, Refuse, Request
from haldir_enforcer._linux._procfs import ProcFiles
from haldir_enforcer._linux._report import Deed
from haldir_enforcer._linux._rules import Verdict, is_there
from haldir_enforcer._linux._scene import Scene
from haldir_enforcer._linux._shared import RULE
from haldir_enforcer._linux._view import Found, join
from haldir_enforcer._linux._virtual import VirtualFiles
from haldir_enforcer.events import Action, By, Class

_CREATING = os.O_CREAT | os.O_WRONLY | os.O_TRUNC
_TMPFILE = os.O_TMPFILE & ~os.O_DIRECTORY
_MOST_LINKS = 8
_MOST_KNOWN = 4096
_SLASH = 47
_NEW = os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOCTTY
_HERE = _kernel.AT_FDCWD & 0xFFFFFFFF
_JUST_MAKES = os.O_CREAT | _TMPFILE | os.O_PATH | os.O_DIRECTORY
_NOT_PLAIN = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | _TMPFILE | os.O_PATH
_FLAG_NAMES = (
    (os.O_CREAT, "create"),
    (os.O_EXCL, "exclusive"),
    (os.O_TRUNC, "truncate"),
    (os.O_APPEND, "append"),
    (os.O_DIRECTORY, "directory"),
)
_ACCESS_NAMES = {os.O_RDONLY: "read", os.O_WRONLY: "write", os.O_RDWR: "read-write"}


@define(eq=False)
class Opening:
    """What a caller asked to open; not changed once it is made."""

    via: str
    flags: int
    mode: int

    @property
    def writes(self) -> bool:
        """Whether the file may be changed through it."""
        return self.flags & os.O_ACCMODE != os.O_RDONLY or bool(self.flags & (os.O_TRUNC | _TMPFILE))

    @property
    def follows(self) -> bool:
        """Whether a link at the end is followed."""
        return not self.flags & os.O_NOFOLLOW and not (self.flags & os.O_CREAT and self.flags & os.O_EXCL)

    @property
    def names(self) -> tuple[str, ...]:
        """The flags that matter, in words."""
        return _names_of(self.flags)


@functools.lru_cache(maxsize=256)
def _names_of(flags: int) -> tuple[str, ...]:
    return (_ACCESS_NAMES.get(flags & os.O_ACCMODE, "none"), *(name for bit, name in _FLAG_NAMES if flags & bit))


class Files:
    """Decides about open, openat, openat2 and creat."""

    def __init__(
        self, scene: Scene, virtual: VirtualFiles, wrote: Callable[[str], None], looked_up: Callable[[int], None]
    ) -> None:
        self._rules = scene.rules
        self._view = scene.view
        self._memory = scene.memory
        self._report = scene.report
        self._wrote = wrote
        self._looked_up = looked_up
        self._virtual = virtual
        self._proc = ProcFiles(scene)
        self._known: dict[tuple[bytes, int, str], Deed] = {}
        self._last = Deed(Action.FS_READ, allowed=False, kind=Class.AMBIENT)

    def decide(self, request: Request) -> Answer:
        """Return the answer to one of the calls that open."""
        opening = self._read(request)
        if isinstance(opening, Refuse):
            return opening
        if opening.flags & os.O_PATH:
            return _notification.GO_ON  # it gives no more than stat does; each use of it is judged for itself
        return self._open(request, opening, _MOST_LINKS)

    def decide_openat(self, request: Request) -> Answer:
        """Return the answer to openat, by far the most frequent call, with reads that the kernel holds remembered."""
        folder, pointer, flags, mode, _, _ = request.arguments
        if folder & 0xFFFFFFFF != _HERE:
            return self.decide(request)
        if flags & _NOT_PLAIN and flags & _JUST_MAKES != os.O_CREAT:
            return self.decide(request)
        raw = self._memory.string(request, pointer)
        if not raw:
            return self.decide(request)
        if flags & _NOT_PLAIN:
            return self._make_openat(
                request, Opening(self._view.absolute(request, folder, raw), flags & 0xFFFFFFFF, mode & 0o1777)
            )
        cwd = "" if raw[0] == _SLASH else self._view.folder(request, folder)
        key = (raw, flags, cwd)
        known = self._known.get(key)
        if known is not None:
            self._report.note_again(request, known)
            return _notification.GO_ON
        via = self._view.absolute(request, folder, raw) if not cwd else f"{cwd.rstrip('/')}/{os.fsdecode(raw)}"
        answer = self._open(request, Opening(via, flags & 0xFFFFFFFF, 0), _MOST_LINKS)
        if answer is _notification.GO_ON:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[key] = self._last
        return answer

    def forget(self) -> None:
        """Names have changed, so that a path may lead elsewhere now."""
        self._known.clear()
        self._view.forget()

    def _make_openat(self, request: Request, opening: Opening) -> Answer:
        """Return the answer to an openat that may make its file: mostly there is none yet, or a plain one."""
        if opening.via.startswith(("/proc/", "/dev/")) or opening.via.endswith("/"):
            return self._open(request, opening, _MOST_LINKS)
        try:
            folder, name = self._view.find_parent(opening.via)
        except OSError:
            return self._open(request, opening, _MOST_LINKS)
        made = self._make_new(request, opening, folder, name)
        if made is not None:
            return made
        try:
            status = os.stat(name, dir_fd=folder.descriptor, follow_symlinks=False)
        except OSError:
            return self._make(request, opening, folder, name)
        if not opening.writes or not stat.S_ISREG(status.st_mode):
            return self._open(request, opening, _MOST_LINKS)
        return self._make(request, opening, folder, name, Action.FS_WRITE)

    def _make_new(self, request: Request, opening: Opening, folder: Found, name: str) -> Answer | None:
        """Return the answer where the file may be written and is not there yet; the kernel tells both at once."""
        real = join(folder.real, name)
        verdict = self._rules.writing(real)
        if not verdict.allowed:
            return None
        mode = opening.mode & ~self._report.caller(request.thread).umask
        try:
            made = os.open(name, opening.flags | _NEW, mode, dir_fd=folder.descriptor)
        except OSError:
            return None
        self._note(request, opening, real, verdict, action=Action.FS_CREATE)
        self._wrote(real)
        return Give(made, bool(opening.flags & os.O_CLOEXEC))

    def watch(self, request: Request) -> Answer:
        """Return the answer to inotify_add_watch: what may be read may be watched."""
        raw = self._memory.string(request, request.arguments[1])
        if not raw:
            return Refuse(errno.ENOENT)
        opening = Opening(self._view.absolute(request, _kernel.AT_FDCWD, raw), os.O_RDONLY, 0)
        found = self._view.find(opening.via, follow=True)
        os.close(found.descriptor)
        verdict = self._rules.reading(found.real)
        self._note(request, opening, found.real, verdict, None if verdict.allowed else errno.EACCES)
        return _notification.GO_ON if verdict.allowed else _notification.DENIED

    def _read(self, request: Request) -> Opening | Refuse:
        arguments = request.arguments
        folder, pointer, flags, mode = _kernel.AT_FDCWD, arguments[0], arguments[1], arguments[2]
        match request.name:
            case "openat":
                folder, pointer, flags, mode = arguments[:4]
            case "creat":
                flags, mode = _CREATING, arguments[1]
            case "openat2":
                folder, pointer, how, _ = arguments[:4]
                if how and arguments[3] >= 24:
                    flags, mode, resolve = struct.unpack("QQQ", self._memory.read(request, how, 24))
                    if resolve & ~(_kernel.RESOLVE_NO_MAGICLINKS | _kernel.RESOLVE_NO_SYMLINKS):
                        return Refuse(errno.ENOSYS)  # callers fall back to openat
                else:
                    return Refuse(errno.EINVAL)
        raw = self._memory.string(request, pointer)
        if raw is None:
            return Refuse(errno.ENAMETOOLONG)
        if not raw:
            return Refuse(errno.ENOENT)
        try:
            return Opening(self._view.absolute(request, folder, raw), flags & 0xFFFFFFFF, mode & 0o1777)
        except OSError as error:
            return Refuse(errno.EBADF if error.errno == errno.ENOENT else error.errno or errno.EBADF)

    def _open(self, request: Request, opening: Opening, links: int) -> Answer:
        if not opening.writes and (copy := self._virtual.copy(opening.via, request)) is not None:
            self._note(request, opening, opening.via, Verdict(allowed=True, kind=Class.AMBIENT, rule="virtual"))
            if opening.via == "/etc/hosts":
                self._looked_up(self._report.caller(request.thread).process)
            return Give(copy, bool(opening.flags & os.O_CLOEXEC))
        if opening.via.startswith("/proc/"):
            return self._open_proc(request, opening, links)
        try:
            found = self._view.find(opening.via, follow=opening.follows)
        except OSError as error:
            return self._not_found(request, opening, error, links)
        try:
            return self._judge(request, opening, found)
        finally:
            os.close(found.descriptor)

    def _open_proc(self, request: Request, opening: Opening, links: int) -> Answer:
        target = self._proc.target(request, opening.via)
        if target is None:
            return self._proc.open(request, opening.via, opening.flags)
        if links and target.startswith("/"):
            own = self._proc.own_descriptor(request, opening.via, opening.flags)
            if own is not None and not self._may(opening, target).allowed:
                return Give(own, bool(opening.flags & os.O_CLOEXEC))
            if own is not None:
                os.close(own)
            return self._open(request, Opening(target, opening.flags, opening.mode), links - 1)
        return self._proc.reopen(request, opening.via, opening.flags)

    def _judge(self, request: Request, opening: Opening, found: Found) -> Answer:
        if opening.flags & os.O_CREAT and opening.flags & os.O_EXCL:
            return Refuse(errno.EEXIST)
        verdict = self._may(opening, found.real)
        if not verdict.allowed:
            self._note(request, opening, found.real, verdict, errno.EACCES)
            return _notification.DENIED
        if not opening.writes and self._rules.kernel_holds(found.real):
            self._note(request, opening, found.real, evolve(verdict, by=By.KERNEL))
            return _notification.GO_ON
        return self._hand_over(request, opening, found, verdict)

    def _may(self, opening: Opening, real: str) -> Verdict:
        if not opening.writes:
            return self._rules.reading(real)
        verdict = self._rules.writing(real)
        reads_too = opening.flags & os.O_ACCMODE == os.O_RDWR
        return self._rules.reading(real) if reads_too and verdict.allowed else verdict

    def _may_make(self, opening: Opening, real: str) -> Verdict:
        return self._rules.making(real) if opening.flags & os.O_EXCL else self._rules.writing(real)

    def _hand_over(self, request: Request, opening: Opening, found: Found, verdict: Verdict) -> Answer:
        flags = opening.flags & ~(os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW) | os.O_NOCTTY | os.O_CLOEXEC
        kind = os.stat(found.descriptor).st_mode
        if opening.flags & os.O_NOFOLLOW and stat.S_ISLNK(kind):
            return Refuse(errno.ELOOP)
        if opening.flags & os.O_CREAT and stat.S_ISDIR(kind):
            return Refuse(errno.EISDIR)
        waits = stat.S_ISFIFO(kind) and not flags & os.O_NONBLOCK
        mode = opening.mode & ~self._report.caller(request.thread).umask if opening.flags & _TMPFILE else 0
        try:
            opened = os.open(f"/proc/self/fd/{found.descriptor}", flags | (os.O_NONBLOCK if waits else 0), mode)
        except OSError as error:
            return Refuse(error.errno or errno.EACCES)
        if waits:
            os.set_blocking(opened, True)
        self._note(request, opening, found.real, verdict)
        if opening.writes:
            self._wrote(found.real)
        return Give(opened, bool(opening.flags & os.O_CLOEXEC))

    def _not_found(self, request: Request, opening: Opening, error: OSError, links: int) -> Answer:
        if links and opening.follows and error.errno in {errno.ENOENT, errno.ELOOP}:
            target = self._link_at(request, opening.via)
            if target is not None:
                return self._open(request, Opening(target, opening.flags, opening.mode), links - 1)
        if error.errno == errno.ENOENT and opening.flags & os.O_CREAT:
            return self._create(request, opening)
        number = error.errno or errno.EACCES
        if number in {errno.ENOENT, errno.ENOTDIR}:
            verdict = self._rules.absent(os.path.realpath(opening.via))
            self._note(request, opening, opening.via, verdict, number)
            return Refuse(number)
        is_secret = self._rules.is_secret(os.path.realpath(opening.via))  # of another user, as far as can be seen
        kind = Class.VIOLATION if number == errno.ELOOP or is_secret else Class.AMBIENT
        self._note(request, opening, opening.via, Verdict(allowed=False, kind=kind, rule=None), number)
        return Refuse(number)

    def _link_at(self, request: Request, via: str) -> str | None:
        """Return where a link leads that cannot be followed here: to nothing yet, or to the caller's own /proc."""
        try:
            found = self._view.find(via, follow=False)
        except OSError:
            return None
        try:
            target = os.readlink("", dir_fd=found.descriptor)
        except OSError:
            return None
        finally:
            os.close(found.descriptor)
        return self._view.own(request, target if target.startswith("/") else join(os.path.dirname(found.real), target))

    def _create(self, request: Request, opening: Opening) -> Answer:
        try:
            folder, name = self._view.find_parent(opening.via)
        except OSError as error:
            real = os.path.realpath(opening.via)
            if is_there(os.path.dirname(real)) and not (verdict := self._rules.writing(real)).allowed:
                self._note(request, opening, real, verdict, error.errno, action=Action.FS_CREATE)
            return Refuse(error.errno or errno.EACCES)
        return self._make(request, opening, folder, name)

    def _make(
        self, request: Request, opening: Opening, folder: Found, name: str, action: Action = Action.FS_CREATE
    ) -> Answer:
        real = join(folder.real, name)
        verdict = self._may_make(opening, real) if action is Action.FS_CREATE else self._may(opening, real)
        if not verdict.allowed:
            self._note(request, opening, real, verdict, errno.EACCES, action=action)
            return _notification.DENIED
        mode = opening.mode & ~self._report.caller(request.thread).umask
        if verdict.rule == RULE:
            mode &= stat.S_IRWXU
        flags = opening.flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOCTTY
        try:
            made = os.open(name, flags, mode, dir_fd=folder.descriptor)
        except OSError as error:
            return Refuse(error.errno or errno.EACCES)
        if verdict.rule == RULE:
            self._rules.shared.made(real)
        self._note(request, opening, real, verdict, action=action)
        self._wrote(real)
        return Give(made, bool(opening.flags & os.O_CLOEXEC))

    def _note(
        self,
        request: Request,
        opening: Opening,
        real: str,
        verdict: Verdict,
        number: int | None = None,
        *,
        action: Action | None = None,
    ) -> None:
        self._last = deed = Deed(
            action or (Action.FS_WRITE if opening.writes else Action.FS_READ),
            verdict.allowed and number is None,
            verdict.kind,
            verdict.by,
            real,
            None if opening.via == real else opening.via,
            verdict.rule,
            number,
            opening.names,
        )
        self._report.note(request, deed)
