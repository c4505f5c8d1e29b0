"""Decompression that stops at every limit."""

import bz2
import lzma
import zlib
from collections.abc import Callable
from enum import StrEnum

from attrs import field, frozen

from haldir_scanner._unpack._records import RefusedError, UnpackBudget

MAX_DICTIONARY = 80 << 20  # bytes; `xz -9` asks for 64 MiB and a little more
_INPUT = 1 << 16
_OUTPUT = 1 << 18


class Codec(StrEnum):
    """A way to compress a stream of bytes."""

    BZIP2 = "bzip2"
    DEFLATE = "deflate"
    GZIP = "gzip"
    LZMA = "LZMA"
    XZ = "xz"
    ZLIB = "zlib"


@frozen
class Expanded:
    """What came out of a stream.

    Attributes:
        data: the unpacked bytes, up to the first limit or error.
        consumed: length of the stream.
        rule: of the limit or error that ended it early; empty if the stream is complete.
    """

    data: bytes = field(repr=False)
    consumed: int
    rule: str = ""


class _Zlib:
    """Deflate, with either header or none."""

    def __init__(self, window_bits: int) -> None:
        self._decoder = zlib.decompressobj(window_bits)

    def feed(self, piece: bytes) -> bytes:
        return self._decoder.decompress(self._decoder.unconsumed_tail + piece, _OUTPUT)

    @property
    def hungry(self) -> bool:
        return not self._decoder.unconsumed_tail

    @property
    def eof(self) -> bool:
        return self._decoder.eof

    @property
    def unused(self) -> int:
        return len(self._decoder.unused_data)


class _Other:
    """bzip2, xz and LZMA, whose decompressors keep what they have not used yet."""

    def __init__(self, decoder: bz2.BZ2Decompressor | lzma.LZMADecompressor) -> None:
        self._decoder = decoder

    def feed(self, piece: bytes) -> bytes:
        return self._decoder.decompress(piece, _OUTPUT)

    @property
    def hungry(self) -> bool:
        return self._decoder.needs_input

    @property
    def eof(self) -> bool:
        return self._decoder.eof

    @property
    def unused(self) -> int:
        return len(self._decoder.unused_data)


_DECODERS: dict[Codec, Callable[[], _Zlib | _Other]] = {
    Codec.BZIP2: lambda: _Other(bz2.BZ2Decompressor()),
    Codec.DEFLATE: lambda: _Zlib(-zlib.MAX_WBITS),
    Codec.GZIP: lambda: _Zlib(16 + zlib.MAX_WBITS),
    Codec.LZMA: lambda: _Other(lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=MAX_DICTIONARY)),
    Codec.XZ: lambda: _Other(lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MAX_DICTIONARY)),
    Codec.ZLIB: lambda: _Zlib(zlib.MAX_WBITS),
}


def expand(
    codec: Codec,
    data: bytes,
    budget: UnpackBudget,
    *,
    begin: int = 0,
    end: int | None = None,
    most: int | None = None,
) -> Expanded:
    """What the stream at the beginning of ``data[begin:end]`` holds, paid for from the budget.

    At most ``most`` bytes, or as many as a member may have.
    """
    stream = _Stream(_DECODERS[codec](), data, begin, len(data) if end is None else min(end, len(data)))
    expanded = stream.run(budget, budget.max_member_bytes if most is None else most)
    # What yields nothing costs time all the same.
    budget.spend(max(len(expanded.data), expanded.consumed))
    return expanded


def inflated(data: bytes, budget: UnpackBudget, *, begin: int = 0, end: int | None = None) -> bytes:
    """What a zlib stream holds up to its first error: readers of documents and pictures show it, too.

    Raises: RefusedError if it hits a limit.
    """
    expanded = expand(Codec.ZLIB, data, budget, begin=begin, end=end)
    if expanded.rule.startswith("limit_"):
        raise RefusedError(expanded.rule)
    return expanded.data


class _Stream:
    """A stretch of a file on its way through a decompressor."""

    def __init__(self, decoder: _Zlib | _Other, data: bytes, begin: int, end: int) -> None:
        self._decoder = decoder
        self._data = data
        self._begin = begin
        self._place = begin
        self._end = end

    def run(self, budget: UnpackBudget, most: int) -> Expanded:
        out = bytearray()
        rule = ""
        try:
            while not self._decoder.eof and not rule:
                out += self._next()
                rule = self._limit(len(out), budget, most)
        except (zlib.error, lzma.LZMAError, OSError, EOFError):
            rule = "archive_unreadable"
        del out[min(budget.left, most) :]
        return Expanded(bytes(out), self._consumed, rule)

    def _next(self) -> bytes:
        """The next piece of output; may be empty before the end."""
        stop = min(self._place + _INPUT, self._end) if self._decoder.hungry else self._place
        piece = self._data[self._place : stop]
        self._place = stop
        out = self._decoder.feed(piece)
        if not out and not piece and not self._decoder.eof:
            raise EOFError
        return out

    @property
    def _consumed(self) -> int:
        return self._place - self._begin - self._decoder.unused

    def _limit(self, size: int, budget: UnpackBudget, most: int) -> str:
        if size > budget.left:
            return "limit_archive_bytes"
        if size > most:
            return "limit_archive_member"
        if size > budget.ratio_free_bytes and size > budget.max_ratio * max(1, self._consumed):
            return "limit_archive_ratio"
        return ""
