"""Documents of office programs: their text, their macros, and what they fetch from elsewhere."""

import re
from collections.abc import Iterator

from haldir_scanner._files._filetypes import FileType
from haldir_scanner._text import Notice, Region
from haldir_scanner._unpack._records import Member, inside

_TEXT_TYPES = frozenset({FileType.TEXT, FileType.MARKDOWN})
_BREAK = re.compile(
    rb"</(?:w:p|a:p|text:p|text:h|si|row|w:tr|table:table-row)>|<(?:w:br|a:br|text:line-break)[ /][^<>]*>"
)
_TAB = re.compile(rb"<(?:w:tab|text:tab)[ /][^<>]*>|</(?:w:tc|c|table:table-cell)>")
_TAG = re.compile(rb"<[^<>]*>")
_REFERENCE = re.compile(rb"&(?:#(\d{1,7})|#x([0-9A-Fa-f]{1,6})|(lt|gt|amp|quot|apos));")
_ENTITIES = {b"lt": "<", b"gt": ">", b"amp": "&", b"quot": '"', b"apos": "'"}
# ECMA-376 part 2, 9.3: a relationship whose target stands elsewhere.  Links that a reader clicks on are ordinary.
_RELATIONSHIP = re.compile(rb"<Relationship\b[^<>]{0,4000}>")
_EXTERNAL = re.compile(rb"TargetMode\s{0,9}=\s{0,9}[\"']External")
_HYPERLINK = re.compile(rb"Type\s{0,9}=\s{0,9}[\"'][^\"'<>]{0,200}/hyperlink[\"']")
_TARGET = re.compile(rb"Target\s{0,9}=\s{0,9}[\"']([^\"'<>]{0,200})")
_PARTS = re.compile(
    r"word/\w+\.xml|ppt/(?:slides|notesSlides|comments)/\w+\.xml|xl/(?:sharedStrings|comments\d*)\.xml"
    r"|xl/worksheets/\w+\.xml|docProps/\w+\.xml|(?:content|meta|styles)\.xml"
)
_MACROS = re.compile(r"vbaproject\.bin$|^basic/|^scripts/|/macrosheets/|/activex/", re.IGNORECASE)
_OLE_MACROS = (b"_\0V\0B\0A\0_\0P\0R\0O\0J\0E\0C\0T\0", b"M\0a\0c\0r\0o\0s\0")


def document_parts(path: str, member: Member) -> Iterator[Member | Notice]:
    """Of a member of an office document: its text without markup, and notices about macros and outside templates."""
    name = member.path[len(path) + 2 :]
    if _MACROS.search(name):
        yield Notice("office_macro", path, name)
    if name.endswith(".rels"):
        yield from _outside(path, member.data)
    if _PARTS.fullmatch(name):
        text = stripped(member.data)
        if text.strip():
            yield Member(inside(member.path, "text"), text, Region.PROSE, types=_TEXT_TYPES)


def is_document(names: frozenset[str]) -> bool:
    """Whether a zip with members of these names is a document."""
    return "[Content_Types].xml" in names or {"mimetype", "content.xml"} <= names


def compound_file(path: str, data: bytes) -> Iterator[Notice]:
    """A notice about macros in a document of the old binary formats."""
    if any(name in data for name in _OLE_MACROS):
        yield Notice("office_macro", path)


def stripped(markup: bytes) -> bytes:
    """The text of an XML document; entities that a document declares itself are left as they stand."""
    lines = _TAB.sub(b"\t", _BREAK.sub(b"\n", markup))
    return _REFERENCE.sub(_character, _TAG.sub(b"", lines))


def _character(match: re.Match[bytes]) -> bytes:
    decimal, hexadecimal, name = match.groups()
    if name is not None:
        return _ENTITIES[name].encode()
    number = int(decimal) if decimal is not None else int(hexadecimal, 16)
    return chr(number).encode("utf-8", "replace") if number <= 0x10FFFF else b""


def _outside(path: str, markup: bytes) -> Iterator[Notice]:
    for match in _RELATIONSHIP.finditer(markup):
        if _EXTERNAL.search(match.group()) and not _HYPERLINK.search(match.group()):
            target = _TARGET.search(match.group())
            yield Notice("office_external", path, "" if target is None else target[1].decode("utf-8", "replace"))
