"""Declared programs: found once on a fixed search path, by real path and digest."""

# Paths are texts here, as in the policy: a Path would rewrite them.
# ruff: noqa: PTH116, PTH118, PTH119, PTH123

import hashlib
import os
import re
import stat
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from haldir_enforcer._policy.paths import Place, Resolve
from haldir_enforcer._policy.records import DECLARED, Program
from haldir_enforcer._policy.text import quoted, visible
from haldir_enforcer.errors import PolicyError

_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.+@-]*"
_MULTI_CALL = frozenset({"busybox", "coreutils", "toybox"})
_SHEBANG_BYTES = 256  # linux/binfmts.h: BINPRM_BUF_SIZE
_DEPTH = 4  # fs/exec.c: interpreters of interpreters


def check_search_path(search_path: Sequence[str]) -> tuple[str, ...]:
    """Return the folders that programs are looked for in.

    Raises: PolicyError if one is not absolute: the skill could choose what lies there.
    """
    for folder in search_path:
        if not folder.startswith("/") or ":" in folder or "\0" in folder:
            raise PolicyError(f"search path: {quoted(folder)} is not one absolute folder")
    return tuple(search_path)


def programs(entries: Sequence[str], place: Place, search_path: Sequence[str], notes: list[str]) -> tuple[Program, ...]:
    """Return the programs that ``exec`` declares, with the interpreters that their first lines name.

    A program that is not installed is noted and not granted.  Raises: PolicyError for an entry that is no program.
    """
    found: dict[str, Program] = {}
    for entry in entries:
        where = f"exec: {quoted(entry)}"
        _check(entry, where)
        path = _locate(entry, place, search_path)
        if path is None:
            notes.append(f"{where} is no executable file here, and cannot be run")
            continue
        real = place.resolve(path)
        if "/" in entry and not entry.startswith(("/", "~/")) and not real.startswith(place.root + "/"):
            raise PolicyError(f"{where} leads out of the skill's folder by a link; name the program itself")
        found.setdefault(real, program(entry, real, DECLARED))
        if os.path.basename(real) in _MULTI_CALL and os.path.basename(real) != entry:
            notes.append(f"{where} is a part of {quoted(real)}: every program in that file can be run")
        for name, interpreter in interpreters(real, search_path, place.resolve):
            if interpreter not in found:
                notes.append(f"{where} is a script: its interpreter {quoted(interpreter)} can be run too")
                found[interpreter] = program(name, interpreter, f"interpreter of {entry}")
    return tuple(found.values())


def find(name: str, search_path: Sequence[str]) -> str | None:
    """Return the first executable file called ``name`` in the folders of ``search_path``."""
    return next((path for folder in search_path if _is_program(path := os.path.join(folder, name))), None)


def interpreters(path: str, search_path: Sequence[str], resolve: Resolve) -> list[tuple[str, str]]:
    """Return the name and the real path of what the kernel, and ``env``, start in order to run the script ``path``."""
    started: list[tuple[str, str]] = []
    for _ in range(_DEPTH):
        words = _first_line(path)
        if not words or not words[0].startswith("/") or not _is_program(words[0]):
            break
        path = resolve(words[0])
        started.append((os.path.basename(words[0]), path))
        if os.path.basename(path) in {"env", *_MULTI_CALL} and (named := _by_env(words)):
            target = find(named, search_path)
            if target is None:
                break
            path = resolve(target)
            started.append((named, path))
    return started


def program(name: str, real: str, source: str) -> Program:
    """Return the program in the file ``real`` as it is now.

    Raises: PolicyError if it cannot be read.
    """
    try:
        status = os.stat(real)
        digest = _digest(real, (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns))
    except OSError as error:
        raise PolicyError(
            f"exec: {quoted(real)} cannot be read: {error.strerror}; leave it out, or allow reading"
        ) from error
    return Program(name=name, path=Path(real), digest=digest, source=source)


@lru_cache(maxsize=256)
def _digest(real: str, identity: tuple[int, ...]) -> str:
    """Return the SHA-256 of a file; ``identity`` changes with its content."""
    del identity
    with open(real, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _first_line(path: str) -> list[str]:
    """Return interpreter and argument of a script as the kernel reads them (fs/binfmt_script.c), or nothing."""
    try:
        with open(path, "rb") as file:
            head = file.read(_SHEBANG_BYTES)
    except OSError:
        return []
    if not head.startswith(b"#!"):
        return []
    return os.fsdecode(head[2:].split(b"\n", 1)[0]).strip(" \t").split(maxsplit=1)


def _by_env(words: list[str]) -> str | None:
    """Return the program that ``env`` starts in a first line."""
    arguments = words[1].split() if len(words) > 1 else []
    return next((word for word in arguments if not word.startswith("-") and "=" not in word), None)


def _check(entry: str, where: str) -> None:
    if not entry or not visible(entry) or len(entry) > 1024:
        raise PolicyError(f"{where} is empty, too long, or holds control characters")
    if entry in {"*", "**", "any", "all"}:
        raise PolicyError(f"{where} stands for every program; name the programs")
    if " " in entry:
        raise PolicyError(
            f"{where} holds a space; name the program without its arguments: what it is given cannot be held"
        )
    segments = entry.removeprefix("~/").split("/")
    if (
        ".." in segments
        or entry.endswith("/")
        or not all(re.fullmatch(_NAME, segment) or segment in {"", "."} for segment in segments)
    ):
        raise PolicyError(f"{where} is no name or path of a program (no patterns, variables, options or ..)")


def _locate(entry: str, place: Place, search_path: Sequence[str]) -> str | None:
    if "/" not in entry:
        return find(entry, search_path)
    base = place.home if entry.startswith("~/") else place.root
    path = entry if entry.startswith("/") else os.path.normpath(os.path.join(base, entry.removeprefix("~/")))
    return path if _is_program(path) else None


def _is_program(path: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(path).st_mode) and os.access(path, os.X_OK)
    except OSError:
        return False
