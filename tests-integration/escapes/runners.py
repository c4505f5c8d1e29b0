"""The programs that run a command in the folder of a skill, and report on it."""

import ctypes
import json
import os
import platform
import shlex
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

from world import World

KIT = Path(__file__).parent / "kit"
PROGRAM = "HALDIR_ESCAPES_PROGRAM"
"""The environment variable that names another program with the same protocol, in the words of a shell."""
PR_SET_SECCOMP, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 22, 36, 38


@dataclass(frozen=True)
class Runner:
    """How a command is run in a folder, and what the report of that says."""

    words: tuple[str, ...]
    options: tuple[str, ...] = ()
    codes: frozenset[int] | None = None

    def command(self, world: World, limits: dict[str, float], command: tuple[str, ...]) -> list[str]:
        """Return the whole command."""
        folder = str(world.skill_folder)
        settings = ["--report", str(world.report), "--limits", json.dumps(limits)]
        return [*self.words, folder, *self.options, *settings, "--", *command]


def runner(name: str, namespaces: str) -> Runner:
    """Return a runner by its name.

    The level that the machine must give is required, so that a mode that cannot run fails.
    """
    if name == "control":
        return Runner((sys.executable, "-I", str(KIT / "unconfined.py")))
    program = tuple(shlex.split(os.environ.get(PROGRAM, ""))) or (sys.executable, "-m", "haldir_cli")
    level = ("--require", "L3" if namespaces == "with" else "L2")
    if name == "enforce":
        return Runner((*program, "enforce"), ("--no-verify", *level))
    return Runner((*program, "sandbox"), level, codes=frozenset({0, 1}))


def refuse_namespaces() -> None:
    """This process and all below it get EPERM for new namespaces, as where a system forbids them."""
    machine = platform.machine()
    # Source: the syscall tables of the kernel, and linux/audit.h
    clone, unshare, setns, clone3, arch = {
        "x86_64": (56, 272, 308, 435, 0xC000003E),
        "aarch64": (220, 97, 268, 435, 0xC00000B7),
    }[machine]
    load, equal, isset, give = 0x20, 0x15, 0x45, 0x06
    allow, eperm, enosys = 0x7FFF0000, 0x00050001, 0x00050026
    new_namespaces = 0x7E020000  # CLONE_NEW* without CLONE_NEWTIME, which clone cannot ask for
    rows = [
        (load, 0, 0, 4),
        (equal, 1, 0, arch),
        (give, 0, 0, allow),
        (load, 0, 0, 0),
        (equal, 0, 1, clone3),
        (give, 0, 0, enosys),
        (equal, 3, 0, unshare),
        (equal, 2, 0, setns),
        (equal, 2, 0, clone),
        (give, 0, 0, allow),
        (give, 0, 0, eperm),
        (load, 0, 0, 16),
        (isset, 0, 1, new_namespaces),
        (give, 0, 0, eperm),
        (give, 0, 0, allow),
    ]
    program = b"".join(struct.pack("HBBI", *row) for row in rows)
    memory = ctypes.create_string_buffer(program, len(program))
    described = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(rows), ctypes.addressof(memory)))
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() != 0:
        prctl(libc, PR_SET_NO_NEW_PRIVS, 1, 0)
    prctl(libc, PR_SET_SECCOMP, 2, ctypes.addressof(described))


def prctl(libc: ctypes.CDLL, option: int, first: int, second: int) -> None:
    """Make the call; raise OSError where it fails."""
    if libc.prctl(option, ctypes.c_ulong(first), ctypes.c_ulong(second), ctypes.c_ulong(0), ctypes.c_ulong(0)) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}")
