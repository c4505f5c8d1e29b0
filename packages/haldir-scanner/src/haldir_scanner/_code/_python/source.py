"""The text of a Python file, with the places of its syntax nodes."""

import codecs
import re
from bisect import bisect_left
from functools import cached_property

from attrs import define

from haldir_scanner._code._python.value import Node
from haldir_scanner._files._views import escaped
from haldir_scanner._text import Place

EXCERPT_CHARACTERS = 160

# PEP 263: a comment of the first two lines, where the first is blank or a comment too.
_BLANK_OR_COMMENT = re.compile(rb"[ \t\f]*(?:#[^\r\n]*)?(?:\r\n?|\n|$)")
_COOKIE = re.compile(rb"[ \t\f]*#[^\r\n]{0,200}?coding[:=][ \t]*([-\w.]{1,40})")
# Encodings that editors write; any other one that a file declares changes what its bytes seem to say.
_PLAIN_ENCODINGS = re.compile(
    r"utf-?8(?:-sig)?|ascii|us-ascii|latin-?1|l1|iso-?8859-?\d{1,2}|(?:cp|windows-?)\d{3,4}|koi8-[ru]|mac-?roman"
    r"|big5|gbk|gb2312|gb18030|euc-?(?:jp|kr|cn)|shift-?jis|sjis"
)
_ASCII_CODECS = {"rot13", "rot-13", "rot_13"}


@define(slots=False)
class Source:
    """A decoded file.

    Attributes:
        text: what Python's parser is given.
        encoding: the codec that the file declares if that hides what its bytes say, else "".
    """

    text: str
    encoding: str = ""

    @cached_property
    def _starts(self) -> list[int]:
        """Where each line begins that the parser counts, in UTF-8 bytes: a lone carriage return ends one too."""
        return [0, *(found.end() for found in re.finditer(rb"\r\n|\r|\n", self._data))]

    @cached_property
    def _line_feeds(self) -> list[int]:
        return [found.start() for found in re.finditer(rb"\n", self._data)]

    @cached_property
    def _data(self) -> bytes:
        return self.text.encode()

    def _span(self, node: Node) -> tuple[int, int]:
        begin = self._starts[node.lineno - 1] + node.col_offset
        if node.end_lineno is None or node.end_col_offset is None:
            return begin, begin
        return begin, self._starts[node.end_lineno - 1] + node.end_col_offset

    def segment(self, node: Node) -> str:
        """The text of ``node``."""
        begin, end = self._span(node)
        return self._data[begin:end].decode("utf-8", "replace")

    def place(self, node: Node) -> Place:
        """Where ``node`` begins, lines counted by their line feeds as in every other report."""
        begin, end = self._span(node)
        row = bisect_left(self._line_feeds, begin)
        start = self._line_feeds[row - 1] + 1 if row else 0
        before = self._data[start:begin].decode("utf-8", "replace")
        shown = self._data[begin : min(end, begin + 4 * EXCERPT_CHARACTERS)].decode("utf-8", "replace")
        return Place(
            line=row + 1,
            column=len(before.encode("utf-16-le")) // 2,
            excerpt=escaped(shown.partition("\n")[0].strip()[:EXCERPT_CHARACTERS]),
        )


def decode(data: bytes) -> Source:
    """The text of a file, in the encoding that it declares.

    Raises: ValueError if the bytes are not in that encoding.
    """
    if data.startswith(codecs.BOM_UTF8):
        return Source(data[len(codecs.BOM_UTF8) :].decode())
    declared = _cookie(data)
    if not declared or _PLAIN_ENCODINGS.fullmatch(declared):
        return Source(_decoded(data, declared or "utf-8"))
    if declared in _ASCII_CODECS:
        return Source(codecs.decode(data.decode(), "rot13"), "rot13")
    return Source(_decoded(data, declared), declared)


def _cookie(data: bytes) -> str:
    begin = 0
    for _ in range(2):
        found = _COOKIE.match(data, begin)
        if found:
            return found[1].decode("ascii", "replace").lower().replace("_", "-")
        blank = _BLANK_OR_COMMENT.match(data, begin)
        if blank is None:
            return ""
        begin = blank.end()
    return ""


def _decoded(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except LookupError as error:
        raise ValueError(f"unknown encoding {encoding}") from error
