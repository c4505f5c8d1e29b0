"""What the front matter of a SKILL.md has an agent install: the ``install`` lists of agents' own metadata."""

import re
from collections.abc import Iterator

from haldir_auditor._document import Document
from haldir_auditor._installs.interpret import read_command
from haldir_auditor._syntax.errors import UnreadableError
from haldir_auditor._syntax.jsons import read_loose_json
from haldir_auditor._syntax.yamls import read_yaml
from haldir_auditor.supply import Dependency, Ecosystem, Origin, Scope

_FRONT = re.compile(r"\A\ufeff?---[ \t]*\n(?P<front>.{0,20000}?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)
_MAX_VALUES = 2_000
_KINDS = {
    "node": ("npm", "install", ("package",)),
    "npm": ("npm", "install", ("package",)),
    "uv": ("uv", "tool install", ("package",)),
    "pip": ("pip", "install", ("package",)),
    "go": ("go", "install", ("module", "package")),
    "cargo": ("cargo", "install", ("crate", "package")),
    "brew": ("brew", "install", ("formula", "package")),
}
"""For every kind of installer the program that it calls, and the keys that name what it installs."""


def installers_in(document: Document) -> Iterator[Dependency]:
    """Yield what such lists install; a front matter that cannot be read has none, and is read as text all the same."""
    front = _FRONT.match(document.text.replace("\r\n", "\n"))
    if front is None or "install" not in front["front"]:
        return
    try:
        waiting: list[object] = list(read_yaml(front["front"]))
    except UnreadableError:
        return
    for _ in range(_MAX_VALUES):
        if not waiting:
            return
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(value.values())
            yield from _installed(document, value)
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, str) and value.lstrip().startswith("{"):
            waiting.extend(_inner(value))


def _inner(text: str) -> Iterator[object]:
    """Yield the table that a string holds: metadata is often written as JSON in one string."""
    try:
        yield read_loose_json(text)
    except UnreadableError:
        return


def _installed(document: Document, table: dict[str, object]) -> Iterator[Dependency]:
    kind, url = table.get("kind"), table.get("url")
    if kind == "download" and isinstance(url, str):
        yield Dependency(Ecosystem.SYSTEM, url, "", document.place(1), Scope.INSTALLED, origin=Origin.URL, locator=url)
    if not isinstance(kind, str) or kind not in _KINDS:
        return
    program, verbs, keys = _KINDS[kind]
    for key in keys:
        name = table.get(key)
        if isinstance(name, str) and not name.startswith("-"):
            found = read_command(program, [*verbs.split(), name], document.place(document.line_of(name) or 1))
            yield from found.packages if found else ()
