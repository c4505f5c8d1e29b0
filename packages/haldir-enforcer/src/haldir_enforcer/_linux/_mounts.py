"""The tree of folders in a mount namespace of its own: what is granted, and nothing beside it."""

# Paths are texts here, as the kernel gives them: a Path would rewrite them.
# ruff: noqa: PTH102, PTH115, PTH116, PTH120, PTH211

import ctypes
import os
import stat
import struct
from collections.abc import Mapping
from contextlib import suppress

from attrs import frozen

from haldir_enforcer._linux import _kernel
from haldir_enforcer._linux._rules import AMBIENT_READS, DEVICES
from haldir_enforcer._policy.records import DECLARED, PathRule, Policy

_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_BIND, _MS_REC, _MS_PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18
_MNT_DETACH = 2
_AT_RECURSIVE = 0x8000
_ATTR_RDONLY, _ATTR_NOSUID = 1, 2
_TMPFS = "mode=755,size="
_HALF_OF_MEMORY = "50%"
_ROOM_BYTES = 16_000_000
"""For the folders themselves, and so that whoever passes the limit is seen to."""
_MOST_LINKS = 40
_OWN = ("/proc/", "/dev/")
_SHARED_MEMORY = "/dev/shm/"  # noqa: S108 - where temporary files of this machine may be
_NEW_ROOT = "/proc"
"""Mounted over before the change of root: a folder that every machine has and that gets a new file system anyway."""


@frozen
class Bind:
    """One file or folder of the machine at its own path.

    Attributes:
        inside: whether it lies in another one that is bound, and so has its place already.
        loose: whether it, or one that it lies in, may be written.
    """

    path: str
    writable: bool
    is_folder: bool
    inside: bool
    loose: bool


@frozen(eq=False)
class Tree:
    """What is made below a new root before anything is bound, each folder after the one that it lies in.

    ``size`` is what may be written there, as shared memory alone is: in bytes, or as a part of the memory.
    """

    folders: tuple[str, ...]
    files: tuple[str, ...]
    links: Mapping[str, str]
    size: str = _HALF_OF_MEMORY


def binds(policy: Policy, programs: tuple[str, ...]) -> tuple[Bind, ...]:
    """Return what is mounted, from the root down; what lies in something mounted already is left out."""
    wanted: dict[str, bool] = dict.fromkeys((*AMBIENT_READS, *programs), False)
    for rule in policy.read:
        wanted.setdefault(str(rule.parent), False)
    for rule in policy.write:
        wanted[_existing(rule) if rule.source == DECLARED else str(rule.parent)] = True
    chosen: list[Bind] = []
    around: list[Bind] = []
    """Each lies in the one before it, and the next may lie in the last."""
    for path in sorted(wanted, key=lambda path: path.replace("/", "\0")):  # all that lies in a folder right after it
        if path.startswith(_OWN) and not path.startswith(_SHARED_MEMORY) and path not in DEVICES:
            continue
        while around and not path.startswith(around[-1].path.rstrip("/") + "/"):
            around.pop()
        writable = wanted[path]
        if around and around[-1].writable == writable:
            continue
        with suppress(OSError, ValueError):  # what is not there is not mounted
            is_folder = stat.S_ISDIR(os.stat(path).st_mode)
            loose = writable or (bool(around) and around[-1].loose)
            around.append(Bind(path, writable, is_folder, bool(around), loose))
            chosen.append(around[-1])
    return tuple(chosen)


def tree(bound: tuple[Bind, ...], linked: Mapping[str, str], cwd: str, most_bytes: int | None = None) -> Tree:
    """Return what these have to lie in, and the links and empty folders beside them."""
    mounted = {bind.path for bind in bound}
    folders: dict[str, None] = {}
    files: list[str] = []
    for bind in bound:
        if not bind.inside:
            _add(bind.path if bind.is_folder else os.path.dirname(bind.path), folders)
            files += [] if bind.is_folder else [bind.path]
    links = {}
    for path, target in linked.items():
        if path not in folders and not _lies_in(path, mounted):
            _add(os.path.dirname(path), folders)
            links[path] = target
    for folder in ("/proc", "/dev/shm", "/tmp", cwd):  # noqa: S108 - the run's own, empty
        if folder not in links and not _lies_in(folder, mounted):
            _add(folder, folders)
    size = _HALF_OF_MEMORY if most_bytes is None else str(most_bytes + _ROOM_BYTES)
    return Tree(tuple(folders), tuple(files), links, size)


def build(made: Tree, bound: tuple[Bind, ...]) -> None:
    """This process, alone in its mount namespace, sees only what is bound, and a fresh /proc of its own processes.

    Raises: OSError if the kernel refuses one of the steps.
    """
    _kernel.mount("none", "/", "", _MS_REC | _MS_PRIVATE)
    _kernel.mount("tmpfs", _NEW_ROOT, "tmpfs", _MS_NOSUID | _MS_NODEV, _TMPFS + made.size)
    os.chdir(_NEW_ROOT)  # the new file system itself, whatever is bound over its root
    for folder in made.folders:
        os.mkdir(_NEW_ROOT + folder, 0o755)
    for file in made.files:
        os.mknod(_NEW_ROOT + file, stat.S_IFREG | 0o644)
    for path, target in made.links.items():
        os.symlink(target, _NEW_ROOT + path)
    _bind_all(bound)
    _kernel.mount("proc", _NEW_ROOT + "/proc", "proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
    os.chdir(_NEW_ROOT)
    dot = ctypes.create_string_buffer(b".")
    _kernel.call("pivot_root", ctypes.addressof(dot), ctypes.addressof(dot))
    _kernel.call("umount2", ctypes.addressof(dot), _MNT_DETACH)
    os.chdir("/")


def links(paths: tuple[str, ...]) -> dict[str, str]:
    """Return the links that lie on these paths, at the root of this machine, and those of the standard streams."""
    found = {"/dev/fd": "/proc/self/fd", "/dev/stdin": "/proc/self/fd/0"}
    found |= {"/dev/stdout": "/proc/self/fd/1", "/dev/stderr": "/proc/self/fd/2"}
    with os.scandir("/") as entries:
        found |= {entry.path: os.readlink(entry.path) for entry in entries if entry.is_symlink()}
    for path in paths:
        found |= _on_path(path)
    return found


def _on_path(path: str) -> dict[str, str]:
    """Return every link that is followed on the way to ``path``, by its real path."""
    found: dict[str, str] = {}
    place, waiting = "/", path.split("/")[::-1]
    while waiting and len(found) < _MOST_LINKS:
        name = waiting.pop()
        if name == "..":
            place = os.path.dirname(place)
        elif name not in {"", "."}:
            following = f"{place.rstrip('/')}/{name}"
            try:
                target = os.readlink(following)
            except OSError:
                place = following
                continue
            found[following] = target
            waiting += target.split("/")[::-1]
            place = "/" if target.startswith("/") else place
    return found


def _bind_all(bound: tuple[Bind, ...]) -> None:
    """Bind what nothing writable is above, take the right to write to all of it at once, then bind the rest."""
    for bind in bound:
        if not bind.loose:
            _bind(bind)
    _change(".", _AT_RECURSIVE, _ATTR_NOSUID | _ATTR_RDONLY, 0)
    _change(".", 0, 0, _ATTR_RDONLY)
    for bind in bound:
        if bind.loose:
            _bind(bind)
            _change(_NEW_ROOT + bind.path, _AT_RECURSIVE, _ATTR_NOSUID | (0 if bind.writable else _ATTR_RDONLY), 0)


def _bind(bind: Bind) -> None:
    _kernel.mount(bind.path, _NEW_ROOT + bind.path, "", _MS_BIND | _MS_REC)


def _change(path: str, flags: int, given: int, taken: int) -> None:
    """Give attributes to a mount and take others away."""
    record = ctypes.create_string_buffer(struct.pack("QQQQ", given, taken, 0, 0), 32)
    name = ctypes.create_string_buffer(os.fsencode(path))
    _kernel.call("mount_setattr", _kernel.AT_FDCWD, ctypes.addressof(name), flags, ctypes.addressof(record), 32)


def _add(folder: str, folders: dict[str, None]) -> None:
    """Add a folder, after those that it lies in; the root is there."""
    if folder not in folders and folder != "/":
        _add(os.path.dirname(folder), folders)
        folders[folder] = None


def _lies_in(path: str, mounted: set[str]) -> bool:
    """Whether ``path`` is mounted, or something above it."""
    return path in mounted or (path != "/" and _lies_in(os.path.dirname(path), mounted))


def _existing(rule: PathRule) -> str:
    """Return the folder in which what is to be written will be made."""
    path = str(rule.parent)
    while not os.path.lexists(path):
        path = os.path.dirname(path)
    return path
