"""Pictures, fonts and sounds: the texts in them, and what stands behind their end."""

import re
import struct
from collections.abc import Generator, Iterator

from haldir_scanner._files._encoding import is_narrow_text
from haldir_scanner._text import Notice
from haldir_scanner._unpack._inflate import inflated
from haldir_scanner._unpack._records import Member, UnpackBudget, inside
from haldir_scanner._unpack._trailing import trailing

_PNG_HEAD = 8
_MAX_PICTURES = 64  # one after the other in a file, as phones write them
_SHORTEST_TEXT = 8
# ITU-T T.81 B.1.1: within the data of a scan, 0xFF is followed by 0 or by a restart marker.
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_SCAN, _END_OF_IMAGE, _COMMENT, _FIRST_APP = 0xDA, 0xD9, 0xFE, 0xE1
_LEGIBLE = re.compile(rb"[\t\n\r -~]{16,}")
# Offset and width of the field that holds the length of the whole file, by the first bytes; what it leaves out.
_LENGTHS = {
    b"RIFF": ("<I", 4, 8),
    b"BM": ("<I", 2, 0),
    b"wOFF": (">I", 8, 0),
    b"wOF2": (">I", 8, 0),
}


def png(path: str, data: bytes, budget: UnpackBudget) -> Iterator[Member | Notice]:
    """The text chunks of a PNG, and what follows its end.  Source: PNG specification 3rd edition, 11.3.3."""
    place = _PNG_HEAD
    while place + 8 <= len(data):
        budget.step()
        size, kind = struct.unpack_from(">I4s", data, place)
        content = data[place + 8 : place + 8 + size]
        place += 12 + size
        if kind == b"IEND":
            yield from trailing(path, data[place:])
            return
        if kind in {b"tEXt", b"zTXt", b"iTXt"}:
            yield from _text(path, kind.decode("ascii"), _chunk_text(kind, content, budget))


def _chunk_text(kind: bytes, content: bytes, budget: UnpackBudget) -> bytes:
    keyword, _, rest = content.partition(b"\0")
    if kind == b"zTXt":
        return keyword + b": " + inflated(rest, budget, begin=1)
    if kind == b"tEXt":
        return keyword + b": " + rest
    is_compressed, texts = rest[:1] == b"\x01", rest[2:].split(b"\0", 2)
    text = texts[-1] if len(texts) == 3 else b""
    return keyword + b": " + (inflated(text, budget) if is_compressed else text)


def jpeg(path: str, data: bytes, budget: UnpackBudget) -> Iterator[Member | Notice]:
    """The comments of a JPEG and of those that follow it, and what follows the last.  Source: ITU-T T.81 annex B."""
    end = 0
    for _ in range(_MAX_PICTURES):
        begin = end
        end = yield from _one_jpeg(path, data, begin, budget)
        # Thumbnails and second pictures stand one after the other, padded.
        following = data.find(b"\xff\xd8\xff", end, end + 4096)
        if end <= begin or following < 0 or data[end:following].strip(b"\0"):
            break
        end = following
    if end:
        yield from trailing(path, data[end:])


def _one_jpeg(path: str, data: bytes, begin: int, budget: UnpackBudget) -> Generator[Member, None, int]:
    """Return the end of the picture; 0 if it has none."""
    place = begin + 2
    while (match := _MARKER.search(data, place)) is not None:
        budget.step()
        kind, place = data[match.start() + 1], match.end()
        if kind == _END_OF_IMAGE:
            return place
        if kind in {0x01, 0xD8}:
            continue
        size = int.from_bytes(data[place : place + 2], "big")
        content = data[place + 2 : place + size]
        place += max(2, size)
        if kind == _COMMENT:
            yield from _text(path, "comment", content)
        elif kind == _FIRST_APP:
            yield from _text(path, "Exif", b"\n".join(_LEGIBLE.findall(content)))
    return 0


def gif(path: str, data: bytes, budget: UnpackBudget) -> Iterator[Member | Notice]:
    """The comments of a GIF, and what follows its end.  Source: GIF89a specification."""
    if len(data) < 13:
        return
    place = 13 + _colours(data[10])
    while place < len(data) and data[place] in b"\x21\x2c":
        if data[place] == 0x2C and place + 9 < len(data):
            place += 11 + _colours(data[place + 9])
            _, place = _blocks(data, place, budget)
        else:
            label = data[place + 1 : place + 2]
            text, place = _blocks(data, place + 2, budget)
            if label == b"\xfe":
                yield from _text(path, "comment", text)
    if data[place : place + 1] == b"\x3b":
        yield from trailing(path, data[place + 1 :])


def _colours(flags: int) -> int:
    """The size of a colour table."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _blocks(data: bytes, place: int, budget: UnpackBudget) -> tuple[bytes, int]:
    """The content of a row of sub-blocks, and where it ends."""
    blocks = []
    while place < len(data) and data[place]:
        budget.step()
        blocks.append(data[place + 1 : place + 1 + data[place]])
        place += 1 + data[place]
    return b"".join(blocks), place + 1


def sized(path: str, data: bytes, _budget: UnpackBudget) -> Iterator[Member | Notice]:
    """What follows the end of a file that says how long it is."""
    for magic, (form, place, extra) in _LENGTHS.items():
        if data.startswith(magic) and len(data) >= place + 4:
            size: int = struct.unpack_from(form, data, place)[0] + extra
            # Streams that were cut or never finished say 0 or too much.
            if size > place + 4:
                yield from trailing(path, data[size + size % 2 if magic == b"RIFF" else size :])


def _text(path: str, name: str, text: bytes) -> Iterator[Member]:
    if len(text) >= _SHORTEST_TEXT and is_narrow_text(text):
        yield Member(inside(path, name), text)
