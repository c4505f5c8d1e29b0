"""Encodings that programs undo, by the names of the functions that do it."""

import base64
import binascii
import bz2
import codecs
import lzma
import quopri
import zlib
from collections.abc import Callable, Mapping

from attrs import frozen

MAX_DECODED = 256 * 1024  # bytes or characters of one text

_LZMA_MEMORY = 64 * 1024 * 1024  # bytes; the decoder allocates what a header of 13 bytes asks for


class UndecodableError(ValueError):
    """What a program decodes is not in that encoding."""


@frozen
class Decoder:
    """How an encoding is undone, and what it is called in a chain."""

    step: str
    decode: Callable[[bytes], bytes]


def decoded(decoder: Decoder, data: object) -> bytes:
    """``data`` without the encoding, cut at ``MAX_DECODED``.

    Raises: UndecodableError
    """
    raw = data.encode("latin-1", "replace") if isinstance(data, str) else data
    if not isinstance(raw, bytes) or len(raw) > 4 * MAX_DECODED:
        raise UndecodableError(decoder.step)
    try:
        return decoder.decode(raw)[:MAX_DECODED]
    except (ValueError, zlib.error, lzma.LZMAError, OSError, EOFError, MemoryError) as error:
        raise UndecodableError(decoder.step) from error


def _padded(decode: Callable[[bytes], bytes], block: int) -> Callable[[bytes], bytes]:
    """The decoder for data whose padding is missing or wrong, too."""

    def forgiving(data: bytes) -> bytes:
        plain = b"".join(data.split()).rstrip(b"=")
        return decode(plain + b"=" * (-len(plain) % block))

    return forgiving


def _zlib(data: bytes) -> bytes:
    return zlib.decompressobj().decompress(data, MAX_DECODED)


def _deflate(data: bytes) -> bytes:
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, MAX_DECODED)


def _inflated(data: bytes) -> bytes:
    """Whichever of the two forms it is: the argument that tells is not looked at."""
    try:
        return _zlib(data)
    except zlib.error:
        return _deflate(data)


def _gzip(data: bytes) -> bytes:
    return zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(data, MAX_DECODED)


def _bz2(data: bytes) -> bytes:
    return bz2.BZ2Decompressor().decompress(data, MAX_DECODED)


def _lzma(data: bytes) -> bytes:
    return lzma.LZMADecompressor(memlimit=_LZMA_MEMORY).decompress(data, MAX_DECODED)


def _rot13(data: bytes) -> bytes:
    return codecs.decode(data.decode("latin-1"), "rot13").encode("latin-1")


def _escapes(data: bytes) -> bytes:
    return codecs.decode(data, "unicode_escape").encode()


def _unquote(data: bytes) -> bytes:
    first, *others = data.split(b"%")
    return first + b"".join(_octet(part) for part in others)


def _octet(part: bytes) -> bytes:
    try:
        return binascii.unhexlify(part[:2]) + part[2:]
    except ValueError:
        return b"%" + part


_BASE16 = Decoder("hex", lambda data: binascii.unhexlify(b"".join(data.split())))
_BASE32 = Decoder("base32", _padded(lambda data: base64.b32decode(data, casefold=True), 8))
_BASE64 = Decoder("base64", _padded(binascii.a2b_base64, 4))
_URL_SAFE = Decoder("base64", _padded(base64.urlsafe_b64decode, 4))
_ZLIB = Decoder("zlib", _inflated)
_GZIP = Decoder("gzip", _gzip)
_BZ2 = Decoder("bz2", _bz2)
_ROT13 = Decoder("rot13", _rot13)

# Functions whose first argument is decoded.
DECODERS: Mapping[str, Decoder] = {
    "base64.b16decode": _BASE16,
    "base64.b32decode": _BASE32,
    "base64.b64decode": _BASE64,
    "base64.standard_b64decode": _BASE64,
    "base64.urlsafe_b64decode": _URL_SAFE,
    "base64.decodebytes": _BASE64,
    "base64.decodestring": _BASE64,
    "base64.a85decode": Decoder("ascii85", base64.a85decode),
    "base64.b85decode": Decoder("base85", base64.b85decode),
    "binascii.a2b_base64": _BASE64,
    "binascii.a2b_hex": _BASE16,
    "binascii.unhexlify": _BASE16,
    "builtins.bytes.fromhex": _BASE16,
    "builtins.bytearray.fromhex": _BASE16,
    "zlib.decompress": _ZLIB,
    "zlib.decompressobj().decompress": _ZLIB,
    "gzip.decompress": _GZIP,
    "bz2.decompress": _BZ2,
    "lzma.decompress": Decoder("lzma", _lzma),
    "quopri.decodestring": Decoder("quoted-printable", quopri.decodestring),
    "urllib.parse.unquote": Decoder("percent", _unquote),
    "urllib.parse.unquote_to_bytes": Decoder("percent", _unquote),
}

# Codecs of codecs.decode and of the methods of str and bytes that are no character sets.
CODECS: Mapping[str, Decoder] = {
    "base64": _BASE64,
    "base-64": _BASE64,
    "base64-codec": _BASE64,
    "bz2": _BZ2,
    "bz2-codec": _BZ2,
    "hex": _BASE16,
    "hex-codec": _BASE16,
    "rot13": _ROT13,
    "rot-13": _ROT13,
    "unicode-escape": Decoder("escapes", _escapes),
    "raw-unicode-escape": Decoder("escapes", _escapes),
    "string-escape": Decoder("escapes", _escapes),
    "zip": _ZLIB,
    "zlib": _ZLIB,
    "zlib-codec": _ZLIB,
}


def codec(name: object) -> Decoder | None:
    """The decoder for a codec, None if it is a character set or none at all."""
    return CODECS.get(name.lower().replace("_", "-")) if isinstance(name, str) else None
