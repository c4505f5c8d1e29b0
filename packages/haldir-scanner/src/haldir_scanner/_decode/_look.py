"""What bytes are, by their look."""

import codecs
from enum import Enum, auto


class Look(Enum):
    """What decoded bytes can be that is worth a second look; images, fonts, hashes and noise are none of these."""

    TEXT = auto()
    UTF_16 = auto()
    GZIP = auto()
    ZLIB = auto()
    BZIP2 = auto()
    LZMA = auto()
    PROGRAM = auto()
    ARCHIVE = auto()
    OBJECT = auto()  # a pickle or Python bytecode


PRINTABLE = bytes((*b"\t\n\r\x1b", *range(0x20, 0x7F)))

_SAMPLE_BYTES = 4096
_NOISE_SHARE = 32  # text may have one character in so many that is none, such as what a wrong padding adds
_WORD_BYTES = bytes((*b" \n.,:;/-_'\"|=()$", *range(0x30, 0x3A), *range(0x41, 0x5B), *range(0x61, 0x7B)))
_LETTERS = bytes((*range(0x41, 0x5B), *range(0x61, 0x7B)))
# Source: the specification of each format; 0x78 and a level is how zlib streams begin (RFC 1950 2.2).
_MAGIC = (
    (b"\x1f\x8b\x08", Look.GZIP),
    (b"\x78\x01", Look.ZLIB),
    (b"\x78\x5e", Look.ZLIB),
    (b"\x78\x9c", Look.ZLIB),
    (b"\x78\xda", Look.ZLIB),
    (b"\xfd7zXZ\0", Look.LZMA),
    (b"\x5d\0\0", Look.LZMA),
    (b"\x7fELF", Look.PROGRAM),
    (b"\xcf\xfa\xed\xfe", Look.PROGRAM),
    (b"\xce\xfa\xed\xfe", Look.PROGRAM),
    (b"\xca\xfe\xba\xbe", Look.PROGRAM),
    (b"PK\x03\x04", Look.ARCHIVE),
    (b"7z\xbc\xaf\x27\x1c", Look.ARCHIVE),
    (b"Rar!\x1a\x07", Look.ARCHIVE),
    (b"\x80\x02", Look.OBJECT),
    (b"\x80\x03", Look.OBJECT),
    (b"\x80\x04\x95", Look.OBJECT),
    (b"\x80\x05\x95", Look.OBJECT),
    (b"\xe3\0\0\0\0", Look.OBJECT),
)
_FIRST_BYTES = frozenset(magic[0] for magic, _ in _MAGIC)
# What a protocol 2 or 3 pickle goes on with: GLOBAL, MARK, EMPTY_DICT, EMPTY_LIST, BINUNICODE, BINPUT and the like.
_PICKLE_OPCODES = frozenset(b"c(})]XqKJMG")


def is_plain(data: bytes) -> bool:
    """Whether all of ``data`` is printable ASCII."""
    return not data.translate(None, PRINTABLE)


def is_wordy(data: bytes) -> bool:
    """Whether most of ``data`` are letters and what stands between words."""
    sample = data[:_SAMPLE_BYTES]
    others = len(sample.translate(None, _WORD_BYTES))
    letters = len(sample) - len(sample.translate(None, _LETTERS))
    return 6 * others <= len(sample) and 2 * letters >= len(sample)


def look(data: bytes) -> Look | None:
    """What ``data``, or the text of which it is the beginning, is."""
    sample = data[:_SAMPLE_BYTES]
    if not sample:
        return None
    if is_plain(sample):
        return Look.BZIP2 if sample[4:10] == b"1AY&SY" else Look.TEXT
    return _magic(sample) or _text(sample)


def _magic(sample: bytes) -> Look | None:
    if sample[0] in _FIRST_BYTES:
        for magic, kind in _MAGIC:
            if sample.startswith(magic):
                is_short_magic = kind is Look.OBJECT and len(magic) == 2
                return kind if not is_short_magic or sample[2:3] in map(_byte, _PICKLE_OPCODES) else None
    if sample.startswith(b"BZh") and sample[4:10] == b"1AY&SY":
        return Look.BZIP2
    if sample.startswith(b"MZ") and b"\0" in sample[2:16]:
        return Look.PROGRAM
    return Look.ARCHIVE if sample[257:262] == b"ustar" else None


def _byte(number: int) -> bytes:
    return bytes((number,))


def _text(sample: bytes) -> Look | None:
    if b"\0" in sample:
        half = len(sample) // 2
        is_utf_16 = half >= 4 and sample[1::2].count(0) >= 0.8 * half and sample[::2].count(0) <= 0.1 * half
        return Look.UTF_16 if is_utf_16 else None
    if sample.isascii():
        return Look.TEXT if _NOISE_SHARE * len(sample.translate(None, PRINTABLE)) <= len(sample) else None
    # The sample may end within a character, which is no error.
    text = codecs.utf_8_decode(sample, "replace", False)[0]
    noise = text.count("\ufffd")
    if _NOISE_SHARE * noise > len(text) or len(text) < 4:
        return None
    noise += sum(not (character.isprintable() or character in "\t\r\n") for character in text)
    return Look.TEXT if _NOISE_SHARE * noise <= len(text) else None
