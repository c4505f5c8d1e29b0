"""Files that every program may read and that are made up for the run: names, users, the resolver."""

# Paths are texts here, as the kernel gives them: a Path would rewrite them.
# ruff: noqa: PTH119

import fcntl
import os
from collections.abc import Callable, Mapping

from haldir_enforcer._linux._notification import Request

_F_ADD_SEALS, _ALL_SEALS = 1033, 0x0F


class VirtualFiles:
    """Text by exact path, made when it is first asked for."""

    def __init__(self, texts: Mapping[str, Callable[[], str]]) -> None:
        self._texts = texts
        self._made: dict[str, int] = {}

    def copy(self, path: str, request: Request) -> int | None:
        """Return a new read-only descriptor of the file at ``path``, or None if it is none of these."""
        del request
        if path not in self._texts:
            return None
        if path not in self._made:
            self._made[path] = _sealed(os.path.basename(path), self._texts[path]().encode())
        return os.open(f"/proc/self/fd/{self._made[path]}", os.O_RDONLY | os.O_CLOEXEC)


def account_texts(user: int, group: int, home: str) -> dict[str, Callable[[], str]]:
    """Return a user and a group file that hold nobody but the one who runs, and root."""
    users = {0: "root:x:0:0:root:/:/bin/sh", user: f"skill:x:{user}:{group}:skill:{home}:/bin/sh"}
    groups = {0: "root:x:0:", group: f"skill:x:{group}:"}
    return {
        "/etc/passwd": lambda: "\n".join(users.values()) + "\n",
        "/etc/group": lambda: "\n".join(groups.values()) + "\n",
        "/etc/nsswitch.conf": lambda: "passwd: files\ngroup: files\nhosts: files dns\nservices: files\n",
    }


def _sealed(name: str, data: bytes) -> int:
    descriptor = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(descriptor, data)
    fcntl.fcntl(descriptor, _F_ADD_SEALS, _ALL_SEALS)
    return descriptor
