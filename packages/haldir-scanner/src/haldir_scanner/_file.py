"""One file of a skill, or of an archive in it, and what reading it may still cost."""

import re
from collections.abc import Callable, Iterator
from functools import cached_property

from attrs import define, field, frozen

from haldir_scanner._decode import DecodeBudget
from haldir_scanner._files._filetypes import FileType, language
from haldir_scanner._files._languages import languages_in
from haldir_scanner._files._views import View
from haldir_scanner._hosts import Host, HostKind
from haldir_scanner._limits import Limits
from haldir_scanner._text import Region, Span
from haldir_scanner._unpack import UnpackBudget

# The marks around code in Markdown: a fence with what stands behind it, or backticks in a line.
_OPENING_MARK = re.compile(rb"[ \t>]{0,40}(?:`{3,}|~{3,})[^\n]*\n|`+")
_CLOSING_MARK = re.compile(rb"(?:\n[ \t>]{0,40}(?:`{3,}|~{3,})|`+)\s*\Z")
_PARSED = frozenset({FileType.JAVASCRIPT, FileType.PYTHON, FileType.SHELL})
_SHELL = frozenset({FileType.SHELL})
_REGION_BY_TYPE = {
    FileType.ENV: Region.DATA,
    FileType.HTML: Region.PROSE,
    FileType.INI: Region.DATA,
    FileType.JSON: Region.DATA,
    FileType.MARKDOWN: Region.PROSE,
    FileType.MCP_CONFIG: Region.DATA,
    FileType.NOTEBOOK: Region.DATA,
    FileType.NPM_MANIFEST: Region.DATA,
    FileType.TEXT: Region.PROSE,
    FileType.TOML: Region.DATA,
    FileType.YAML: Region.DATA,
}


@define
class Costs:
    """What the files of one skill may still cost together.

    Attributes:
        limits: of the scan.
        clock: seconds of processor time.
        decode: what decoding may cost.
        unpack: what unpacking may cost.
        hosts: that programs name outside this machine, with path and line of the first place.
        has_history: whether former versions of files were not unpacked.
        is_shortened: whether a file was not parsed because others had used the share for parsing up.
    """

    limits: Limits
    clock: Callable[[], float]
    unpack: UnpackBudget
    decode: DecodeBudget = field(factory=DecodeBudget)
    is_shortened: bool = False
    has_history: bool = False
    hosts: dict[str, tuple[str, int]] = field(factory=dict)
    _parsed: int = 0
    _started: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._started = self.clock()

    def parse(self, size: int) -> bool:
        """Whether ``size`` bytes may be parsed; they are counted."""
        if self._parsed + size > self.limits.max_parsed_bytes:
            self.is_shortened = True
            return False
        self._parsed += size
        return True

    def note_host(self, file: "File", host: Host) -> None:
        """Remember where a program first names a host outside this machine."""
        is_new = host.kind is not HostKind.LOCAL and host.host not in self.hosts
        if is_new and file.is_program_at(host.begin) and not file.is_comment_at(host.begin):
            self.hosts[host.host] = (file.path, file.view.line(host.begin) + file.first_line)

    def is_over(self) -> bool:
        """Whether the time for the whole skill is used up."""
        return self.clock() - self._started > self.limits.max_seconds


@frozen
class Snippet:
    """A program: all of a file, or a stretch of a document.

    Attributes:
        source: its text.
        begin: its place in the text of the file.
        is_quoted: whether it stands in a sentence.
    """

    source: bytes
    begin: int
    is_quoted: bool = False


@define(slots=False)
class File:
    """One file, as those that read it see it.

    Attributes:
        path: as shown in a report.
        data: all of its bytes.
        view: its text, decoded if it is UTF-16.
        types: what it is read as.
        region: what all of it is to its readers, but for the spans.
        first_line: line of the file around it at which it begins, less one.
        costs: of the skill.
    """

    path: str
    data: bytes
    view: View
    types: frozenset[FileType]
    region: Region
    first_line: int
    costs: Costs

    @property
    def text(self) -> bytes:
        """The text of the file."""
        return self.view.data

    @cached_property
    def is_parsed(self) -> bool:
        """Whether the costs of the skill allow to parse this file."""
        return self.costs.parse(len(self.text))

    @cached_property
    def spans(self) -> tuple[Span, ...]:
        """The stretches of the file that are something else than the rest."""
        return spans_of(self.view.data, self.types) if self.has_spans and self.is_parsed else ()

    @property
    def has_spans(self) -> bool:
        """Whether the file is a document, in which code and prose alternate."""
        return self.is_only(FileType.MARKDOWN, FileType.HTML)

    @cached_property
    def language(self) -> FileType | None:
        """The one language that the file is a program of; None if it is a document, data, or may be several."""
        return language(self.path.rpartition("!/")[2], self.data)

    def is_only(self, *types: FileType) -> bool:
        """Whether the file is read as nothing but ``types``."""
        return bool(self.types) and self.types <= frozenset(types)

    def is_program_at(self, offset: int) -> bool:
        """Whether a program stands at that place of the text."""
        if self.has_spans:
            return any(span.begin <= offset < span.end and span.region is Region.CODE for span in self.spans)
        return self.region is Region.CODE

    def is_comment_at(self, offset: int) -> bool:
        """Whether the line up to that place begins as a comment does in shell, Python or JavaScript."""
        return self.text[self.text.rfind(b"\n", 0, offset) + 1 : offset].lstrip().startswith((b"#", b"//", b"* "))

    def snippets(self, file_type: FileType) -> Iterator[Snippet]:
        """The programs of that type in the file."""
        if not self.has_spans:
            if file_type in self.types:
                yield Snippet(self.text, 0)
            return
        for types, snippet in self._stretches:
            if file_type in types:
                yield snippet

    @cached_property
    def _stretches(self) -> list[tuple[frozenset[FileType], Snippet]]:
        """The stretches of a document that are programs, and of which languages they may be."""
        found = []
        for span in self.spans:
            if span.region is Region.CODE and not span.types.isdisjoint(_PARSED):
                program, begin = _program(self.text[span.begin : span.end])
                # Between fences stands a line feed; what stands in a sentence is spoken of, and maybe quoted.
                is_quoted = b"\n" not in self.text[span.begin : span.begin + begin]
                snippet = Snippet(program, span.begin + begin, is_quoted)
                found.append((_likely(program, span.types), snippet))
        return found


def _likely(program: bytes, types: frozenset[FileType]) -> frozenset[FileType]:
    """As which of several languages a stretch of a document is parsed: those of its lines; else the shell's."""
    if len(types & _PARSED) <= 1:
        return types
    if b"\n" not in program:
        return _SHELL
    return types & frozenset(map(FileType, languages_in(program))) or _SHELL


def _program(code: bytes) -> tuple[bytes, int]:
    """What stands between the marks of a block or span of code, and the place at which it begins."""
    opening = _OPENING_MARK.match(code)
    begin = 0 if opening is None else opening.end()
    closing = _CLOSING_MARK.search(code, begin)
    return code[begin : len(code) if closing is None else closing.start()], begin


def spans_of(data: bytes, types: frozenset[FileType]) -> tuple[Span, ...]:
    """The spans of a Markdown or HTML document."""
    from haldir_scanner._documents import _markdown  # noqa: PLC0415 - not every file is one

    return _markdown.spans(data) if FileType.MARKDOWN in types else _markdown.spans_html(data)


def region_of(types: frozenset[FileType]) -> Region:
    """What a file of these types is to its readers."""
    regions = {_REGION_BY_TYPE.get(file_type, Region.CODE) for file_type in types}
    return regions.pop() if len(regions) == 1 else Region.CODE
