"""The command of a skill's entry point."""

import os
from collections.abc import Sequence
from pathlib import Path

from haldir_cli.usage import wrong_use
from haldir_sandbox import EntryPoint, find_entry_points
from haldir_sandbox.contents import read_contents

_SHOWN = 20


def entry_command(folder: Path, name: str | None) -> list[str]:
    """Return the command of the entry point ``name``, or of the only one that starts the skill.

    A name is a file of the skill, or the whole command as the skill declares it.

    Raises: typer.BadParameter with the entry points that there are.
    """
    entries = find_entry_points(read_contents(folder, frozenset(_files(folder))))
    if name is not None:
        fitting = [entry for entry in entries if name in {entry.name, entry.file, entry.argv[-1]}]
        if not fitting:
            raise wrong_use(f"--entrypoint: the skill has no {name!r:.200}{_listed(entries)}")
        return _command(fitting[0])
    if not entries:
        raise wrong_use("the skill has no entry point that can be seen; give the program after --")
    best = [entry for entry in entries if entry.kind is entries[0].kind]
    if len(best) > 1:
        raise wrong_use(f"the skill has several entry points; choose one with --entrypoint{_listed(best)}")
    return _command(best[0])


def _command(entry: EntryPoint) -> list[str]:
    if entry.folder != ".":
        raise wrong_use(f"{entry.name} starts in the folder {entry.folder}; give the program after --")
    return ["sh", "-c", *entry.argv] if entry.is_line else list(entry.argv)


def _listed(entries: Sequence[EntryPoint]) -> str:
    if not entries:
        return ""
    return "; there are: " + ", ".join(entry.name for entry in entries[:_SHOWN])


def _files(folder: Path) -> list[str]:
    return [
        os.path.relpath(os.path.join(base, name), folder)  # noqa: PTH118 - a walk gives texts
        for base, _, names in os.walk(folder)
        for name in names
    ]
