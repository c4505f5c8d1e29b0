"""Files that are programs by their name or by their first line."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from haldir_sandbox.contents import Contents
from haldir_sandbox.entrypoints import EntryKind, EntryPoint, runner_of

MAX_PROGRAMS = 2000
_MAIN_STEMS = frozenset({"main", "app", "index", "run", "start", "__main__", "cli", "server", "setup", "install"})
_GUARD = re.compile(r"^if\s+__name__\s*==\s*['\"]__main__['\"]", re.MULTILINE)


def find(contents: Contents) -> Iterator[EntryPoint]:
    """Yield main files, then every other file that an interpreter runs."""
    paths = [path for path in contents.files if "node_modules/" not in path and ".git/" not in path]
    number = 0
    for path in sorted(paths, key=lambda path: (path.count("/"), path)):
        text = contents.text(path)
        runner = runner_of(path, text)
        if runner is None:
            continue
        yield EntryPoint(kind=_kind(path, text), argv=(runner, path), source=path, file=path)
        number += 1
        if number == MAX_PROGRAMS:
            return


def _kind(path: str, text: str) -> EntryKind:
    stem = PurePosixPath(path).stem
    if stem in _MAIN_STEMS or _GUARD.search(text) or text.startswith("#!"):
        return EntryKind.MAIN
    return EntryKind.SCRIPT
