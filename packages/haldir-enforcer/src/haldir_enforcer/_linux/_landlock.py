"""Landlock rule sets: what the kernel itself refuses, whatever becomes of the supervisor."""

import ctypes
import os
import stat
import struct

from attrs import frozen

from haldir_enforcer._linux import _kernel


class Access:
    """What may be done below a path.  Plain numbers: flags of an enum take longer to join than a rule to make.

    Source: include/uapi/linux/landlock.h.
    """

    EXECUTE = 1 << 0
    WRITE_FILE = 1 << 1
    READ_FILE = 1 << 2
    READ_DIR = 1 << 3
    TRUNCATE = 1 << 14
    IOCTL_DEV = 1 << 15


READ = Access.READ_FILE | Access.READ_DIR
_OF_FILES = Access.EXECUTE | Access.WRITE_FILE | Access.READ_FILE | Access.TRUNCATE | Access.IOCTL_DEV

# the number of file rights, and the size of struct landlock_ruleset_attr, by ABI
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
_NEWEST_FILE_RIGHTS = 16
_BIND_AND_CONNECT_TCP = 3
_SCOPE_ABSTRACT_SOCKET, _SCOPE_SIGNAL = 1, 2
_RULE = struct.Struct("=Qi")
TCP_SINCE, SCOPES_SINCE = 4, 6


@frozen
class Grant:
    """One path and what may be done at it or below it; a path that is not there grants nothing."""

    path: str
    access: int


def kernel_abi() -> int:
    """Return the ABI of this kernel, 0 without Landlock."""
    try:
        return _kernel.call("landlock_create_ruleset", 0, 0, 1)
    except OSError:
        return 0


def handled(abi: int) -> tuple[int, int, int]:
    """Return the file rights, the network rights and the scopes that this ABI can refuse: all of them."""
    files = (1 << _FILE_RIGHTS.get(abi, _NEWEST_FILE_RIGHTS)) - 1 if abi else 0
    network = _BIND_AND_CONNECT_TCP if abi >= TCP_SINCE else 0
    scopes = _SCOPE_ABSTRACT_SOCKET | _SCOPE_SIGNAL if abi >= SCOPES_SINCE else 0
    return files, network, scopes


def ruleset(grants: tuple[Grant, ...], abi: int) -> int:
    """Return a set of rules: only what is granted, and no TCP at all, and signals only for what is confined with it.

    Raises: OSError if the kernel refuses.
    """
    files, network, scopes = handled(abi)
    made = _ruleset(files, network, scopes, abi)
    rule = ctypes.create_string_buffer(_RULE.size)
    for grant in grants:
        _add(made, grant, files, rule)
    return made


def restrict(made: int) -> None:
    """This thread may do only what the rules say; they are closed.

    Raises: OSError if the kernel refuses.
    """
    try:
        _kernel.call("landlock_restrict_self", made, 0)
    finally:
        os.close(made)


def restrict_signals() -> None:
    """This thread may signal only what is confined with it, or further inside.

    Raises: OSError if the kernel refuses, or knows no scopes.
    """
    restrict(_ruleset(0, 0, _SCOPE_SIGNAL, SCOPES_SINCE))


def _ruleset(files: int, network: int, scopes: int, abi: int) -> int:
    size = 24 if abi >= SCOPES_SINCE else 16 if abi >= TCP_SINCE else 8
    attributes = ctypes.create_string_buffer(struct.pack("QQQ", files, network, scopes)[:size], size)
    return _kernel.call("landlock_create_ruleset", ctypes.addressof(attributes), size, 0)


def _add(ruleset: int, grant: Grant, files: int, rule: "ctypes.Array[ctypes.c_char]") -> None:
    try:
        place = os.open(grant.path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        access = grant.access & files
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            access &= _OF_FILES
        if access:
            _RULE.pack_into(rule, 0, access, place)
            _kernel.call("landlock_add_rule", ruleset, 1, ctypes.addressof(rule), 0)
    finally:
        os.close(place)
