"""Changes of names and attributes: checked on the held file or folder, and carried out here on the very same."""

# Paths are texts here, as the kernel gives them: a Path would rewrite them.
# ruff: noqa: PTH115, PTH120

import ctypes
import errno
import os
import stat
from collections.abc import Callable

from attrs import define, frozen

from haldir_enforcer._linux import _attributes, _kernel, _notification
from haldir_enforcer._linux._attributes import OTHERS_RIGHTS, Arguments, Change, text_at
from haldir_enforcer._linux._meter import Meter
from haldir_enforcer._linux._notification import Answer, Refuse, Request
from haldir_enforcer._linux._report import Deed
from haldir_enforcer._linux._rules import Verdict, is_there
from haldir_enforcer._linux._scene import Scene
from haldir_enforcer._linux._shared import RULE
from haldir_enforcer._linux._view import join, signed
from haldir_enforcer.events import Action, Class

_AT_REMOVEDIR, _AT_SYMLINK_NOFOLLOW, _AT_SYMLINK_FOLLOW = 0x200, 0x100, 0x400
_RENAME_EXCHANGE, _RENAME_WHITEOUT = 2, 4
_MOST_SCANNED = 2000
_NOW = _kernel.AT_FDCWD


@define(eq=False)
class Place:
    """A name in a held folder; not changed once it is made."""

    folder: int
    name: str
    real: str


@frozen(eq=False)
class _Target:
    """A held file that an attribute is changed of, as a path that leads nowhere else."""

    descriptor: int
    real: str

    @property
    def path(self) -> str:
        return f"/proc/self/fd/{self.descriptor}"


class Changes:
    """Decides about everything that changes the file system and opens nothing."""

    def __init__(self, scene: Scene, forget: Callable[[], None], meter: Meter) -> None:
        self._rules = scene.rules
        self._view = scene.view
        self.memory = scene.memory
        self._report = scene.report
        self._forget = forget
        self._meter = meter
        self._held: list[int] = []

    def decide(self, request: Request) -> Answer:
        """Return the answer, after the change was made."""
        try:
            return _HANDLERS[request.name](self, request, request.arguments)
        except OSError as error:
            return Refuse(error.errno or errno.EACCES)
        finally:
            if request.name not in _KEEPS_FOLDERS:
                self._forget()
            for descriptor in self._held:
                os.close(descriptor)
            self._held.clear()

    # --- names

    def remove(self, request: Request, folder: int, pointer: int, flags: int) -> Answer:
        """Unlink or rmdir."""
        place = self._place(request, folder, pointer)
        kind = _kind(place)
        if not self._granted(request, Action.FS_UNLINK, place.real, exists=kind is not None):
            return Refuse(errno.ENOENT) if kind is None else _notification.DENIED
        if flags & _AT_REMOVEDIR:
            os.rmdir(place.name, dir_fd=place.folder)
            self._forget()
            return _notification.DONE
        os.unlink(place.name, dir_fd=place.folder)
        self._rules.shared.removed(place.real)
        if kind != stat.S_IFREG:
            self._forget()
        return _notification.DONE

    def make_folder(self, request: Request, folder: int, pointer: int, mode: int) -> Answer:
        """Mkdir; a name that exists is told without a judgement, as stat tells it."""
        place = self._place(request, folder, pointer)
        if _exists(place):
            return Refuse(errno.EEXIST)
        if not self._granted(request, Action.FS_CREATE, place.real):
            return _notification.DENIED
        os.mkdir(place.name, mode & 0o1777 & ~self._umask(request), dir_fd=place.folder)
        self._meter.wrote(place.real)
        return _notification.DONE

    def make_node(self, request: Request, folder: int, pointer: int, mode: int) -> Answer:
        """Mknod of a file, a pipe or a socket; devices are nobody's right."""
        place = self._place(request, folder, pointer)
        if not self._granted(request, Action.FS_CREATE, place.real):
            return _notification.DENIED
        if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
            return _notification.NOT_PERMITTED
        os.mknod(place.name, mode & ~OTHERS_RIGHTS & ~self._umask(request), dir_fd=place.folder)
        return _notification.DONE

    def rename(self, request: Request, old: tuple[int, int], new: tuple[int, int], flags: int) -> Answer:
        """Rename, where both names may be written, and everything below them if it is a folder."""
        if flags & _RENAME_WHITEOUT:
            return Refuse(errno.EINVAL)  # it would leave a device
        source, target = self._place(request, *old), self._place(request, *new)
        if source.real in self._rules.shared or target.real in self._rules.shared:
            refused = Verdict(allowed=False, kind=Class.AMBIENT, rule=RULE)
            self._note(request, Action.FS_RENAME, target.real, refused, source.real)
            return _notification.DENIED  # under another name it would not be known for the run's own
        for place in (source, target):
            if not self._granted(request, Action.FS_RENAME, place.real, via=source.real, exists=_exists(source)):
                return _notification.DENIED
        for place, other in ((source, target), (target, source)):
            if _exists(place) and not self._whole_tree_is_free(place, other):
                return self._refused(request, Action.FS_RENAME, place.real)
        first, second = text_at(source.name), text_at(target.name)
        ends = source.folder, ctypes.addressof(first), target.folder, ctypes.addressof(second)
        _kernel.call("renameat2", *ends, flags)
        self._follow(source, target)
        if flags & _RENAME_EXCHANGE:
            self._follow(target, source)
        return _notification.DONE

    def link(self, request: Request, old: tuple[int, int], new: tuple[int, int], flags: int) -> Answer:
        """Link; the file must be one that may be written, or the new name would be a way around its rule."""
        source, target = self._place(request, *old), self._place(request, *new)
        if flags & _AT_SYMLINK_FOLLOW:
            found = self._view.find(source.real, follow=True)
            self._held.append(found.descriptor)
            source = Place(_kernel.AT_FDCWD, f"/proc/self/fd/{found.descriptor}", found.real)
        readable = self._rules.reading(source.real)
        if (
            readable.allowed
            and self._rules.writing(target.real).allowed
            and not self._rules.writing(source.real).allowed
        ):
            refused = Verdict(allowed=False, kind=Class.AMBIENT, rule=readable.rule)
            self._note(request, Action.FS_LINK, target.real, refused, source.real)
            return Refuse(errno.EXDEV)  # whoever links to save a copy, such as git, makes the copy then
        if not self._granted(request, Action.FS_LINK, source.real):
            return _notification.DENIED
        verdict = self._rules.linking(source.real, target.real)
        self._note(request, Action.FS_LINK, target.real, verdict, source.real)
        if not verdict.allowed:
            return _notification.DENIED
        if _kind(source) == stat.S_IFLNK and not self._rules.may_be_link(target.real):
            return self._refused(request, Action.FS_LINK, target.real)
        follow = bool(flags & _AT_SYMLINK_FOLLOW)
        os.link(source.name, target.name, src_dir_fd=source.folder, dst_dir_fd=target.folder, follow_symlinks=follow)
        if verdict.rule == RULE:
            self._rules.shared.made(target.real)
        self._meter.renamed(source.real, target.real)
        return _notification.DONE

    def symlink(self, request: Request, text: int, folder: int, pointer: int) -> Answer:
        """Symlink: what it leads to is judged when it is used."""
        target = self.memory.string(request, text)
        place = self._place(request, folder, pointer)
        if target is None:
            return Refuse(errno.ENAMETOOLONG)
        if not self._granted(request, Action.FS_SYMLINK, place.real, via=os.fsdecode(target)):
            return _notification.DENIED
        if not self._rules.may_be_link(place.real):
            return self._refused(request, Action.FS_SYMLINK, place.real)
        os.symlink(os.fsdecode(target), place.name, dir_fd=place.folder)
        self._meter.wrote(place.real)
        return _notification.DONE

    # --- attributes

    def on_path(self, request: Request, folder: int, pointer: int, change: Change, *, follow: bool = True) -> Answer:
        """Change an attribute of the file at a path; without a path, of the descriptor ``folder``."""
        if not pointer:
            return self.on_descriptor(request, folder, change)
        raw = self.memory.path(request, pointer)
        if not raw:
            return self.on_descriptor(request, folder, change)
        via = self._view.absolute(request, folder, raw)
        if via.startswith("/proc/"):
            return self._change(request, via, None, change)
        try:
            found = self._view.find(via, follow=follow)
        except FileNotFoundError:
            self._note_hidden(request, via)
            raise
        self._held.append(found.descriptor)
        return self._change(request, via, _Target(found.descriptor, found.real), change)

    def on_descriptor(self, request: Request, number: int, change: Change) -> Answer:
        """Change an attribute of a file that the caller has open; that it could open it says nothing about this."""
        process = os.pidfd_open(self._report.caller(request.thread).process)
        try:
            held = _kernel.call("pidfd_getfd", process, signed(number))
        finally:
            os.close(process)
        self._held.append(held)
        real = os.readlink(f"/proc/self/fd/{held}")
        return self._change(request, real, _Target(held, real), change)

    def _change(self, request: Request, via: str, target: _Target | None, change: Change) -> Answer:
        action, do = change
        real = via if target is None else target.real
        if action is not Action.FS_TRUNCATE and real in self._rules.shared:
            return _notification.NOT_PERMITTED  # it stays its owner's alone
        nameless = target is not None and (real.startswith("/memfd:") or not real.startswith("/"))
        if not nameless and not self._granted(request, action, real, via=None if via == real else via):
            return _notification.DENIED
        if target is None:
            return _notification.DENIED
        do(target.path)
        return _notification.DONE

    # --- shared

    def _place(self, request: Request, folder: int, pointer: int) -> Place:
        raw = self.memory.path(request, pointer)
        if not raw:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
        via = self._view.absolute(request, folder, raw)
        try:
            found, name = self._view.find_parent(via)
        except FileNotFoundError:
            self._note_hidden(request, via)
            raise
        return Place(found.descriptor, name, join(found.real, name))

    def _note_hidden(self, request: Request, via: str) -> None:
        """What the caller cannot see is absent to it; to try it is a violation all the same."""
        real = os.path.realpath(via)
        verdict = self._rules.writing(real)
        if not verdict.allowed and is_there(os.path.dirname(real)):
            self._note(request, _ACTIONS.get(request.name.removesuffix("at"), Action.FS_CHMOD), real, verdict, via)

    def _umask(self, request: Request) -> int:
        return self._report.caller(request.thread).umask

    def _granted(
        self, request: Request, action: Action, real: str, *, via: str | None = None, exists: bool = True
    ) -> bool:
        verdict = self._rules.writing(real)
        if not verdict.allowed and not exists:
            verdict = Verdict(allowed=False, kind=self._rules.absent(real).kind, rule=None)
        self._note(request, action, real, verdict, via)
        return verdict.allowed

    def _note(self, request: Request, action: Action, real: str, verdict: Verdict, via: str | None = None) -> None:
        self._report.note(
            request,
            Deed(
                action,
                verdict.allowed,
                verdict.kind,
                path=real,
                via=None if via == real else via,
                rule=verdict.rule,
                errno=None if verdict.allowed else errno.EACCES,
                detail=request.name,
            ),
        )

    def _follow(self, old: Place, new: Place) -> None:
        """What was renamed is measured under its new name."""
        measured = self._meter.moved if _kind(new) == stat.S_IFDIR else self._meter.renamed
        measured(old.real, new.real)

    def _refused(self, request: Request, action: Action, real: str) -> Answer:
        """Refuse, as a violation, what the rule of the path alone would grant."""
        self._note(request, action, real, Verdict(allowed=False, kind=Class.VIOLATION, rule=None))
        return _notification.DENIED

    def _whole_tree_is_free(self, place: Place, other: Place) -> bool:
        """Whether everything below a folder may be written, under its old and under its new name.

        Raises: OSError if that cannot be seen.
        """
        kind = _kind(place)
        if kind != stat.S_IFDIR:
            return kind != stat.S_IFLNK or self._rules.may_be_link(other.real)
        seen = 0
        for path, folders, files, folder in os.fwalk(place.name, dir_fd=place.folder, onerror=_raise):
            for name in (*folders, *files):
                seen += 1
                below = join(path, name)[len(place.name) :]
                if seen > _MOST_SCANNED or not self._is_free(
                    Place(folder, name, place.real + below), other.real + below
                ):
                    return False
        return True

    def _is_free(self, place: Place, other: str) -> bool:
        """Whether a file may be written under both names, and is no link that leads astray by the other."""
        if not (self._rules.writing(place.real).allowed and self._rules.writing(other).allowed):
            return False
        return self._rules.may_be_link(other) or _kind(place) != stat.S_IFLNK


_ACTIONS = {
    "unlink": Action.FS_UNLINK,
    "rmdir": Action.FS_UNLINK,
    "mkdir": Action.FS_CREATE,
    "mknod": Action.FS_CREATE,
    "rename": Action.FS_RENAME,
    "renameat2": Action.FS_RENAME,
    "link": Action.FS_LINK,
    "symlink": Action.FS_SYMLINK,
    "truncate": Action.FS_TRUNCATE,
}


def _raise(error: OSError) -> None:
    raise error


def _exists(place: Place) -> bool:
    return _kind(place) is not None


def _kind(place: Place) -> int | None:
    """Return the kind of the file, None if there is none."""
    try:
        return stat.S_IFMT(os.stat(place.name, dir_fd=place.folder, follow_symlinks=False).st_mode)
    except OSError:
        return None


def _follows(flags: int) -> bool:
    return not flags & _AT_SYMLINK_NOFOLLOW


_KEEPS_FOLDERS = frozenset(
    {"unlink", "unlinkat", "mkdir", "mkdirat", "mknod", "mknodat", "truncate", "chmod", "fchmod"}
)
"""These lead no known path elsewhere, or say so themselves."""
_Handler = Callable[[Changes, Request, Arguments], Answer]
_HANDLERS: dict[str, _Handler] = {
    "unlink": lambda c, r, a: c.remove(r, _NOW, a[0], 0),
    "rmdir": lambda c, r, a: c.remove(r, _NOW, a[0], _AT_REMOVEDIR),
    "unlinkat": lambda c, r, a: c.remove(r, a[0], a[1], a[2]),
    "mkdir": lambda c, r, a: c.make_folder(r, _NOW, a[0], a[1]),
    "mkdirat": lambda c, r, a: c.make_folder(r, a[0], a[1], a[2]),
    "mknod": lambda c, r, a: c.make_node(r, _NOW, a[0], a[1]),
    "mknodat": lambda c, r, a: c.make_node(r, a[0], a[1], a[2]),
    "rename": lambda c, r, a: c.rename(r, (_NOW, a[0]), (_NOW, a[1]), 0),
    "renameat": lambda c, r, a: c.rename(r, (a[0], a[1]), (a[2], a[3]), 0),
    "renameat2": lambda c, r, a: c.rename(r, (a[0], a[1]), (a[2], a[3]), a[4]),
    "link": lambda c, r, a: c.link(r, (_NOW, a[0]), (_NOW, a[1]), 0),
    "linkat": lambda c, r, a: c.link(r, (a[0], a[1]), (a[2], a[3]), a[4]),
    "symlink": lambda c, r, a: c.symlink(r, a[0], _NOW, a[1]),
    "symlinkat": lambda c, r, a: c.symlink(r, a[0], a[1], a[2]),
    "truncate": lambda c, r, a: c.on_path(r, _NOW, a[0], _attributes.size(a[1])),
    "chmod": lambda c, r, a: c.on_path(r, _NOW, a[0], _attributes.mode(a[1])),
    "fchmod": lambda c, r, a: c.on_descriptor(r, a[0], _attributes.mode(a[1])),
    "fchmodat": lambda c, r, a: c.on_path(r, a[0], a[1], _attributes.mode(a[2])),
    "fchmodat2": lambda c, r, a: c.on_path(r, a[0], a[1], _attributes.mode(a[2]), follow=_follows(a[3])),
    "chown": lambda c, r, a: c.on_path(r, _NOW, a[0], _attributes.owner(a[1], a[2])),
    "lchown": lambda c, r, a: c.on_path(r, _NOW, a[0], _attributes.owner(a[1], a[2]), follow=False),
    "fchown": lambda c, r, a: c.on_descriptor(r, a[0], _attributes.owner(a[1], a[2])),
    "fchownat": lambda c, r, a: c.on_path(r, a[0], a[1], _attributes.owner(a[2], a[3]), follow=_follows(a[4])),
    "utime": lambda c, r, a: c.on_path(r, _NOW, a[0], _attributes.times(c.memory, r, a[1], "seconds")),
    "utimes": lambda c, r, a: c.on_path(r, _NOW, a[0], _attributes.times(c.memory, r, a[1], "microseconds")),
    "futimesat": lambda c, r, a: c.on_path(r, a[0], a[1], _attributes.times(c.memory, r, a[2], "microseconds")),
    "utimensat": lambda c, r, a: c.on_path(
        r, a[0], a[1], _attributes.times(c.memory, r, a[2], "nanoseconds"), follow=_follows(a[3])
    ),
    "setxattr": lambda c, r, a: c.on_path(r, _NOW, a[0], _attributes.attribute(c.memory, r)),
    "lsetxattr": lambda c, r, a: c.on_path(r, _NOW, a[0], _attributes.attribute(c.memory, r), follow=False),
    "fsetxattr": lambda c, r, a: c.on_descriptor(r, a[0], _attributes.attribute(c.memory, r)),
    "removexattr": lambda c, r, a: c.on_path(r, _NOW, a[0], _attributes.attribute(c.memory, r)),
    "lremovexattr": lambda c, r, a: c.on_path(r, _NOW, a[0], _attributes.attribute(c.memory, r), follow=False),
    "fremovexattr": lambda c, r, a: c.on_descriptor(r, a[0], _attributes.attribute(c.memory, r)),
}
