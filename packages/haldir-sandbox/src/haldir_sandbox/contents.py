"""The beginning of every file of a skill, read once for the detection of what can be run."""

import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from attrs import frozen

MAX_FILE_BYTES = 256 * 1024
"""More of a file is not looked at; entry points are declared in small files."""
MAX_TOTAL_BYTES = 16 * 1024 * 1024
HEAD_BYTES = 512
"""Enough of any other file to see whether its first line names an interpreter."""
_TELLING = frozenset({".md", ".json", ".toml", ".txt", ".py", ".js", ".mjs", ".cjs", ".sh", ".bash"})


@frozen
class Contents:
    """Texts of a skill by path with ``/``.

    ``cut`` names the files that may declare something and were too many or too large to be read to their end.
    """

    files: frozenset[str]
    texts: Mapping[str, str]
    cut: tuple[str, ...] = ()

    def text(self, path: str) -> str:
        """Return what is known of the file at ``path``; nothing if there is none."""
        return self.texts.get(path, "")

    @classmethod
    def of(cls, files: Mapping[str, bytes]) -> "Contents":
        """Return the contents that hold exactly ``files``."""
        return cls(frozenset(files), {path: _text(data[:MAX_FILE_BYTES]) for path, data in files.items()})


def read_contents(root: Path, paths: frozenset[str]) -> Contents:
    """Read the files ``paths`` below ``root``, a private copy that nobody else changes.

    Raises: OSError if a file cannot be read.
    """
    texts: dict[str, str] = {}
    cut: list[str] = []
    left = MAX_TOTAL_BYTES
    for path in sorted(paths, key=_order):
        telling = PurePosixPath(path).suffix.lower() in _TELLING
        wanted = min(MAX_FILE_BYTES, max(left, HEAD_BYTES)) if telling else HEAD_BYTES
        descriptor = os.open(root / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor has no path
            data = file.read(wanted + 1)
        texts[path] = _text(data[:wanted])
        if telling:
            left -= len(data)
            if len(data) > wanted and not _is_data(path):
                cut.append(path)
    return Contents(paths, texts, tuple(cut))


def _order(path: str) -> tuple[bool, int, str]:
    """SKILL.md is read first, whatever else there is, and then what lies on top."""
    return (path.lower() != "skill.md", path.count("/"), path)


def _is_data(path: str) -> bool:
    """Whether a large file of that name declares nothing: tables and texts that are no manifests."""
    name = PurePosixPath(path).name.lower()
    if name.endswith(".txt"):
        return not name.startswith("requirements")
    return name.endswith(".json") and name not in {"package.json", "server.json", "mcp.json", ".mcp.json"}


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
