"""The kind of a file that is no plain text, told by its bytes and never by its name."""

import re
from enum import StrEnum

from haldir_scanner._files._encoding import is_narrow_text, is_utf8


class Family(StrEnum):
    """What a kind of file is for."""

    ARCHIVE = "archive"
    DATA = "data"
    DOCUMENT = "document"
    FONT = "font"
    IMAGE = "image"
    MEDIA = "media"
    PROGRAM = "program"


class Kind(StrEnum):
    """A format that has a reader here; all others are told apart only by family."""

    BMP = "BMP"
    BYTECODE = "Python bytecode"
    BZIP2 = "bzip2"
    DATA = "data"
    FONT = "font"
    GIF = "GIF"
    GZIP = "gzip"
    IMAGE = "image"
    JPEG = "JPEG"
    LZMA = "LZMA"
    MEDIA = "media"
    NUMPY = "NumPy array"
    OLE = "OLE compound file"
    OPAQUE = "archive that is not read"
    PDF = "PDF"
    PICKLE = "pickle"
    PNG = "PNG"
    PROGRAM = "native program"
    RIFF = "RIFF"
    SQLITE = "SQLite"
    TAR = "tar"
    WOFF = "web font"
    XZ = "xz"
    ZIP = "zip"
    ZLIB = "zlib"


class Magic:
    """What the bytes of a file say that it is; ``name`` is for the reader of a report."""

    __slots__ = ("family", "kind", "name")

    def __init__(self, kind: Kind, family: Family, name: str = "") -> None:
        self.kind = kind
        self.family = family
        self.name = name or kind.value


_PROGRAM = Family.PROGRAM
# Source: the formats' own specifications; https://www.iana.org/assignments/media-types for those that have one.
_PREFIXES: tuple[tuple[bytes, Magic], ...] = tuple(
    (magic, Magic(kind, family, name))
    for magic, kind, family, name in (
        (b"PK\x03\x04", Kind.ZIP, Family.ARCHIVE, "zip"),
        (b"PK\x05\x06", Kind.ZIP, Family.ARCHIVE, "zip"),
        (b"\x1f\x8b\x08", Kind.GZIP, Family.ARCHIVE, "gzip"),
        (b"\xfd7zXZ\0", Kind.XZ, Family.ARCHIVE, "xz"),
        (b"7z\xbc\xaf\x27\x1c", Kind.OPAQUE, Family.ARCHIVE, "7z"),
        (b"Rar!\x1a\x07", Kind.OPAQUE, Family.ARCHIVE, "RAR"),
        (b"\x28\xb5\x2f\xfd", Kind.OPAQUE, Family.ARCHIVE, "Zstandard"),
        (b"\x04\x22\x4d\x18", Kind.OPAQUE, Family.ARCHIVE, "LZ4"),
        (b"LZIP\x01", Kind.OPAQUE, Family.ARCHIVE, "lzip"),
        (b"!<arch>\n", Kind.OPAQUE, Family.ARCHIVE, "ar or Debian package"),
        (b"\xed\xab\xee\xdb", Kind.OPAQUE, Family.ARCHIVE, "RPM package"),
        (b"MSCF\0\0\0\0", Kind.OPAQUE, Family.ARCHIVE, "cabinet"),
        (b"xar!\0", Kind.OPAQUE, Family.ARCHIVE, "xar or macOS package"),
        (b"hsqs", Kind.OPAQUE, Family.ARCHIVE, "SquashFS"),
        (b"\x89PNG\r\n\x1a\n", Kind.PNG, Family.IMAGE, "PNG"),
        (b"\xff\xd8\xff", Kind.JPEG, Family.IMAGE, "JPEG"),
        (b"GIF87a", Kind.GIF, Family.IMAGE, "GIF"),
        (b"GIF89a", Kind.GIF, Family.IMAGE, "GIF"),
        (b"II*\0", Kind.IMAGE, Family.IMAGE, "TIFF"),
        (b"MM\0*", Kind.IMAGE, Family.IMAGE, "TIFF"),
        (b"\0\0\x01\0", Kind.IMAGE, Family.IMAGE, "icon"),
        (b"\0\0\0\x0cJXL ", Kind.IMAGE, Family.IMAGE, "JPEG XL"),
        (b"\0\0\0\x0cjP  ", Kind.IMAGE, Family.IMAGE, "JPEG 2000"),
        (b"8BPS\0", Kind.IMAGE, Family.IMAGE, "Photoshop"),
        (b"\0\x01\0\0\0", Kind.FONT, Family.FONT, "TrueType font"),
        (b"OTTO\0", Kind.FONT, Family.FONT, "OpenType font"),
        (b"true\0", Kind.FONT, Family.FONT, "TrueType font"),
        (b"ttcf\0", Kind.FONT, Family.FONT, "font collection"),
        (b"wOFF", Kind.WOFF, Family.FONT, "WOFF font"),
        (b"wOF2", Kind.WOFF, Family.FONT, "WOFF2 font"),
        (b"ID3", Kind.MEDIA, Family.MEDIA, "MP3"),
        (b"OggS\0", Kind.MEDIA, Family.MEDIA, "Ogg"),
        (b"fLaC\0", Kind.MEDIA, Family.MEDIA, "FLAC"),
        (b"\x1a\x45\xdf\xa3", Kind.MEDIA, Family.MEDIA, "Matroska"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Kind.OLE, Family.DOCUMENT, "OLE compound file"),
        (b"SQLite format 3\0", Kind.SQLITE, Family.DATA, "SQLite"),
        (b"\x93NUMPY", Kind.NUMPY, Family.DATA, "NumPy array"),
        (b"\x7fELF", Kind.PROGRAM, _PROGRAM, "ELF"),
        (b"\xfe\xed\xfa\xce", Kind.PROGRAM, _PROGRAM, "Mach-O"),
        (b"\xfe\xed\xfa\xcf", Kind.PROGRAM, _PROGRAM, "Mach-O"),
        (b"\xce\xfa\xed\xfe", Kind.PROGRAM, _PROGRAM, "Mach-O"),
        (b"\xcf\xfa\xed\xfe", Kind.PROGRAM, _PROGRAM, "Mach-O"),
        (b"\xca\xfe\xba\xbf", Kind.PROGRAM, _PROGRAM, "Mach-O"),
        (b"\0asm", Kind.PROGRAM, _PROGRAM, "WebAssembly"),
        (b"dex\n03", Kind.PROGRAM, _PROGRAM, "Dalvik"),
        (b"BC\xc0\xde", Kind.PROGRAM, _PROGRAM, "LLVM bitcode"),
        (b"\x1bLua", Kind.PROGRAM, _PROGRAM, "Lua bytecode"),
        (b"FasdUAS ", Kind.PROGRAM, _PROGRAM, "compiled AppleScript"),
        (b"\x4c\0\0\0\x01\x14\x02\0", Kind.PROGRAM, _PROGRAM, "Windows shortcut"),
    )
)
_BY_FIRST_BYTE = {
    first: tuple((prefix, magic) for prefix, magic in _PREFIXES if prefix[0] == first)
    for first in {prefix[0] for prefix, _ in _PREFIXES}
}
_TAR = Magic(Kind.TAR, Family.ARCHIVE)
_PDF = Magic(Kind.PDF, Family.DOCUMENT)
_PDF_HEAD = 1024  # bytes in which readers look for the header of a PDF
_TAR_BLOCK = 512
_CPIO = re.compile(rb"07070[12][0-9A-Fa-f]{104}|070707[0-7]{70}")
_STILL_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"heim", b"hevc", b"mif1", b"msf1")


def magic_of(data: bytes) -> Magic | None:
    """What the bytes say that ``data`` is; None for text and for what is unknown."""
    if len(data) < 4:
        return None
    found = next((magic for prefix, magic in _BY_FIRST_BYTE.get(data[0], ()) if data.startswith(prefix)), None)
    if found is None:
        found = next((magic for test in _TESTS if (magic := test(data)) is not None), None)
    # Text may begin like this: a shell script with MZ, JavaScript with GIF89a.
    if found is not None and found.name in _OF_LETTERS and is_utf8(data[:_OPENING]):
        return None
    return found


# Formats whose first bytes can be typed, and after how many bytes a file of them is surely no text.
_OF_LETTERS = frozenset(
    {"BMP", "GIF", "LZMA", "MP3", "RIFF", "WOFF font", "WOFF2 font", "Windows or DOS program", "lzip", "zlib"}
)
_OPENING = 256


def _two_letters(data: bytes) -> Magic | None:
    """Formats whose magic is too short to be believed without another look."""
    if data.startswith(b"MZ") and len(data) >= 64:
        return Magic(Kind.PROGRAM, _PROGRAM, "Windows or DOS program")
    if data.startswith(b"BM") and len(data) >= 26 and data[6:10] == b"\0\0\0\0":
        return Magic(Kind.BMP, Family.IMAGE)
    if data.startswith(b"BZh") and data[4:10] in {b"1AY&SY", b"\x17rE8P\x90"}:
        return Magic(Kind.BZIP2, Family.ARCHIVE)
    if data.startswith(b"\x1f\x9d") and 9 <= data[2] & 0x1F <= 16 and not data[2] & 0x60:
        return Magic(Kind.OPAQUE, Family.ARCHIVE, "compress")
    return Magic(Kind.OPAQUE, Family.ARCHIVE, "cpio") if _CPIO.match(data) else None


def _container(data: bytes) -> Magic | None:
    """RIFF and ISO media files, which say inside what they are."""
    if data.startswith(b"RIFF") and len(data) >= 12:
        return Magic(Kind.RIFF, Family.IMAGE if data[8:12] == b"WEBP" else Family.MEDIA)
    if data[4:8] == b"ftyp" and len(data) >= 12:
        is_still = data[8:12] in _STILL_BRANDS
        return Magic(Kind.IMAGE, Family.IMAGE) if is_still else Magic(Kind.MEDIA, Family.MEDIA)
    return None


def _universal(data: bytes) -> Magic | None:
    """A class of Java or a Mach-O for several processors: both begin alike."""
    if not data.startswith(b"\xca\xfe\xba\xbe") or len(data) < 8:
        return None
    # The number of processors on one side, the version of the format, 45 or more, on the other.
    return Magic(Kind.PROGRAM, _PROGRAM, "Mach-O" if int.from_bytes(data[4:8], "big") < 45 else "Java class")


def _bytecode(data: bytes) -> Magic | None:
    """Compiled Python.  Source: Lib/importlib/_bootstrap_external.py, MAGIC_NUMBER."""
    number = int.from_bytes(data[:2], "little")
    known = 3000 <= number < 4000 or 62000 <= number < 62300
    return Magic(Kind.BYTECODE, _PROGRAM) if known and data[2:4] == b"\r\n" and len(data) >= 12 else None


def _pickle(data: bytes) -> Magic | None:
    """A pickle of protocol 2 to 5."""
    if data[0] != 0x80 or not 2 <= data[1] <= 5:
        return None
    framed = data[1] >= 4 and data[2] == 0x95
    return Magic(Kind.PICKLE, Family.DATA) if framed or data.endswith(b".") else None


def _deflated(data: bytes) -> Magic | None:
    """A zlib or LZMA stream without a container."""
    # RFC 1950 2.2: the first two bytes are a multiple of 31.
    if data[0] == 0x78 and data[1] in {0x01, 0x5E, 0x9C, 0xDA}:
        return Magic(Kind.ZLIB, Family.ARCHIVE)
    # A dictionary of 2^n bytes, and a size that is unknown or below 2^32.
    if data.startswith(b"]\0\0") and len(data) > 13 and data[9:13] in {b"\0\0\0\0", b"\xff\xff\xff\xff"}:
        return Magic(Kind.LZMA, Family.ARCHIVE)
    return None


def _far(data: bytes) -> Magic | None:
    """Formats whose magic stands elsewhere than at the beginning."""
    if data.startswith(b"%PDF-") or (b"%PDF-" in data[:_PDF_HEAD] and not is_narrow_text(data)):
        return _PDF
    if _is_tar(data):
        return _TAR
    if data[32769:32774] == b"CD001":
        return Magic(Kind.OPAQUE, Family.ARCHIVE, "disk image (ISO)")
    if data[-512:-508] == b"koly":
        return Magic(Kind.OPAQUE, Family.ARCHIVE, "disk image (DMG)")
    return None


def _is_tar(data: bytes) -> bool:
    """Whether the first block is a header of tar, of any dialect: its checksum fits."""
    block = data[:_TAR_BLOCK]
    if len(block) < _TAR_BLOCK or not block[0]:
        return False
    digits = block[148:156].replace(b"\0", b" ").strip()
    if not digits or not digits.isdigit() or set(digits) & set(b"89"):
        return False
    return int(digits, 8) == sum(block) - sum(block[148:156]) + 8 * 0x20


_TESTS = (_two_letters, _container, _universal, _bytecode, _pickle, _deflated, _far)
