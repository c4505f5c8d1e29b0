"""Tar archives in all their dialects, read from memory.

Source: POSIX.1-2024 pax, "ustar Interchange Format" and "pax Header Block"; GNU tar manual, "Basic Tar Format".
"""

from collections.abc import Iterator

from attrs import evolve, frozen

from haldir_scanner._text import Notice
from haldir_scanner._unpack._names import name_notices
from haldir_scanner._unpack._records import Member, RefusedError, UnpackBudget, inside
from haldir_scanner._unpack._trailing import trailing

_BLOCK = 512
_LONGEST_HEADER = 1 << 16  # bytes of a long name or a pax header
_LINKS = b"12"
_SPECIAL = b"346"
_REGULAR = b"\0" + b"07S"


@frozen
class _Header:
    """One header block, as far as it matters here."""

    name: str
    kind: bytes
    size: int
    target: str


@frozen
class _Long:
    """What the headers in front of a member say instead of the member's own."""

    name: str = ""
    target: str = ""
    size: int | None = None

    def applied_to(self, header: _Header) -> _Header:
        return evolve(
            header,
            name=self.name or header.name,
            target=self.target or header.target,
            size=header.size if self.size is None else self.size,
        )


def tar_members(path: str, data: bytes, budget: UnpackBudget) -> Iterator[Member | Notice]:
    """The members of a tar, what stands behind its end, and notices about names, links and devices."""
    place = 0
    long = _Long()
    while place + _BLOCK <= len(data) and data[place]:
        budget.step()
        header = _header(data, place)
        place += _BLOCK
        if header.kind in b"LKxg":
            long = _extended(header, data[place : place + min(header.size, _LONGEST_HEADER)], long)
        else:
            header = long.applied_to(header)
            long = _Long()
            yield from _member(path, header, data[place : place + header.size], budget)
        place += -(-header.size // _BLOCK) * _BLOCK
    if place > len(data) or not place:
        yield Notice("archive_unreadable", path, "the archive ends within a member")
    yield from trailing(path, data[place:])


def _header(data: bytes, place: int) -> _Header:
    block = data[place : place + _BLOCK]
    if _number(block[148:156]) != sum(block) - sum(block[148:156]) + 8 * 0x20:
        raise RefusedError("archive_unreadable", f"no header at byte {place}")
    prefix = _text(block[345:500]) if block[257:263] == b"ustar\0" else ""
    name = _text(block[:100])
    return _Header(
        name=f"{prefix}/{name}" if prefix else name,
        kind=block[156:157],
        size=_number(block[124:136]),
        target=_text(block[157:257]),
    )


def _number(digits: bytes) -> int:
    """Octal digits, or a binary number after a byte with the highest bit set."""
    if digits[0] & 0x80:
        return int.from_bytes(digits, "big") & ((1 << 88) - 1)
    text = digits.replace(b"\0", b" ").strip()
    if text.isdigit() and not set(text) & set(b"89"):
        return int(text, 8)
    if text:
        raise RefusedError("archive_unreadable", f"no number: {text!r}")
    return 0


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "replace")


def _extended(header: _Header, content: bytes, long: _Long) -> _Long:
    if header.kind == b"L":
        return evolve(long, name=_text(content))
    if header.kind == b"K":
        return evolve(long, target=_text(content))
    # A global header holds defaults for all members; names and sizes have no place there.
    return _pax(content, long) if header.kind == b"x" else long


def _pax(content: bytes, long: _Long) -> _Long:
    """The records ``length keyword=value`` of a pax header."""
    place = 0
    while (space := content.find(b" ", place, place + 12)) > place and content[place:space].isdigit():
        length = int(content[place:space])
        keyword, _, value = content[space + 1 : place + length - 1].partition(b"=")
        place += max(length, space + 1 - place)
        if keyword in {b"path", b"GNU.sparse.name"}:
            long = evolve(long, name=value.decode("utf-8", "replace"))
        elif keyword == b"linkpath":
            long = evolve(long, target=value.decode("utf-8", "replace"))
        elif keyword == b"size" and value.isdigit() and len(value) < 20:
            long = evolve(long, size=int(value))
    return long


def _member(path: str, header: _Header, content: bytes, budget: UnpackBudget) -> Iterator[Member | Notice]:
    budget.enter()
    yield from name_notices(path, header.name)
    if header.kind in _LINKS:
        yield Notice("archive_link", path, f"{header.name} -> {header.target}"[:200])
    elif header.kind in _SPECIAL:
        yield Notice("archive_special_file", path, header.name[:200])
    elif header.kind in _REGULAR or content:
        if len(content) > budget.max_member_bytes:
            yield Notice("limit_archive_member", path, header.name[:200])
        yield Member(inside(path, header.name), content[: budget.max_member_bytes])
