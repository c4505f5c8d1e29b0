"""What of a skill can be run: declared commands, package scripts, main files, scripts, MCP servers."""

from collections.abc import Iterable
from enum import StrEnum
from pathlib import PurePosixPath

from attrs import frozen

from haldir_sandbox.contents import Contents

MAX_ARGUMENTS = 64
MAX_ARGUMENT_CHARACTERS = 4096


class EntryKind(StrEnum):
    """How a skill offers something to run, in the order in which they are exercised."""

    MCP_SERVER = "mcp_server"
    COMMAND = "command"
    PACKAGE_SCRIPT = "package_script"
    MAIN = "main"
    SCRIPT = "script"

    @property
    def rank(self) -> int:
        """0 for what is exercised first."""
        return list(EntryKind).index(self)


@frozen(kw_only=True)
class EntryPoint:
    """One thing that can be run.

    ``argv`` is as the skill names it, its paths relative to the skill.  ``is_line`` says that ``argv`` is one line for
    ``/bin/sh``.  ``source`` is the file that declares it, ``file`` the file of the skill that it runs.
    """

    kind: EntryKind
    argv: tuple[str, ...]
    source: str
    line: int | None = None
    file: str | None = None
    is_line: bool = False
    folder: str = "."

    @property
    def name(self) -> str:
        """How a report names it."""
        return " ".join(self.argv)[:200]


RUNNERS = {
    ".py": "python3",
    ".js": "node",
    ".mjs": "node",
    ".cjs": "node",
    ".sh": "sh",
    ".bash": "bash",
}
"""What runs a file by its suffix, if its first line does not say."""

INTERPRETERS = frozenset({"python", "python3", "node", "nodejs", "sh", "bash", "dash"})


def find_entry_points(contents: Contents) -> tuple[EntryPoint, ...]:
    """Return what of the skill can be run, most telling first, each program once."""
    from haldir_sandbox._detect import commands, packages, programs, servers  # noqa: PLC0415 - they import this module

    found = [
        *servers.find(contents),
        *commands.find(contents),
        *packages.find(contents),
        *programs.find(contents),
    ]
    return _unique(entry for entry in found if _is_usable(entry))


def runner_of(path: str, text: str) -> str | None:
    """Return the interpreter of the file at ``path``, or None if it is nothing that is run."""
    first = text[:200].split("\n", 1)[0]
    if first.startswith("#!"):
        words = [word for word in first[2:].split() if word != "-S"]
        names = [PurePosixPath(word).name for word in words if "=" not in word]
        name = next((name for name in names if name != "env"), "")
        if name.startswith("python"):
            return "python3"
        if name in INTERPRETERS:
            return {"nodejs": "node", "dash": "sh"}.get(name, name)
        return None
    return RUNNERS.get(PurePosixPath(path).suffix.lower())


def _is_usable(entry: EntryPoint) -> bool:
    return (
        0 < len(entry.argv) <= MAX_ARGUMENTS
        and all(len(word) <= MAX_ARGUMENT_CHARACTERS and "\0" not in word for word in entry.argv)
        and bool(entry.argv[0])
    )


def _unique(found: Iterable[EntryPoint]) -> tuple[EntryPoint, ...]:
    ranked = sorted(found, key=lambda entry: entry.kind.rank)
    served = {entry.file for entry in ranked if entry.kind is EntryKind.MCP_SERVER}
    kept: dict[tuple[object, ...], EntryPoint] = {}
    files: set[str] = set()
    for entry in ranked:
        if entry.kind in {EntryKind.MAIN, EntryKind.SCRIPT} and (entry.file in files or entry.file in served):
            continue  # it was found as something more telling
        if entry.kind is EntryKind.PACKAGE_SCRIPT and entry.file in served:
            continue
        key = (entry.kind, entry.argv, entry.folder)
        if key not in kept:
            kept[key] = entry
            if entry.file and entry.kind in {EntryKind.MAIN, EntryKind.SCRIPT}:
                files.add(entry.file)
    return tuple(kept.values())
