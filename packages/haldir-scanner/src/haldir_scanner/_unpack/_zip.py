"""Zip archives, read without trusting any of their several tables of contents.

Source: APPNOTE.TXT 6.3.10 (section numbers below).
"""

import struct
from collections import Counter
from collections.abc import Iterator
from itertools import islice, pairwise
from typing import Self

from attrs import field, frozen

from haldir_scanner._text import Notice
from haldir_scanner._unpack._inflate import MAX_DICTIONARY, Codec, Expanded, expand
from haldir_scanner._unpack._names import name_notices
from haldir_scanner._unpack._records import Member, UnpackBudget, inside
from haldir_scanner._unpack._trailing import trailing

_LOCAL = b"PK\x03\x04"
_CENTRAL = b"PK\x01\x02"
_END = b"PK\x05\x06"
_END_64 = b"PK\x06\x06"
_LOCATOR_64 = b"PK\x06\x07"
_TAIL = 22 + 0xFFFF  # 4.3.16: the end record with the longest comment
_MAX_GAPS = 16
_MAX_SOUGHT = 10_000
_DESCRIPTOR = 24  # 4.3.9: at most, between the data of one entry and the next entry
_UNKNOWN = 0xFFFFFFFF  # 4.4.8: the real value stands in a zip64 record
_ENCRYPTED, _DESCRIBED, _UTF8 = 0x1, 0x8, 0x800  # 4.4.4
_LINK = 0o120000


@frozen
class _End:
    """The end record: where the central directory begins and ends, by how much its offsets are wrong."""

    begin: int
    stop: int
    shift: int
    entries: int
    comment: bytes
    after: int


@frozen
class _Entry:
    """One member as a header tells of it."""

    name: bytes = field(repr=False)
    flags: int
    method: int
    packed: int
    size: int
    offset: int
    mode: int = 0
    begin: int = 0

    @property
    def text(self) -> str:
        return self.name.decode("utf-8" if self.flags & _UTF8 else "cp437", "replace")

    @property
    def end(self) -> int:
        return self.begin + self.packed

    @classmethod
    def local(cls, data: bytes, offset: int) -> Self | None:
        """The local header at ``offset`` (4.3.7)."""
        if offset < 0 or len(data) < offset + 30 or not data.startswith(_LOCAL, offset):
            return None
        flags, method, packed, size, name, extra = struct.unpack_from("<6xHH8xIIHH", data, offset)
        begin = offset + 30 + name + extra
        entry = cls(data[offset + 30 : offset + 30 + name], flags, method, packed, size, offset, begin=begin)
        return entry.with_zip64(data[offset + 30 + name : begin])

    @classmethod
    def central(cls, data: bytes, offset: int, stop: int) -> tuple[Self, int] | None:
        """The entry of the central directory at ``offset`` (4.3.12), and where the next one begins."""
        if stop < offset + 46 or not data.startswith(_CENTRAL, offset):
            return None
        flags, method, packed, size, name, extra, comment, attributes, local = struct.unpack_from(
            "<8xHH8xIIHHH4xII", data, offset
        )
        after = offset + 46 + name
        entry = cls(data[offset + 46 : after], flags, method, packed, size, local, mode=attributes >> 16)
        return entry.with_zip64(data[after : after + extra]), after + extra + comment

    def with_zip64(self, extra: bytes) -> Self:
        """The same with the values of a zip64 record (4.5.3) among the extra fields."""
        place = 0
        while place + 4 <= len(extra):
            kind, length = struct.unpack_from("<HH", extra, place)
            if kind == 1:
                return self._with_values(extra[place + 4 : place + 4 + length])
            place += 4 + length
        return self

    def _with_values(self, record: bytes) -> Self:
        values = iter([int.from_bytes(record[at : at + 8], "little") for at in range(0, len(record) - 7, 8)])
        size, packed, offset = (
            next(values, value) if value == _UNKNOWN else value for value in (self.size, self.packed, self.offset)
        )
        return type(self)(self.name, self.flags, self.method, packed, size, offset, self.mode, self.begin)


def zip_begin(data: bytes) -> int | None:
    """Where in ``data`` the first member of a zip begins that ends at its end; None if there is none."""
    end = _find_end(data)
    if end is None or not data.startswith(_CENTRAL, end.begin):
        return None
    places = (entry.offset + end.shift for entry in islice(_directory(data, end), _MAX_SOUGHT))
    return min((place for place in places if _Entry.local(data, place) is not None), default=None)


def zip_members(path: str, data: bytes, budget: UnpackBudget, begin: int = 0) -> Iterator[Member | Notice]:
    """The members of a zip that begins at ``begin``, all that stands between them, and notices about what is odd."""
    end = _find_end(data)
    if end is None or (end.entries and not data.startswith(_CENTRAL, end.begin)):
        yield Notice("archive_unreadable", path, "the central directory is missing")
        yield from _without_directory(path, data, budget)
        return
    entries = sorted(_counted(data, end, budget), key=lambda entry: entry.offset)
    yield from _oddities(path, data, end, entries, budget)
    found = [(entry, _Entry.local(data, entry.offset)) for entry in entries]
    places = [(local.offset, local.begin + entry.packed) for entry, local in found if local is not None]
    yield from _overlaps(path, places)
    for entry, local in found:
        if local is None:
            yield Notice("archive_unreadable", path, f"no member at the place of {entry.text}")
            continue
        yield from _disagreement(path, entry, local)
        yield from _member(path, data, _placed(entry, local.begin), budget)
    yield from _gaps(path, data, [(begin, begin), *places, (end.begin, end.begin)])
    if end.comment.strip():
        yield Member(inside(path, "comment"), end.comment)
    yield from trailing(path, data[end.after :])


def _find_end(data: bytes) -> _End | None:
    """The last end record whose comment fits into the file."""
    place = len(data)
    floor = max(0, len(data) - _TAIL)
    for _ in range(_MAX_GAPS):
        place = data.rfind(_END, floor, place + 3 if place < len(data) else place)
        if place < 0:
            # Padding or trailing data may be longer than a comment.
            return _read_end(data, data.rfind(_END)) if data.startswith(_LOCAL) and floor else None
        end = _read_end(data, place)
        if end is not None:
            return end
    return None


def _read_end(data: bytes, place: int) -> _End | None:
    if place < 0 or place + 22 > len(data):
        return None
    entries, size, offset, comment = struct.unpack_from("<10xHIIH", data, place)
    stop, after = place, place + 22 + comment
    if data.startswith(_LOCATOR_64, max(0, place - 20)) and _UNKNOWN in {size, offset}:
        stop = data.rfind(_END_64, 0, place)
        if stop < 0 or stop + 56 > place:
            return None
        entries, size, offset = struct.unpack_from("<32xQQQ", data, stop)
    if size > stop or after > len(data):
        return None
    begin = stop - size
    return _End(begin, stop, begin - offset, entries, data[place + 22 : after], after)


def _directory(data: bytes, end: _End) -> Iterator[_Entry]:
    place = end.begin
    while (found := _Entry.central(data, place, end.stop)) is not None:
        entry, place = found
        yield entry


def _counted(data: bytes, end: _End, budget: UnpackBudget) -> Iterator[_Entry]:
    """The entries of the central directory, with offsets from the beginning of the file, at most as many as allowed."""
    for count, entry in enumerate(_directory(data, end)):
        budget.step()
        if count > budget.max_members:
            return
        yield _Entry(
            entry.name, entry.flags, entry.method, entry.packed, entry.size, entry.offset + end.shift, entry.mode
        )


def _placed(entry: _Entry, begin: int) -> _Entry:
    return _Entry(entry.name, entry.flags, entry.method, entry.packed, entry.size, entry.offset, entry.mode, begin)


def _oddities(path: str, data: bytes, end: _End, entries: list[_Entry], budget: UnpackBudget) -> Iterator[Notice]:
    """What makes different programs see different archives."""
    names = Counter(entry.name for entry in entries)
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        yield Notice("archive_ambiguous", path, f"twice: {twice[0].decode('utf-8', 'replace')}")
    if end.entries not in {len(entries), len(entries) & 0xFFFF} and len(entries) <= budget.max_members:
        yield Notice("archive_ambiguous", path, f"{end.entries} members announced, {len(entries)} listed")
    if _END in end.comment or _LOCAL in end.comment:
        yield Notice("archive_ambiguous", path, "another archive in the comment")
    unshifted = (entry.offset - end.shift for entry in entries)
    if end.shift and any(place >= 0 and data.startswith(_LOCAL, place) for place in unshifted):
        yield Notice("archive_ambiguous", path, "the place of the central directory is not where it is said to be")


def _disagreement(path: str, entry: _Entry, local: _Entry) -> Iterator[Notice]:
    detail = ""
    if entry.name != local.name:
        detail = f"{entry.text} is named {local.text} in front of its content"
    elif entry.method != local.method:
        detail = f"{entry.text} has two methods of compression"
    elif (entry.flags ^ local.flags) & _ENCRYPTED:
        detail = f"{entry.text} is encrypted in one place only"
    elif not local.flags & _DESCRIBED and entry.packed != local.packed:
        detail = f"{entry.text} has two lengths"
    if detail:
        yield Notice("archive_ambiguous", path, detail)


def _member(path: str, data: bytes, entry: _Entry, budget: UnpackBudget) -> Iterator[Member | Notice]:
    budget.enter()
    name = entry.text
    yield from name_notices(path, name)
    if entry.mode & 0o170000 == _LINK:
        yield Notice("archive_link", path, f"{name} -> {data[entry.begin : entry.end][:100]!r}")
        return
    if entry.flags & _ENCRYPTED:
        yield Notice("archive_encrypted", path, name)
        return
    if name.endswith("/") and not entry.packed:
        return
    expanded = _expanded(data, entry, budget)
    if expanded.rule:
        yield Notice(expanded.rule, path, name)
    elif len(expanded.data) != entry.size and (entry.size or not entry.flags & _DESCRIBED):
        yield Notice("archive_ambiguous", path, f"{name} has {len(expanded.data)} bytes, not {entry.size}")
    yield Member(inside(path, name), expanded.data)


def _expanded(data: bytes, entry: _Entry, budget: UnpackBudget) -> Expanded:
    if entry.method == 8:
        return expand(Codec.DEFLATE, data, budget, begin=entry.begin, end=entry.end)
    if entry.method == 12:
        return expand(Codec.BZIP2, data, budget, begin=entry.begin, end=entry.end)
    if entry.method == 14:
        return _lzma(data, entry, budget)
    if entry.method:
        return Expanded(b"", 0, "archive_unsupported")
    most = min(budget.left, budget.max_member_bytes)
    content = data[entry.begin : min(entry.end, entry.begin + most)]
    budget.spend(len(content))
    if entry.end > len(data):
        return Expanded(content, len(content), "archive_unreadable")
    return Expanded(content, len(content), "limit_archive_member" if len(content) < entry.packed else "")


def _lzma(data: bytes, entry: _Entry, budget: UnpackBudget) -> Expanded:
    """5.8.8: two bytes of version, the length of the properties, the properties, the stream."""
    header = data[entry.begin : entry.begin + 9]
    if len(header) < 9 or header[2:4] != b"\x05\0" or int.from_bytes(header[5:9], "little") > MAX_DICTIONARY:
        return Expanded(b"", 0, "archive_unreadable")
    size = b"\xff" * 8 if entry.flags & 0x2 else entry.size.to_bytes(8, "little")
    stream = header[4:9] + size + data[entry.begin + 9 : entry.end]
    return expand(Codec.LZMA, stream, budget)


def _overlaps(path: str, places: list[tuple[int, int]]) -> Iterator[Notice]:
    if any(begin < before for (_, before), (begin, _) in pairwise(places)):
        yield Notice("archive_overlap", path)


def _gaps(path: str, data: bytes, places: list[tuple[int, int]]) -> Iterator[Member | Notice]:
    """What stands before, between and behind the members."""
    gaps = [(stop, begin) for (_, stop), (begin, _) in pairwise(places)]
    wide = (gap for gap in gaps if gap[1] - gap[0] > _DESCRIPTOR)
    for stop, begin in islice(wide, _MAX_GAPS):
        yield from trailing(path, data[stop:begin], f"between members at {stop}")


def _without_directory(path: str, data: bytes, budget: UnpackBudget) -> Iterator[Member | Notice]:
    """The members as one finds them who reads from the beginning."""
    local = _Entry.local(data, data.find(_LOCAL))
    while local is not None:
        if local.flags & _DESCRIBED and not local.packed:
            local = _measured(data, local, budget)
        yield from _member(path, data, local, budget)
        following = data.find(_LOCAL, max(local.end, local.begin))
        local = _Entry.local(data, following)


def _measured(data: bytes, entry: _Entry, budget: UnpackBudget) -> _Entry:
    """An entry whose length stands behind it (4.3.9)."""
    after = expand(Codec.DEFLATE, data, budget, begin=entry.begin).consumed if entry.method == 8 else 0
    return _Entry(entry.name, entry.flags, entry.method, after, entry.size, entry.offset, entry.mode, entry.begin)


def member_names(data: bytes) -> frozenset[str]:
    """The names in the central directory of a zip."""
    end = _find_end(data)
    return frozenset() if end is None else frozenset(entry.text for entry in islice(_directory(data, end), _MAX_SOUGHT))
