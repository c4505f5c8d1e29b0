"""The program that a caller names, found among the installed ones or in the skill."""

# Paths are texts here, as the kernel gets them: a Path would rewrite them.
# ruff: noqa: PTH110, PTH113, PTH117, PTH121, PTH123

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from haldir_enforcer.errors import EnforcerError
from haldir_enforcer.policy import Policy, may_read

_SHEBANG_BYTES = 256  # linux/binfmts.h: BINPRM_BUF_SIZE
_NAME = rb"[A-Za-z0-9_][A-Za-z0-9_.+-]*"
_BY_ENV = re.compile(
    rb"#![ \t]*/(?:usr/)?bin/env[ \t]+"
    rb"(?:(?P<one>" + _NAME + rb")|-S[ \t]*(?P<many>" + _NAME + rb"(?:[ \t]+[A-Za-z0-9_.,:=/+-]+)*))[ \t]*"
)
"""One name, or with -S a name and plain words; quotes, variables and assignments are left to env itself."""


class NoProgramError(EnforcerError):
    """There is no such program, or it cannot be started; the message says where it was looked for."""


def locate(name: str, skill: Path, copy: Path, search_path: Sequence[str]) -> str:
    """Return the absolute path of the program that a caller names.

    A name with a slash is a path in the skill, where the run begins, or absolute; another one is looked for in the
    folders of ``search_path``, and nowhere else.  What lies in ``skill`` is taken from its ``copy``, however it is
    named: nothing else of the skill was verified.

    Raises: NoProgramError
    """
    if "/" not in name:
        found = shutil.which(name, path=os.pathsep.join(search_path))
        if found is None:
            raise NoProgramError(_nowhere(name, copy, search_path))
        return found
    path = _in_copy(name, skill, copy)
    plain = os.path.normpath(path)
    if os.path.exists(path) and os.path.exists(plain) and os.path.samefile(plain, path):
        path = plain  # the folders that only .. leads through need not be there inside
    if not os.path.isfile(path):
        raise NoProgramError(f"{name!r:.200} is no file; a relative path begins at the skill's folder")
    if not os.access(path, os.X_OK):
        raise NoProgramError(
            f"{name!r:.200} is not executable; name its interpreter first, such as python3 {name:.200}"
        )
    return path


def started(program: str, arguments: Sequence[str], search_path: Sequence[str]) -> tuple[str, ...]:
    """Return the words that start a program with its arguments.

    A script whose first line has ``env`` look for its interpreter is given to the one that it would find: nobody needs
    to declare that, as nobody declares the interpreter that a first line names itself.
    """
    words = _asked_of_env(program)
    interpreter = shutil.which(words[0], path=os.pathsep.join(search_path)) if words else None
    own = (program,) if interpreter is None else (interpreter, *words[1:], program)
    return (*own, *arguments)


def is_foreign_script(program: str, policy: Policy) -> bool:
    """Whether the interpreter of ``program``, which the caller named, reads it from outside of what is declared."""
    if may_read(policy, os.path.realpath(program)):
        return False
    try:
        with open(program, "rb") as file:
            return file.read(2) == b"#!"
    except OSError:  # the kernel may execute what nobody may read
        return False


def _asked_of_env(program: str) -> list[str]:
    """Return the interpreter and its arguments where a first line leaves them to ``env``; what else env can is left."""
    try:
        with open(program, "rb") as file:
            line = file.read(_SHEBANG_BYTES).split(b"\n", 1)[0]
    except OSError:
        return []
    match = _BY_ENV.fullmatch(line)
    if match is None:
        return []
    return os.fsdecode(match["one"] or match["many"]).split()


def _in_copy(name: str, skill: Path, copy: Path) -> str:
    if not os.path.isabs(name):
        return f"{copy}/{name}"
    for folder in (os.path.abspath(skill), os.path.realpath(skill)):  # noqa: PTH100 - links are followed by the second
        if os.path.normpath(name).startswith(f"{folder}/"):
            return f"{copy}{os.path.normpath(name)[len(folder) :]}"
    return name


def _nowhere(name: str, copy: Path, search_path: Sequence[str]) -> str:
    advice = f"the skill has a file of this name: say ./{name:.200}" if (copy / name).is_file() else "give its path"
    return f"{name!r:.200} is not there: it is looked for in {', '.join(search_path)}; {advice}"
