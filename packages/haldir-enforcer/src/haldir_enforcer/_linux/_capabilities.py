"""What the kernel offers, tried out and not read from its version."""

# Paths are texts here, as the kernel gives them: a Path would rewrite them.
# ruff: noqa: PTH110, PTH123

import os
import struct
from ctypes import addressof, create_string_buffer

from attrs import frozen

from haldir_enforcer._linux import _kernel, _landlock

_GET_ACTION_AVAIL, _GET_NOTIF_SIZES = 2, 3
_RET_USER_NOTIF = 0x7FC00000


@frozen(kw_only=True)
class Kernel:
    """What a confinement may use.  A smaller record than ``detect`` returns masks the rest, as on an older kernel."""

    landlock_abi: int
    notify: bool
    user_namespaces: bool

    @property
    def missing(self) -> tuple[str, ...]:
        """What is not there, in words."""
        found = []
        if not self.notify:
            found.append("seccomp user notification (Linux 5.14 or newer)")
        if not self.landlock_abi:
            found.append("Landlock (Linux 5.13 or newer, and in the list of active security modules)")
        elif self.landlock_abi < _landlock.TCP_SINCE:
            found.append(f"Landlock for TCP (ABI 4; this is ABI {self.landlock_abi})")
        elif self.landlock_abi < _landlock.SCOPES_SINCE:
            found.append(f"Landlock for signals (ABI 6; this is ABI {self.landlock_abi})")
        if not self.user_namespaces:
            found.append("user namespaces for this user")
        return tuple(found)


def detect() -> Kernel:
    """Return what this kernel offers this user."""
    return Kernel(landlock_abi=_landlock.kernel_abi(), notify=_has_notify(), user_namespaces=_has_namespaces())


def _has_notify() -> bool:
    action = create_string_buffer(struct.pack("I", _RET_USER_NOTIF), 4)
    sizes = create_string_buffer(6)
    try:
        _kernel.call("seccomp", _GET_ACTION_AVAIL, 0, addressof(action))
        _kernel.call("seccomp", _GET_NOTIF_SIZES, 0, addressof(sizes))
    except OSError:
        return False
    # a kernel whose records grew says so; ours are the first two, which every kernel so far has
    return struct.unpack("HHH", sizes.raw)[:2] == (_kernel.NOTIF_SIZE, 24)


def _has_namespaces() -> bool:
    try:
        with open("/proc/sys/user/max_user_namespaces", "rb") as file:
            return int(file.read()) > 0
    except (OSError, ValueError):
        return os.path.exists("/proc/self/ns/user")
