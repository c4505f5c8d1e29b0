"""Everything that reads a file beyond the search for patterns: one table of readers."""

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from haldir_scanner import _decode, _hosts, _unicode
from haldir_scanner._file import File, Snippet
from haldir_scanner._files._filetypes import UNKNOWN_TEXT, FileType
from haldir_scanner._text import Flow, Folded, Notice, Place, Region, Seen, Text

if TYPE_CHECKING:
    from haldir_scanner._configuration._mcp_tools import ToolText

Finding = Seen | Flow | Folded | Notice | Text
"""What a reader yields.  Texts and folded texts are searched in turn."""

_MAX_SNIPPETS = 200
_EXCERPT_BYTES = 200
_MAX_PLACES = 5_000
_MAX_PROGRAMS_DEEP = 3
# A stretch of a document that may be a program does nothing worth a look without one of these.
_PROGRAM_HINT = re.compile(
    rb"exec|eval|compile|import|system|subprocess|popen|request|urlopen|socket|http|open|getattr|globals|chr\(|join|b64"
    rb"|write|curl|wget|base64|\$\{|\$\(|`|\||\bsh\b|>|nc |env|ssh|fetch|child_process|Function|atob|process\."
)
# A command in a line of prose.
_COMMAND_HINT = re.compile(
    rb"curl|wget|base64|eval|/dev/tcp|\||\$\(|\$\{|\$'|`|<\(|<<|>|\\|\{\w+,"
    rb"|\b(?:nc|ncat|socat|openssl|xxd|source)\b|-[ce] "
)
_UNPARSED = frozenset({"javascript_limit", "python_limit", "python_unparsable", "shell_limit"})


@frozen
class _Reader:
    """A reader and the files that it reads."""

    reads: Callable[[File], bool]
    read: Callable[[File], Iterable[Finding]]


def findings_of(file: File) -> Iterator[Finding]:
    """Everything that the readers find in a file."""
    for reader in READERS:
        if reader.reads(file):
            yield from reader.read(file)


def decoded(data: bytes, file: File, place: Callable[[int, int], Place], chain: tuple[str, ...]) -> Iterator[Finding]:
    """What encoded stretches of ``data`` say, as texts at their places, and what the mere encoding says."""
    for layer in _decode.layers(data, file.costs.decode):
        where = place(layer.begin, layer.end)
        yield Text(
            path=file.path,
            data=layer.data,
            types=UNKNOWN_TEXT,
            chain=(*chain, *layer.chain),
            line=where.line,
            column=where.column,
        )
        for rule in _decode.facts(layer):
            yield Seen(rule, evolve(where, excerpt=_shown(layer.data)))


def _shown(data: bytes) -> str:
    return data[:_EXCERPT_BYTES].decode("utf-8", "replace")


def _place(file: File, begin: int, end: int) -> Place:
    return Place(file.view.line(begin) + file.first_line, file.view.column(begin), file.view.excerpt(begin, end))


def _documents(file: File) -> Iterator[Finding]:
    from haldir_scanner._configuration import _hooks, _manifest, _mcp  # noqa: PLC0415 - most files are none of these

    yield from _manifest.examine(file.path, file.text)
    if FileType.NPM_MANIFEST in file.types:
        for rule, begin, end in islice(_manifest.manifest_hits(file.text), _MAX_PLACES):
            yield Seen(rule, _place(file, begin, end))
    yield from _hooks.examine(file.path, file.text)
    for found in _mcp.examine(file.path, file.text):
        if isinstance(found, Seen | Folded):
            yield found
        else:
            yield _tool_text(found, file)


def _tool_text(found: "ToolText", file: File) -> Text:
    return Text(
        path=file.path,
        data=found.text.encode("utf-8", "replace"),
        types=UNKNOWN_TEXT,
        region=Region.TOOL,
        line=found.place.line,
        column=found.place.column,
    )


def _front_matter(file: File) -> Iterator[Finding]:
    from haldir_scanner._documents import _declared, _front_matter  # noqa: PLC0415 - as above

    if file.text.startswith((b"---", codecs.BOM_UTF8 + b"---")):
        yield from _declared.granted(_front_matter.read(file.text))


def _named_hosts(file: File) -> Iterator[Finding]:
    for host in islice(_hosts.hosts(file.text), _MAX_PLACES):
        file.costs.note_host(file, host)
        if host.kind in _hosts.HOST_RULES:
            yield Seen(_hosts.HOST_RULES[host.kind], _place(file, host.begin, host.end))


def _encoded(file: File) -> Iterator[Finding]:
    return decoded(file.text, file, lambda begin, end: _place(file, begin, end), ())


def _characters(file: File) -> Iterator[Finding]:
    for number, (rule, begin, end) in enumerate(_unicode.seen(file.text)):
        if number == _MAX_PLACES:
            yield Notice("limit_matches", file.path)
            break
        yield Seen(rule, _place(file, begin, end))
    for layer in _unicode.smuggled(file.text):
        where = _place(file, layer.begin, layer.end)
        yield Seen("smuggled_text", evolve(where, excerpt=_shown(layer.data)))
        yield Text(
            path=file.path,
            data=layer.data,
            types=UNKNOWN_TEXT,
            chain=layer.chain,
            line=where.line,
            column=where.column,
        )


def _programs(
    file_type: FileType, examine: Callable[[bytes, str], Iterable[Seen | Flow | Folded]]
) -> Callable[[File], Iterator[Finding]]:
    def read(file: File) -> Iterator[Finding]:
        is_surely = file.language is file_type
        for number, snippet in enumerate(file.snippets(file_type)):
            if number == _MAX_SNIPPETS:
                file.costs.is_shortened = True
                return
            hint = _COMMAND_HINT if snippet.is_quoted else _PROGRAM_HINT
            if is_surely or hint.search(snippet.source) is not None:
                for found in examine(snippet.source, file.path):
                    if is_surely or _counts(found, snippet):
                        yield moved(found, file.view.line(snippet.begin) - 1 + file.first_line)

    return read


def _counts(found: Seen | Flow | Folded, snippet: Snippet) -> bool:
    """Whether a finding in what may be a program says something.

    What may be of another language says nothing by not being of this one.  A command that is quoted is not run; what it
    comes to is searched like everything that is written.
    """
    if snippet.is_quoted:
        return isinstance(found, Folded)
    return not (isinstance(found, Seen) and found.rule in _UNPARSED)


def computed_by(folded: Folded, file: File, depth: int) -> Iterator[Seen | Flow | Folded]:
    """What the program does that another one computed, at the place of that; three programs deep."""
    if depth > _MAX_PROGRAMS_DEEP or not file.costs.parse(len(folded.text)):
        return
    source = folded.text.encode("utf-8", "replace")
    for found in _examine_as(folded.types)(source, ""):
        if isinstance(found, Flow):
            yield evolve(found, steps=tuple(evolve(step, line=folded.place.line, column=0) for step in found.steps))
        elif isinstance(found, Folded):
            yield evolve(found, place=folded.place, chain=(*folded.chain, *found.chain))
        else:
            yield evolve(found, place=evolve(folded.place, excerpt=found.place.excerpt))


def moved(found: Seen | Flow | Folded, lines: int) -> Seen | Flow | Folded:
    """``found`` in a file that has ``lines`` more lines before the program in which it was found."""
    if not lines:
        return found
    if isinstance(found, Flow):
        return evolve(found, steps=tuple(_moved(step, lines) for step in found.steps))
    return evolve(found, place=_moved(found.place, lines))


def _moved(place: Place, lines: int) -> Place:
    return evolve(place, line=place.line + lines) if place.line else place


def _python(source: bytes, path: str) -> Iterator[Seen | Flow | Folded]:
    from haldir_scanner._code import _python as python  # noqa: PLC0415 - not every skill has programs

    yield from python.examine(source, path)


def _shell(source: bytes, _path: str) -> Iterable[Seen | Flow | Folded]:
    from haldir_scanner._code import _shell as shell  # noqa: PLC0415 - as above

    return shell.examine(source)


def _javascript(source: bytes, path: str) -> Iterable[Seen | Flow | Folded]:
    from haldir_scanner._code import _javascript as javascript  # noqa: PLC0415 - as above

    if not javascript.available():
        return ()
    suffix = path.rpartition(".")[2].lower()
    if suffix in {"ts", "mts", "cts"}:
        return javascript.examine(source, "typescript")
    return javascript.examine(source, "tsx" if suffix == "tsx" else "javascript")


def _nothing(_source: bytes, _path: str) -> Iterable[Seen | Flow | Folded]:
    return ()


def _examine_as(types: frozenset[FileType]) -> Callable[[bytes, str], Iterable[Seen | Flow | Folded]]:
    if types == {FileType.PYTHON}:
        return _python
    if types == {FileType.JAVASCRIPT}:
        return _javascript
    return _shell if types == {FileType.SHELL} else _nothing


def _is_parsed_as(file_type: FileType) -> Callable[[File], bool]:
    def reads(file: File) -> bool:
        return (file.has_spans or file_type in file.types) and FileType.BINARY not in file.types and file.is_parsed

    return reads


def _is_text(file: File) -> bool:
    return FileType.BINARY not in file.types


READERS = (
    _Reader(lambda file: not file.text.isascii() and _is_text(file), _characters),
    _Reader(_is_text, _encoded),
    _Reader(_is_text, _named_hosts),
    _Reader(lambda file: _is_text(file) and FileType.MARKDOWN in file.types, _front_matter),
    _Reader(_is_text, _documents),
    _Reader(_is_parsed_as(FileType.PYTHON), _programs(FileType.PYTHON, _python)),
    _Reader(_is_parsed_as(FileType.JAVASCRIPT), _programs(FileType.JAVASCRIPT, _javascript)),
    _Reader(_is_parsed_as(FileType.SHELL), _programs(FileType.SHELL, _shell)),
)
"""In order."""
