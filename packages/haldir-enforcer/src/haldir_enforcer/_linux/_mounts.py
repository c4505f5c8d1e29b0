"""The tree of folders in a mount namespace of its own: what is granted, and nothing beside it."""

# Paths are texts here, as the kernel gives them: a Path would rewrite them.
# ruff: noqa: PTH103, PTH110, PTH115, PTH116, PTH120, PTH211

import ctypes
import errno
import os
import stat
import struct
from collections.abc import Mapping

from attrs import frozen

from haldir_enforcer._linux import _kernel
from haldir_enforcer._linux._rules import AMBIENT_READS, DEVICES
from haldir_enforcer._policy.records import DECLARED
from haldir_enforcer.policy import PathRule, Policy

_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_BIND, _MS_REC, _MS_PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18
_MNT_DETACH = 2
_AT_RECURSIVE = 0x8000
_ATTR_RDONLY, _ATTR_NOSUID = 1, 2
_TMPFS_SIZE = "size=16m,mode=755"
_MOST_LINKS = 40
_OWN = ("/proc/", "/dev/")
_SHARED_MEMORY = "/dev/shm/"  # noqa: S108 - where temporary files of this machine may be
_NEW_ROOT = "/proc"
"""Mounted over before the change of root: a folder that every machine has and that gets a new file system anyway."""


@frozen
class Bind:
    """One file or folder of the machine at its own path."""

    path: str
    writable: bool


def binds(policy: Policy, programs: tuple[str, ...]) -> tuple[Bind, ...]:
    """Return what is mounted, from the root down; what lies in something mounted already is left out."""
    wanted: dict[str, bool] = dict.fromkeys((*AMBIENT_READS, *programs), False)
    for rule in policy.read:
        wanted.setdefault(str(rule.parent), False)
    for rule in policy.write:
        wanted[_existing(rule) if rule.source == DECLARED else str(rule.parent)] = True
    chosen: list[Bind] = []
    for path in sorted(wanted):
        if path.startswith(_OWN) and not path.startswith(_SHARED_MEMORY) and path not in DEVICES:
            continue
        covers = [bind for bind in chosen if path == bind.path or path.startswith(bind.path.rstrip("/") + "/")]
        if covers and covers[-1].writable == wanted[path]:
            continue
        if os.path.exists(path):
            chosen.append(Bind(path, wanted[path]))
    return tuple(chosen)


def build(chosen: tuple[Bind, ...], linked: Mapping[str, str], cwd: str) -> None:
    """This process, alone in its mount namespace, sees only what is bound, and a fresh /proc of its own processes.

    Raises: OSError if the kernel refuses one of the steps.
    """
    _kernel.mount("none", "/", "", _MS_REC | _MS_PRIVATE)
    _kernel.mount("tmpfs", _NEW_ROOT, "tmpfs", _MS_NOSUID | _MS_NODEV, _TMPFS_SIZE)
    for bind in chosen:
        _bind(bind)
    for path, target in linked.items():
        place = _NEW_ROOT + path
        if not os.path.lexists(place):
            os.makedirs(os.path.dirname(place), 0o755, exist_ok=True)
            os.symlink(target, place)
    for folder in ("/proc", "/dev/shm", "/tmp", cwd):  # noqa: S108 - the run's own, empty
        os.makedirs(_NEW_ROOT + folder, 0o755, exist_ok=True)
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


def _bind(bind: Bind) -> None:
    place = _NEW_ROOT + bind.path
    if not os.path.exists(place):
        _mount_point(bind.path, place)
    _kernel.mount(bind.path, place, "", _MS_BIND | _MS_REC)
    attributes = _ATTR_NOSUID | (0 if bind.writable else _ATTR_RDONLY)
    record = ctypes.create_string_buffer(struct.pack("QQQQ", attributes, 0, 0, 0), 32)
    name = ctypes.create_string_buffer(os.fsencode(place))
    _mount_attributes(ctypes.addressof(name), ctypes.addressof(record))


def _mount_attributes(name: int, record: int) -> None:
    _kernel.call("mount_setattr", _kernel.AT_FDCWD, name, _AT_RECURSIVE, record, 32)


def _mount_point(path: str, place: str) -> None:
    if stat.S_ISDIR(os.stat(path).st_mode):
        os.makedirs(place, 0o755, exist_ok=True)
        return
    os.makedirs(os.path.dirname(place), 0o755, exist_ok=True)
    try:
        os.close(os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o644))
    except OSError as error:
        if error.errno != errno.EEXIST:
            raise


def _existing(rule: PathRule) -> str:
    """Return the folder in which what is to be written will be made."""
    path = str(rule.parent)
    while not os.path.lexists(path):
        path = os.path.dirname(path)
    return path
