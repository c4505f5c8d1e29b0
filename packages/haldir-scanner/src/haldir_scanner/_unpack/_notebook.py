"""Jupyter notebooks: their cells and what these wrote.  Source: nbformat 3 and 4."""

import json
import re
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

from attrs import define

from haldir_scanner._files._filetypes import UNKNOWN_TEXT, FileType
from haldir_scanner._text import Notice, Region
from haldir_scanner._unpack._records import Member, RefusedError, UnpackBudget, inside

_MAX_DEPTH = 200
_EDGE = 4096
# An unclosed string goes to the end, so that no quote is looked at twice.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"{}[]")
_DEPTH_STEPS = bytes.maketrans(b"{}[]", b"\2\0\2\0")
_LANGUAGES = {
    "bash": FileType.SHELL,
    "javascript": FileType.JAVASCRIPT,
    "powershell": FileType.POWERSHELL,
    "python": FileType.PYTHON,
    "ruby": FileType.RUBY,
    "typescript": FileType.JAVASCRIPT,
}
_MAGIC = re.compile(r"^\s{0,9}(?:!|%%?(?:sh|bash|script|system|sx)\b)", re.MULTILINE)
_OUTPUTS = {
    "text/plain": FileType.TEXT,
    "text/markdown": FileType.MARKDOWN,
    "text/html": FileType.HTML,
    "image/svg+xml": FileType.HTML,
    "application/javascript": FileType.JAVASCRIPT,
}
_MAX_MISSES = 16


def is_notebook(path: str, data: bytes) -> bool:
    """Whether a text is a notebook, by its name or by its members."""
    if path.lower().endswith(".ipynb"):
        return True
    edges = data[:_EDGE] + data[-_EDGE:]
    return data[:64].lstrip().startswith(b"{") and b'"nbformat"' in edges and b'"cells"' in edges


def notebook(path: str, data: bytes, budget: UnpackBudget) -> Iterator[Member | Notice]:
    """Each cell of a notebook, and what it wrote; the whole as unknown text if it cannot be read."""
    try:
        cells, language = _parsed(data, budget)
    except RefusedError as error:
        yield Notice(error.rule, path, error.detail)
        yield Member(inside(path, "unread"), data, types=UNKNOWN_TEXT)
        return
    lines = _Lines(data)
    for number, cell in enumerate(cells, start=1):
        budget.enter()
        yield from _cell(inside(path, f"cell-{number}"), cell, language, lines)


def _parsed(data: bytes, budget: UnpackBudget) -> tuple[list[dict[str, Any]], FileType]:
    _check_depth(data, budget)
    try:
        content = json.loads(data)
    except ValueError as error:
        raise RefusedError("archive_unreadable", f"no notebook: {error}"[:200]) from error
    if not isinstance(content, dict):
        raise RefusedError("archive_unreadable", "no notebook: no object")
    worksheets = [content, *_dicts(content.get("worksheets"))]
    cells = [cell for worksheet in worksheets for cell in _dicts(worksheet.get("cells"))]
    metadata = _dict(content.get("metadata"))
    names = _dict(metadata.get("language_info")).get("name"), _dict(metadata.get("kernelspec")).get("language")
    name = next((name for name in names if isinstance(name, str)), "python")
    return cells, _LANGUAGES.get(name.lower(), FileType.PYTHON if "python" in name.lower() else FileType.OTHER_CODE)


def _check_depth(data: bytes, budget: UnpackBudget) -> None:
    """Refuse what the parser would need too deep a stack or too much memory for."""
    steps = _STRING.sub(b"", data).translate(_DEPTH_STEPS, _NO_BRACKETS)
    budget.step(len(steps))
    if max(accumulate(step - 1 for step in steps), default=0) > _MAX_DEPTH:
        raise RefusedError("archive_unreadable", "no notebook: nested too deep")


@define
class _Lines:
    """Where the cells begin in the file: looked for from one to the next, so that the file is read once."""

    data: bytes
    _place: int = 0
    _line: int = 1
    _misses: int = 0

    def of(self, text: str) -> int:
        """The line of the file in which the text begins; the one found last if it is not found."""
        first = json.dumps(text.split("\n", 1)[0], ensure_ascii=False)[1:-1].encode("utf-8", "replace")
        found = self.data.find(first, self._place) if first and self._misses < _MAX_MISSES else -1
        if found < 0:
            self._misses += bool(first)
            return self._line
        self._line += self.data.count(b"\n", self._place, found)
        self._place = found
        return self._line


def _cell(path: str, cell: dict[str, Any], language: FileType, lines: _Lines) -> Iterator[Member]:
    source = _text(cell.get("source", cell.get("input")))
    line = lines.of(source)
    if cell.get("cell_type") == "code":
        types = {language, FileType.SHELL} if _MAGIC.search(source) else {language}
        yield _member(path, source, Region.CODE, line, frozenset(types))
        yield from _outputs(path, cell, line)
    elif source:
        yield _member(path, source, Region.PROSE, line, frozenset({FileType.MARKDOWN}))


def _outputs(path: str, cell: dict[str, Any], line: int) -> Iterator[Member]:
    texts: dict[FileType, list[str]] = {}
    for output in _dicts(cell.get("outputs")):
        plain = [_text(output.get("text")), _text(output.get("traceback"))]
        texts.setdefault(FileType.TEXT, []).extend(text for text in plain if text)
        content = _dict(output.get("data")) or output
        for name, file_type in _OUTPUTS.items():
            if text := _text(content.get(name)):
                texts.setdefault(file_type, []).append(text)
    for file_type, found in texts.items():
        if found:
            name = inside(path, f"output.{file_type.value}")
            yield _member(name, "\n".join(found), Region.OUTPUT, line, frozenset({file_type}))


def _member(path: str, text: str, region: Region, line: int, types: frozenset[FileType]) -> Member:
    return Member(path, text.encode("utf-8", "replace"), region, line, types)


def _text(value: object) -> str:
    """A text, which may be given as a list of lines."""
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: object) -> list[dict[str, Any]]:
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []
