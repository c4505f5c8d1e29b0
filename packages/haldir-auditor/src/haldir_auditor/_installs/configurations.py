"""The programs that configurations in JSON or YAML start, as those of MCP servers: whatever the order of their keys."""

from collections.abc import Iterator

from haldir_auditor._document import Document
from haldir_auditor._installs.commands import note
from haldir_auditor._installs.interpret import program_of, read_command
from haldir_auditor._syntax.errors import UnreadableError
from haldir_auditor._syntax.jsons import read_loose_json
from haldir_auditor._syntax.yamls import read_yaml
from haldir_auditor.supply import Dependency

_MAX_TABLES = 5_000


def configured_in(document: Document) -> Iterator[Dependency]:
    """Yield what the commands of a configuration install; a text that is neither has none."""
    try:
        waiting = [read_loose_json(document.text)] if document.name.endswith(".json") else _of_yaml(document.text)
    except UnreadableError:  # read as plain text all the same
        return
    for _ in range(_MAX_TABLES):
        if not waiting:
            return
        value = waiting.pop()
        below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        waiting.extend(item for item in below if isinstance(item, (dict, list)))
        if isinstance(value, dict):
            yield from _command(document, value)
    document.problem(f"more than {_MAX_TABLES} tables: the rest is not searched for commands", kind="too-large")


def _of_yaml(text: str) -> list[object]:
    return list(read_yaml(text)) if "command:" in text and "args:" in text else []


def _command(document: Document, table: dict[str, object]) -> Iterator[Dependency]:
    name, words = table.get("command"), table.get("args")
    if not isinstance(name, str) or not isinstance(words, list):
        return
    program = program_of(name.replace("\\", "/").rpartition("/")[2])
    strings = [word for word in words if isinstance(word, str)]
    line = document.line_of(strings[0]) if strings else 0
    found = read_command(program, strings, document.place(line)) if program else None
    if found:
        yield from note(document, found)
