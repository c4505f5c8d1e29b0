"""Compressed bytes, decompressed as far as is allowed."""

import bz2
import lzma
import zlib

from haldir_scanner._decode._look import Look

_NAMES = {Look.GZIP: "gzip", Look.ZLIB: "zlib", Look.BZIP2: "bzip2", Look.LZMA: "lzma"}
_LZMA_MEMORY_BYTES = 64 << 20
_AUTOMATIC = zlib.MAX_WBITS | 32  # gzip or zlib, whichever the header says
_HEADLESS = -zlib.MAX_WBITS
_PROBE_BYTES = 256


def name(kind: Look) -> str | None:
    """The codec that ``kind`` is compressed with."""
    return _NAMES.get(kind)


def inflated(data: bytes, kind: Look, max_bytes: int) -> bytes:
    """What ``data`` holds, at most ``max_bytes`` of it, and up to the place where it is damaged."""
    try:
        if kind is Look.BZIP2:
            return bz2.BZ2Decompressor().decompress(data, max_bytes)
        if kind is Look.LZMA:
            return lzma.LZMADecompressor(memlimit=_LZMA_MEMORY_BYTES).decompress(data, max_bytes)
        return zlib.decompressobj(_AUTOMATIC).decompress(data, max_bytes)
    except (OSError, lzma.LZMAError, zlib.error):
        return _beginning(data, kind, max_bytes)


def headless(data: bytes, max_bytes: int) -> bytes:
    """What a deflate stream without header holds; nothing if ``data`` is none.  Spec: RFC 1951."""
    try:
        if len(zlib.decompressobj(_HEADLESS).decompress(data[:_PROBE_BYTES], _PROBE_BYTES)) < 8:
            return b""
        return zlib.decompressobj(_HEADLESS).decompress(data, max_bytes)
    except zlib.error:
        return b""


def _beginning(data: bytes, kind: Look, max_bytes: int) -> bytes:
    """As much as a damaged stream still says: a decompressor gives out nothing of a piece with an error in it."""
    if kind not in (Look.GZIP, Look.ZLIB):
        return b""
    stream = zlib.decompressobj(_AUTOMATIC)
    found = bytearray()
    try:
        for begin in range(0, len(data), _PROBE_BYTES):
            found += stream.decompress(data[begin : begin + _PROBE_BYTES], max_bytes - len(found))
            if len(found) >= max_bytes:
                break
    except zlib.error:
        return bytes(found)
    return bytes(found)
