"""How Python finds a shared library by its name: what it starts for that, and what of it may run.

``ctypes.util.find_library`` asks ``ldconfig -p``, then a compiler, then a linker.  Many packages call it as they are
imported, and take any refusal for an answer.  Source: Lib/ctypes/util.py of CPython 3.11 to 3.14.
"""

# Paths are texts here, as the kernel gives them: a Path would rewrite them.
# ruff: noqa: PTH116, PTH123

import os
import re
import stat

from haldir_enforcer._policy.records import Policy

LISTS = "/sbin/ldconfig"
LISTS_WITH = (b"-p",)
"""It prints a file that every program may read, ``/etc/ld.so.cache``; with these arguments it does nothing else."""

_FOLDERS = frozenset({"/sbin", "/usr/sbin", "/bin", "/usr/bin", "/usr/local/bin", "/usr/local/sbin"})
_COMPILER = re.compile(rb"-Wl,-t\0-o\0[^\0]+\0-l[^\0]*")
_SEARCHES = {
    "ldconfig": re.compile(rb"-p"),
    "gcc": _COMPILER,
    "cc": _COMPILER,
    "ld": re.compile(rb"-t\0(?:-L\0[^\0]*\0)*-o\0/dev/null\0-l[^\0]*"),
    "objdump": re.compile(rb"-p\0-j\0\.dynamic\0[^\0]+"),
}
"""By the name of the program, the arguments with which it looks for a library, and does nothing else."""


def listing_program(policy: Policy) -> str | None:
    """Return the program that may list the libraries of the machine; only Python asks for it.

    It has to be root's alone to change, without rights of its own, and no script: that would start yet another one.
    """
    if not any(name.startswith("python:") for name in policy.profiles):
        return None
    real = os.path.realpath(LISTS)
    try:
        status = os.stat(real)
        with open(real, "rb") as file:
            is_binary = file.read(4) == b"\x7fELF"
    except OSError:
        return None
    others = stat.S_IWGRP | stat.S_IWOTH | stat.S_ISUID | stat.S_ISGID
    is_plain = stat.S_ISREG(status.st_mode) and not status.st_uid and not status.st_mode & others
    return real if is_plain and is_binary else None


def looks_for_library(program: str, arguments: tuple[bytes, ...]) -> bool:
    """Whether a program that is refused was only to look for a library: no violation, and no way to hide one."""
    folder, _, name = program.rpartition("/")
    search = _SEARCHES.get(name) if folder in _FOLDERS else None
    return search is not None and search.fullmatch(b"\0".join(arguments)) is not None
