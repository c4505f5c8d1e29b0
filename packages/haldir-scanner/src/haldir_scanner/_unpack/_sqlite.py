"""The texts and blobs in the rows of an SQLite database, deleted ones that are still there among them.

Source: https://www.sqlite.org/fileformat2.html
"""

from collections.abc import Iterator
from typing import Self

from attrs import frozen

from haldir_scanner._files._filetypes import FileType
from haldir_scanner._files._magic import magic_of
from haldir_scanner._unpack._records import Member, RefusedError, UnpackBudget, inside

_HEADER_BYTES = 100
_LEAF_OF_TABLE = 0x0D
_MOST_OWN = 50  # rows that are files of their own: programs, documents, archives
_SHORTEST = 8  # bytes of a text that says something
_MAX_TEXT_BYTES = 4 << 20  # of all short texts together
_ENCODINGS = {2: "utf-16-le", 3: "utf-16-be"}
_TEXT = frozenset({FileType.TEXT})


@frozen
class _Database:
    """A database and what its header says."""

    data: bytes
    page_bytes: int
    usable: int
    encoding: str

    @classmethod
    def of(cls, data: bytes) -> Self | None:
        """None if the header makes no sense."""
        if len(data) < _HEADER_BYTES:
            return None
        size = int.from_bytes(data[16:18], "big")
        size = 65_536 if size == 1 else size
        usable = size - data[20]
        if size < 512 or size & (size - 1) or usable < 480:
            return None
        return cls(data, size, usable, _ENCODINGS.get(data[59], ""))

    def payloads(self, budget: UnpackBudget) -> Iterator[bytes]:
        """The record of each row of each page of rows, wherever the page hangs."""
        for begin in range(0, len(self.data), self.page_bytes):
            head = begin + (_HEADER_BYTES if begin == 0 else 0)
            page = self.data[begin : begin + self.page_bytes]
            budget.step()
            if self.data[head : head + 1] != bytes([_LEAF_OF_TABLE]):
                continue
            count = int.from_bytes(self.data[head + 3 : head + 5], "big")
            pointers = self.data[head + 8 : head + 8 + 2 * min(count, self.page_bytes // 2)]
            for place in range(0, len(pointers) - 1, 2):
                budget.step()
                yield self._payload(page, int.from_bytes(pointers[place : place + 2], "big"), budget)

    def _payload(self, page: bytes, place: int, budget: UnpackBudget) -> bytes:
        size, place = _varint(page, place)
        _, place = _varint(page, place)
        size = min(size, budget.max_member_bytes, len(self.data))
        local = self._local(size)
        parts = [page[place : place + local]]
        missing = size - local
        number = int.from_bytes(page[place + local : place + local + 4], "big")
        while missing > 0 and number:
            budget.step()
            begin = (number - 1) * self.page_bytes
            parts.append(self.data[begin + 4 : begin + min(self.usable, missing + 4)])
            missing -= self.usable - 4
            number = int.from_bytes(self.data[begin : begin + 4], "big")
        return b"".join(parts)

    def _local(self, size: int) -> int:
        """The bytes of a record that stand in the page itself.  Source: section 1.6."""
        most = self.usable - 35
        if size <= most:
            return size
        least = (self.usable - 12) * 32 // 255 - 23
        local = least + (size - least) % (self.usable - 4)
        return local if local <= most else least

    def values(self, record: bytes) -> Iterator[bytes]:
        """The texts, as UTF-8, and blobs of a record."""
        end, place = _varint(record, 0)
        body = end
        while place < min(end, len(record)):
            kind, place = _varint(record, place)
            size = (kind - 12) // 2 if kind >= 12 else _SIZES[kind]
            value = record[body : body + size]
            body += size
            if kind >= 12:
                wide = self.encoding and kind % 2
                yield value.decode(self.encoding, "replace").encode("utf-8", "replace") if wide else value


# Bytes of a value by its serial type.  Source: section 2.1.
_SIZES = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0)


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """An integer of one to nine bytes, and the place behind it."""
    value = 0
    for count in range(9):
        byte = data[place] if place < len(data) else 0
        place += 1
        if count == 8:
            return value << 8 | byte, place
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            break
    return value, place


def sqlite(path: str, data: bytes, budget: UnpackBudget) -> Iterator[Member]:
    """What the rows hold: short texts together, programs, documents and archives each as a file."""
    database = _Database.of(data)
    if database is None:
        return
    short: list[bytes] = []
    size = own = read = 0
    for record in database.payloads(budget):
        read += len(record)
        if read > 2 * len(data):
            raise RefusedError("limit_archive_steps", "rows that share their pages")
        for value in database.values(record):
            if len(value) < _SHORTEST:
                continue
            if own < _MOST_OWN and (b"\n" in value.strip() or magic_of(value) is not None):
                own += 1
                budget.enter()
                budget.spend(len(value))
                yield Member(inside(path, f"row{own}"), value)
            elif size < _MAX_TEXT_BYTES:
                short.append(value)
                size += len(value) + 1
    if short:
        budget.enter()
        budget.spend(size)
        yield Member(inside(path, "rows"), b"\n".join(short), types=_TEXT)
