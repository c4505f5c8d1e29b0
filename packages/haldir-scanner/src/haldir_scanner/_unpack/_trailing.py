"""Bytes that stand behind the end of a file's format, where no reader of the format looks."""

from collections.abc import Iterator

from haldir_scanner._files._encoding import is_text
from haldir_scanner._files._magic import Family, magic_of
from haldir_scanner._text import Notice
from haldir_scanner._unpack._records import Member, inside

_SKIPPED = b"\0 \t\r\n"
_PADDING = _SKIPPED + b"\xff"
_FREE = 16  # bytes of other content that nobody asks about
_PAYLOADS = frozenset({Family.ARCHIVE, Family.PROGRAM})
_HARMLESS = frozenset({Family.IMAGE, Family.MEDIA})


def trailing(path: str, rest: bytes, where: str = "trailing data") -> Iterator[Member | Notice]:
    """The content of what stands outside of a format, and a notice about it unless it is a picture or a film."""
    content = rest.strip(_PADDING)
    if len(content) <= _FREE:
        return
    # What stands behind zeros and white space is found by those who look for it, too.
    rest = rest if magic_of(rest) is not None else rest.lstrip(_SKIPPED)
    magic = magic_of(rest)
    detail = f"{len(content)} bytes: {where}"
    if is_text(content) or (magic is not None and magic.family in _PAYLOADS):
        yield Notice("trailing_payload", path, detail)
    elif magic is None or magic.family not in _HARMLESS:
        yield Notice("trailing_data", path, detail)
    yield Member(inside(path, where), rest)
