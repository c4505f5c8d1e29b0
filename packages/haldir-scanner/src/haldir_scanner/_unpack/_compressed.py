"""Files that are one or several compressed streams."""

from collections.abc import Iterator

from haldir_scanner._files._magic import Kind, magic_of
from haldir_scanner._text import Notice
from haldir_scanner._unpack._inflate import Codec, expand
from haldir_scanner._unpack._records import Member, UnpackBudget, inside
from haldir_scanner._unpack._strings import strings
from haldir_scanner._unpack._tar import tar_members
from haldir_scanner._unpack._trailing import trailing

_MAX_STREAMS = 256  # one after the other in a file; each costs a fresh decompressor
_SUFFIXES = {
    "bz2": "",
    "gz": "",
    "lzma": "",
    "svgz": ".svg",
    "tbz": ".tar",
    "tbz2": ".tar",
    "tgz": ".tar",
    "txz": ".tar",
    "xz": "",
    "z": "",
    "zlib": "",
}
_CODECS = {
    Kind.BZIP2: Codec.BZIP2,
    Kind.GZIP: Codec.GZIP,
    Kind.LZMA: Codec.LZMA,
    Kind.XZ: Codec.XZ,
    Kind.ZLIB: Codec.ZLIB,
}
# Their magic is short, and other files begin with it by chance.
_WEAK = frozenset({Kind.LZMA, Kind.ZLIB})
_CONVINCING = 4096  # bytes that no accident unpacks to


def compressed(path: str, data: bytes, budget: UnpackBudget) -> Iterator[Member | Notice]:
    """The content of a compressed file: the members of a tar, or one member."""
    magic = magic_of(data)
    if magic is None:
        return
    codec = _CODECS[magic.kind]
    out, place, rule = bytearray(), 0, ""
    budget.enter()
    for _ in range(_MAX_STREAMS):
        most = max(0, budget.max_stream_bytes - len(out))
        expanded = expand(codec, data, budget, begin=place, most=most)
        out += expanded.data
        rule = expanded.rule
        place += expanded.consumed
        following = magic_of(data[place : place + 64])
        if rule or following is None or following.kind is not magic.kind or magic.kind in _WEAK:
            break
    else:
        rule = "archive_unreadable"
    if rule == "archive_unreadable" and magic.kind in _WEAK and len(out) < _CONVINCING:
        yield from strings(path, data)
        return
    yield from _content(path, bytes(out), budget)
    if rule:
        yield Notice(rule, path)
    else:
        yield from trailing(path, data[place:])


def _content(path: str, content: bytes, budget: UnpackBudget) -> Iterator[Member | Notice]:
    magic = magic_of(content)
    if magic is not None and magic.kind is Kind.TAR:
        yield from tar_members(path, content, budget)
        return
    if len(content) > budget.max_member_bytes:
        yield Notice("limit_archive_member", path)
    yield Member(inside(path, _inner_name(path)), content[: budget.max_member_bytes])


def _inner_name(path: str) -> str:
    """The name that the content has without the suffix that tells of the compression."""
    name = path.rpartition("/")[2]
    stem, dot, suffix = name.rpartition(".")
    return f"{stem}{_SUFFIXES[suffix.lower()]}" if dot and stem and suffix.lower() in _SUFFIXES else "content"
