"""Paths as a caller sees them, and the real files behind them."""

# Paths are texts here, as the kernel gives them: a Path would rewrite them.
# ruff: noqa: PTH115

import errno
import os
import re

from attrs import define

from haldir_enforcer._linux import _kernel
from haldir_enforcer._linux._notification import Request

_OWN = re.compile(r"^/+(?:\./+)*proc/+(?:\./+)*(?:self|thread-self)(?=/|$)")
_DEVICE_LINKS = {"/dev/stdin": "/proc/self/fd/0", "/dev/stdout": "/proc/self/fd/1", "/dev/stderr": "/proc/self/fd/2"}
_MOST_FOLDERS = 128
_IN_ROOT = _kernel.RESOLVE_IN_ROOT | _kernel.RESOLVE_NO_MAGICLINKS


@define(eq=False)
class Found:
    """A file that is held by an O_PATH descriptor, and its real path; not changed.  The holder closes it."""

    descriptor: int
    real: str


class View:
    """The tree of folders that the confined processes see."""

    def __init__(self) -> None:
        self._root = -1
        self._mounts = -1  # held, or with the last process the tree would fall apart while a path in it is judged
        self._following = _kernel.Resolver(os.O_PATH, _IN_ROOT)
        self._not_following = _kernel.Resolver(os.O_PATH | os.O_NOFOLLOW, _IN_ROOT)
        self._own_link = f"/proc/{os.getpid()}"
        self._folders: dict[str, Found] = {}
        self._current: dict[int, str] = {}
        self.moving: set[int] = set()
        """Threads whose current folder changes: until such a thread asks again, it may have done so or not."""

    def enter(self, process: int) -> int:
        """The tree is the one that this process sees; its root is returned, and stays held here.

        Raises: OSError if it is gone.
        """
        self._mounts = os.open(f"/proc/{process}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
        self._root = os.open(f"/proc/{process}/root", os.O_PATH | os.O_CLOEXEC)
        return self._root

    def absolute(self, request: Request, folder: int, path: bytes) -> str:
        """Return the path that the caller means, absolute; nothing is resolved.

        Raises: OSError if the folder descriptor is none of the caller's.
        """
        text = os.fsdecode(path)
        if text[:1] != "/":
            base = self.folder(request, folder)
            text = f"{base.rstrip('/')}/{text}" if text else base
        elif text.startswith("/dev/"):
            text = _DEVICE_LINKS.get(text, text)
            if text.startswith("/dev/fd/"):
                text = "/proc/self/fd/" + text[8:]
        return self.own(request, text) if "proc" in text else text

    @staticmethod
    def own(request: Request, path: str) -> str:
        """Return an absolute path with the caller's own number for what /proc calls self."""
        return _OWN.sub(f"/proc/{request.thread}", path) if "proc" in path else path

    def folder(self, request: Request, folder: int) -> str:
        """Return the path of a folder descriptor of the caller, or of its current folder.

        Raises: OSError if it has no such descriptor.
        """
        number = signed(folder)
        if number != _kernel.AT_FDCWD:
            return os.readlink(f"/proc/{request.thread}/fd/{number}")
        known = self._current.get(request.thread)
        if known is None:
            known = os.readlink(f"/proc/{request.thread}/cwd")
            if not self.moving:
                self._current[request.thread] = known
        return known

    def moves(self, thread: int) -> None:
        """The current folder of a thread, and of all that share it, is another one soon."""
        self._current.clear()
        self.moving.add(thread)

    def forget_current(self) -> None:
        """A number may be that of another thread by now."""
        self._current.clear()

    def find(self, path: str, *, follow: bool) -> Found:
        """Hold the file at ``path``.

        Raises: OSError if there is none, or the path leads through a link of /proc into a process.
        """
        resolver = self._following if follow else self._not_following
        descriptor = resolver.open(self._root, os.fsencode(path))
        return Found(descriptor, self._real(descriptor))

    def find_parent(self, path: str) -> tuple[Found, str]:
        """Return the folder in which the last name of ``path`` lies, kept open here, and that name.

        A folder is looked for once: what it was found under is true until ``forget``.

        Raises: OSError if there is no such folder, or the path ends in no name.
        """
        folder, _, name = path.rstrip("/").rpartition("/")
        if name in {"", ".", ".."}:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        found = self._folders.get(folder)
        if found is None:
            if len(self._folders) >= _MOST_FOLDERS:
                self.forget()
            found = self._folders[folder] = self.find(folder or "/", follow=True)
        elif self._real(found.descriptor) != found.real:  # somebody outside has renamed it
            self.forget()
            return self.find_parent(path)
        return found, name

    def forget(self) -> None:
        """Names of folders or links have changed, so that a path may lead elsewhere now."""
        for found in self._folders.values():
            os.close(found.descriptor)
        self._folders.clear()
        self._current.clear()

    def _real(self, descriptor: int) -> str:
        real = os.readlink(f"/proc/self/fd/{descriptor}")
        if real.startswith(self._own_link):  # a link to /proc/self leads to whoever asks; here that is not the caller
            os.close(descriptor)
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        return real


def signed(argument: int) -> int:
    """Return a register as the int that the kernel makes of it."""
    low = argument & 0xFFFFFFFF
    return low - (1 << 32) if low >= 1 << 31 else low


def join(folder: str, name: str) -> str:
    """Return the path of ``name`` in a real folder."""
    return f"{folder.rstrip('/')}/{name}"
