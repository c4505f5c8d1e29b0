"""The texts that are searched, and what code that reads them can say about them."""

from enum import StrEnum

from attrs import field, frozen

from haldir_scanner._files._filetypes import FileType


class Region(StrEnum):
    """What a stretch of a file is to those who read it."""

    CODE = "code"  # programs, fenced blocks and code spans of Markdown, code cells of notebooks
    COMMENT = "comment"  # HTML comments, which a renderer hides and an agent reads
    DATA = "data"  # JSON, YAML, TOML and other configuration
    FRONT_MATTER = "front_matter"
    HIDDEN = "hidden"  # what a renderer shows to nobody: hidden elements, unused reference definitions, titles of links
    LINK = "link"  # targets of links and images
    OUTPUT = "output"  # what a program wrote: outputs of notebook cells
    PROSE = "prose"
    TOOL = "tool"  # what an MCP server tells a model about its tools


@frozen
class Span:
    """A stretch of a text with a region and types of its own: bytes ``begin`` to ``end`` (exclusive)."""

    begin: int
    end: int
    region: Region
    types: frozenset[FileType] = frozenset()


@frozen(kw_only=True)
class Text:
    """Bytes to search.

    Attributes:
        path: of the file, as shown in a report.
        data: UTF-8, or the raw bytes of what is no text.
        types: of the whole text.
        region: of everything that no span covers.
        spans: in order, without overlaps.
        chain: how the text was had from the file: ("base64", "gzip"); empty for the file itself.
        line: 1-based line of the file from which a derived text was had; 0 if ``data`` is the file's own text.
        column: 0-based column, in UTF-16 units, to the line.
    """

    path: str
    data: bytes = field(repr=False)
    types: frozenset[FileType]
    region: Region = Region.CODE
    spans: tuple[Span, ...] = ()
    chain: tuple[str, ...] = ()
    line: int = 0
    column: int = 0


@frozen
class Place:
    """A place in a file: 1-based line, 0-based column in UTF-16 units, and the text that stands there (may be cut)."""

    line: int
    column: int = 0
    excerpt: str = ""


@frozen
class Seen:
    """A rule that code found, at a place (line 0: the file as such)."""

    rule: str
    place: Place = Place(0)


@frozen
class Flow:
    """A rule that a flow of data within one file breaks: from the first step (a source) to the last (a sink)."""

    rule: str
    steps: tuple[Place, ...]


@frozen
class Folded:
    """A text that a program computes from literals, to be searched like a file of ``types``.

    ``chain`` says how it was had: ("concatenated",), ("chr",), ("base64", "zlib").
    """

    text: str = field(repr=False)
    place: Place
    types: frozenset[FileType]
    chain: tuple[str, ...]
    region: Region = Region.CODE


@frozen
class Notice:
    """A rule about a file or an archive member as such, with a detail for the reader."""

    rule: str
    path: str
    detail: str = ""
