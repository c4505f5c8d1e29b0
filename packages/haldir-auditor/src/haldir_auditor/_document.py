"""One file that is being read, with all that could not be read of it."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TypeAlias

from attrs import define, field, frozen

from haldir_auditor._syntax.errors import UnreadableError
from haldir_auditor._syntax.jsons import read_json
from haldir_auditor._syntax.texts import text_of
from haldir_auditor._syntax.tomls import read_toml
from haldir_auditor.supply import Place, Problem, Scope

Table: TypeAlias = Mapping[str, object]

_QUOTED = re.compile(r"\"([^\"\\\n]{1,300})\"|'([^'\n]{1,300})'|^[ \t]*([\w.@/-]{1,300})[ \t]*[:=]", re.MULTILINE)
_MAX_PROBLEMS = 1_000  # of one file: nobody reads more
_MAX_ENTRIES = 20_000  # requirements of one file: each takes time to parse
_MAX_DOTS = 64  # parts of a path that an include may have


@frozen
class Reference:
    """A requirements file that another file names, whatever it is called; ``scope`` is what it is wanted for."""

    path: str
    scope: Scope


@define(slots=False)
class Document:
    """A file of a skill; readers add to ``problems`` what they cannot read, and go on with the rest.

    ``files`` are all files of the skill, for what one file says about another; ``references`` are the requirements
    files that are to be read too.
    """

    path: str
    data: bytes
    files: Mapping[str, bytes]
    problems: list[Problem] = field(factory=list)
    references: list[Reference] = field(factory=list)
    entries: int = 0

    @cached_property
    def text(self) -> str:
        """The text.  Raises: UnreadableError if it is none."""
        return text_of(self.data)

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def folder(self) -> str:
        """The path of the folder, empty for the skill itself."""
        return self.path.rpartition("/")[0]

    def place(self, line: int = 0) -> Place:
        """Return the place of a line."""
        return Place(self.path, line)

    def problem(self, message: str, *, line: int = 0, kind: str = "unparsable") -> None:
        """Note what could not be read."""
        if len(self.problems) < _MAX_PROBLEMS:
            self.problems.append(Problem(kind, message, self.place(line)))
        elif len(self.problems) == _MAX_PROBLEMS:
            self.problems.append(Problem("too-large", "more problems than are listed", self.place()))

    def count(self) -> None:
        """Count one requirement.  Raises: UnreadableError if there are more than are read."""
        self.entries += 1
        if self.entries > _MAX_ENTRIES:
            raise UnreadableError(f"not read: more than {_MAX_ENTRIES} requirements", kind="too-large")

    def sibling(self, name: str) -> str:
        """Return the path of a name in the same folder."""
        return f"{self.folder}/{name}" if self.folder else name

    def relative(self, target: str) -> str | None:
        """Return the path that ``target`` names from here; None if it lies outside of the skill."""
        parts = self.folder.split("/") if self.folder else []
        steps = target.replace("\\", "/").split("/")
        if target.startswith(("/", "~", "\\")) or ":" in steps[0] or len(steps) > _MAX_DOTS:
            return None
        for step in steps:
            if step == "..":
                if not parts:
                    return None
                parts.pop()
            elif step not in {"", "."}:
                parts.append(step)
        return "/".join(parts)

    def include(self, target: str, scope: Scope, line: int) -> None:
        """Have the requirements file that ``target`` names read as well; what cannot be found is a problem."""
        path = None if "://" in target else self.relative(target)
        if path is None:
            self.problem(f"{target[:200]!r} lies outside of the skill: it is not read", line=line, kind="outside")
        elif path not in self.files:
            self.problem(f"{target[:200]!r} is included, but there is no such file", line=line, kind="missing-include")
        else:
            self.references.append(Reference(path, scope))

    # What a parsed file holds has any type; these give the wanted one, and note what is something else.

    def json(self) -> dict[str, object]:
        """Return the object that the file is.  Raises: UnreadableError if it is none of JSON."""
        return self.root(read_json(self.text))

    def root(self, value: object) -> dict[str, object]:
        """Return the table that the whole file is.  Raises: UnreadableError if it is something else."""
        if not isinstance(value, dict):
            raise UnreadableError("the file is no table of names and values")
        return value

    def toml(self) -> dict[str, object]:
        """Return the table that the file is.  Raises: UnreadableError if it is not TOML."""
        return read_toml(self.text)

    def as_table(self, value: object, what: str) -> dict[str, object]:
        """Return a table; anything else is a problem and an empty table."""
        if isinstance(value, dict):
            return value
        self.problem(f"{what} is no table")
        return {}

    def table(self, parent: Table, key: str) -> dict[str, object]:
        """Return the table at a key, empty if there is none."""
        value = parent.get(key)
        return {} if value is None else self.as_table(value, f"{key!r}")

    def rows(self, parent: Table, key: str) -> list[object]:
        """Return the list at a key, empty if there is none."""
        value = parent.get(key)
        if value is None or isinstance(value, list):
            return value or []
        self.problem(f"{key!r} is no list")
        return []

    def tables(self, parent: Table, key: str) -> Iterator[dict[str, object]]:
        """Yield the tables of the list at a key."""
        for row in self.rows(parent, key):
            yield self.as_table(row, f"an entry of {key!r}")

    def texts(self, parent: Table, key: str) -> list[str]:
        """Return the strings of the list at a key."""
        rows = self.rows(parent, key)
        if not all(isinstance(row, str) for row in rows):
            self.problem(f"an entry of {key!r} is no string")
        return [row for row in rows if isinstance(row, str)]

    def words(self, parent: Table, key: str) -> str | None:
        """Return the string at a key; None if there is none."""
        value = parent.get(key)
        if value is None or isinstance(value, str):
            return value
        self.problem(f"{key!r} is no string")
        return None

    # Lines: the first place after another place where a quoted string, or a key at the start of a line, is written.

    @cached_property
    def _written(self) -> dict[str, list[int]]:
        written: dict[str, list[int]] = {}
        line, seen = 1, 0
        for found in _QUOTED.finditer(self.text):
            line += self.text.count("\n", seen, found.start(found.lastindex or 0))
            seen = found.start(found.lastindex or 0)
            written.setdefault(found[found.lastindex or 0], []).append(line)
        return written

    def found_lines(self, pattern: re.Pattern[str]) -> Iterator[tuple[str, int]]:
        """Yield the first group and the line of every match."""
        line, seen = 1, 0
        for found in pattern.finditer(self.text):
            line += self.text.count("\n", seen, found.start(1))
            seen = found.start(1)
            yield found[1], line

    @cached_property
    def _ends(self) -> list[int]:
        return [found.start() for found in re.finditer("\n", self.text)]

    def line_at(self, offset: int) -> int:
        """Return the line of a position in the text."""
        return bisect_left(self._ends, offset) + 1

    def line_of(self, words: str, *, after: int = 0) -> int:
        """Return the first line from ``after`` on that has ``words`` in quotes or as a key; ``after`` if none has."""
        lines = self._written.get(words, [])
        at = bisect_left(lines, after)
        return lines[at] if at < len(lines) else after
