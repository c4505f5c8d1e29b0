"""PDF files: their text, their programs and what is attached, without a full reader of the format.

Source: ISO 32000-1 (section numbers below).
"""

import re
from collections.abc import Iterator

from haldir_scanner._files._encoding import is_narrow_text
from haldir_scanner._files._filetypes import FileType
from haldir_scanner._text import Notice, Region
from haldir_scanner._unpack._inflate import inflated
from haldir_scanner._unpack._records import Member, UnpackBudget, inside
from haldir_scanner._unpack._trailing import trailing

_DICTIONARY = 2048  # bytes before a stream in which its dictionary is looked for
_STEPS_PER_STREAM = 4
_STRINGS_PER_STEP = 8
_TEXT_TYPES = frozenset({FileType.TEXT, FileType.MARKDOWN})
_NAME_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")  # 7.3.5
_ACTIONS = {
    # 12.6.4: actions that run something; what a document does on opening is mostly to choose a page.
    "pdf_active": re.compile(rb"/(?:JavaScript|JS|Launch|RichMedia|XFA|SubmitForm|ImportData)\b"),
    "pdf_open_action": re.compile(rb"/(?:OpenAction|AA)\b"),
    "pdf_attachment": re.compile(rb"/EmbeddedFiles?\b"),
}
# 9.4.3 and 9.4.2: strings in both notations, distances in an array, operators that begin a new line.  A string ends at
# the next parenthesis, so that an unclosed one is not looked at twice.
_SHOWN = re.compile(
    rb"\(++(?P<text>(?:[^()\\]++|\\.)*+)\)?|<(?P<hex>[0-9A-Fa-f\s]*+)>|(?P<gap>-\d{3,6})|(?P<line>\bT[dDm*]|\bET\b)",
    re.DOTALL,
)
_WORD_GAP = 180  # thousandths of the size of the font
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|(\r\n?|\n)|(.))", re.DOTALL)  # 7.3.4.2
_ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"", b"f": b"\n"}


def pdf(path: str, data: bytes, budget: UnpackBudget) -> Iterator[Member | Notice]:
    """The text of a PDF, its other legible streams, what is attached to it, what follows its end; notices about it."""
    bodies: list[bytes] = []
    shown: list[bytes] = []
    for dictionary, stream in _streams(data, budget):
        if b"/EmbeddedFile" in dictionary:
            yield Member(inside(path, "attachment"), stream)
        elif b"/Subtype" in dictionary and b"/Image" in dictionary:
            continue
        elif b"BT" in stream and (b"TJ" in stream or b"Tj" in stream):
            budget.step(stream.count(b"(") // _STRINGS_PER_STEP)
            shown.append(_shown(stream))
        elif is_narrow_text(stream):
            bodies.append(stream)
    legible = b"\n".join(bodies)
    yield from _notices(path, _between_streams(data) + legible)
    if legible:
        yield Member(inside(path, "streams"), legible)
    # Without its table of characters, the text of an embedded font is unreadable.
    if text := b"\n".join(part for part in shown if part.strip() and is_narrow_text(part)):
        yield Member(inside(path, "text"), text, Region.PROSE, types=_TEXT_TYPES)
    end = data.rfind(b"%%EOF")
    if end >= 0:
        yield from trailing(path, data[end + 5 :])


def _streams(data: bytes, budget: UnpackBudget) -> Iterator[tuple[bytes, bytes]]:
    """Each stream (7.3.8), unpacked if it is deflated, with the dictionary in front of it."""
    after = 0
    place = data.find(b"stream")
    while place >= 0:
        budget.step(_STEPS_PER_STREAM)
        dictionary = data[max(after, place - _DICTIONARY) : place]
        dictionary = dictionary[max(0, dictionary.rfind(b" obj")) :]
        begin = place + 6 + (2 if data.startswith(b"\r\n", place + 6) else 1)
        after = data.find(b"endstream", begin)
        if after < 0:
            return
        yield dictionary, _decoded(dictionary, data, begin, after, budget)
        after += 9
        place = data.find(b"stream", after)


def _decoded(dictionary: bytes, data: bytes, begin: int, end: int, budget: UnpackBudget) -> bytes:
    names = _unescaped(dictionary)
    if b"/FlateDecode" in names or b"/Fl " in names:
        return inflated(data, budget, begin=begin, end=end)
    return data[begin : min(end, begin + budget.max_member_bytes)]


def _between_streams(data: bytes) -> bytes:
    """The objects without their streams."""
    parts = []
    begin = 0
    while (end := data.find(b"stream", begin)) >= 0:
        parts.append(data[begin:end])
        stop = data.find(b"endstream", end)
        begin = len(data) if stop < 0 else stop + 9
    return b"\n".join([*parts, data[begin:]])


def _notices(path: str, objects: bytes) -> Iterator[Notice]:
    names = _unescaped(objects)
    for rule, pattern in _ACTIONS.items():
        if (match := pattern.search(names)) is not None:
            yield Notice(rule, path, match.group().decode("ascii"))
    if b"/Encrypt" in names:
        yield Notice("archive_encrypted", path, "encrypted PDF")


def _unescaped(names: bytes) -> bytes:
    return _NAME_ESCAPE.sub(lambda match: bytes([int(match.group(1), 16)]), names) if b"#" in names else names


def _shown(stream: bytes) -> bytes:
    """The text that a content stream shows, in the order of the stream."""
    parts = []
    for match in _SHOWN.finditer(stream):
        if match["text"] is not None:
            parts.append(_ESCAPE.sub(_character, match["text"]))
        elif match["hex"] is not None:
            digits = b"".join(match["hex"].split())
            parts.append(bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode("ascii")).replace(b"\0", b""))
        elif match["line"] is not None:
            parts.append(b"\n")
        elif int(match["gap"]) < -_WORD_GAP:
            parts.append(b" ")
    return b"".join(parts)


def _character(match: re.Match[bytes]) -> bytes:
    octal, line, other = match.groups()
    if octal is not None:
        return bytes([int(octal, 8) & 0xFF])
    return b"" if line is not None else _ESCAPED.get(other, other)
