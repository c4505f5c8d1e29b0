"""The files of a snapshot, read from its private copy."""

import os
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import field, frozen

from haldir_core.digest import Digest, sha256
from haldir_reviewer.errors import ReviewError

if TYPE_CHECKING:
    from haldir_core import SkillSnapshot

_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

# First bytes of what is shown or played, never run.  Sources: the specifications of the formats.
_MEDIA = (
    ("picture (PNG)", b"\x89PNG\r\n\x1a\n"),
    ("picture (JPEG)", b"\xff\xd8\xff"),
    ("picture (GIF)", b"GIF87a"),
    ("picture (GIF)", b"GIF89a"),
    ("picture (ICO)", b"\x00\x00\x01\x00"),
    ("font (WOFF)", b"wOFF"),
    ("font (WOFF2)", b"wOF2"),
    ("font (TrueType)", b"\x00\x01\x00\x00\x00"),
    ("font (OpenType)", b"OTTO"),
    ("sound (Ogg)", b"OggS"),
    ("sound (MP3)", b"ID3"),
    ("sound (FLAC)", b"fLaC"),
)
_RIFF = {b"WEBP": "picture (WebP)", b"WAVE": "sound (WAV)"}

_BYTE_ORDER_MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_PLAIN_CONTROLS = b"\t\n\r\f\x1b"
_ODD = bytes(byte for byte in range(32) if byte not in _PLAIN_CONTROLS) + b"\x7f"
_MAX_ODD_SHARE = 0.02
_MAX_FOREIGN_SHARE = 0.3


class Form(StrEnum):
    """How a file is shown."""

    TEXT = "text"
    MEDIA = "media"
    OPAQUE = "opaque"


@frozen
class SourceFile:
    """One file: ``text`` is None unless the form is text; ``encoding`` turns it back into the same bytes."""

    path: str
    digest: Digest
    data: bytes = field(repr=False)
    form: Form
    type: str
    text: str | None = field(repr=False)
    encoding: str

    @classmethod
    def of(cls, path: str, data: bytes) -> "SourceFile":
        """Return ``data`` as a file, looked at to see what it is."""
        for mark, encoding in _BYTE_ORDER_MARKS:
            if data.startswith(mark) and (text := _decoded(data, encoding)) is not None:
                return cls(path, sha256(data), data, Form.TEXT, f"text ({encoding})", text, encoding)
        if _is_text(data):
            text = data.decode("utf-8", "surrogateescape")
            return cls(path, sha256(data), data, Form.TEXT, "text", text, "utf-8")
        media = _media_type(data)
        if media is not None:
            return cls(path, sha256(data), data, Form.MEDIA, media, None, "")
        return cls(path, sha256(data), data, Form.OPAQUE, "binary, not understood", None, "")


def read_files(snapshot: "SkillSnapshot", *, max_bytes: int, max_files: int) -> Iterator[SourceFile]:
    """Yield the files of ``snapshot`` until the limits are reached; a file that does not fit is left out.

    Raises:
        ReviewError: if the copy is missing, cannot be read, or is not what the snapshot says.
    """
    if snapshot.copy is None:
        raise ReviewError("a review needs the private copy of the skill: read it with copy_to")
    left = max_bytes
    for count, (path, digest) in enumerate(snapshot.files.items()):
        if count >= max_files:
            return
        data = _read(snapshot.copy / path, left)
        if data is None:
            continue
        if sha256(data) != digest:
            raise ReviewError(f"the private copy of {path!r} was changed since it was made: read the skill again")
        left -= len(data)
        yield SourceFile.of(path, data)


def content_digest(files: Mapping[str, Digest]) -> Digest:
    """Return one digest over all paths and digests of a snapshot, in the order of the paths."""
    lines = (f"{path}\0{digest}\n".encode("utf-8", "surrogateescape") for path, digest in sorted(files.items()))
    return sha256(b"".join(lines))


def is_media(data: bytes) -> bool:
    """Whether ``data`` begins like a picture, a font or a sound."""
    return _media_type(data) is not None


def _read(path: Path, most: int) -> bytes | None:
    """The bytes of the file at ``path``, or None if there are more than ``most``."""
    try:
        with os.fdopen(os.open(path, _OPEN), "rb") as stream:
            data = stream.read(most + 1)
    except OSError as error:
        raise ReviewError(f"cannot read the private copy of the skill, {path.name!r}: {error.strerror}") from error
    return data if len(data) <= most else None


def _decoded(data: bytes, encoding: str) -> str | None:
    """The text, if it becomes the same bytes again."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    return text if text.encode(encoding) == data else None


def _is_text(data: bytes) -> bool:
    """Whether ``data`` reads as text: no NUL, few controls, mostly UTF-8."""
    if b"\0" in data:
        return False
    odd = len(data) - len(data.translate(None, _ODD))
    if odd > _MAX_ODD_SHARE * len(data):
        return False
    foreign = sum(1 for char in data.decode("utf-8", "surrogateescape") if "\udc80" <= char <= "\udcff")
    return foreign <= _MAX_FOREIGN_SHARE * len(data)


def _media_type(data: bytes) -> str | None:
    if data.startswith(b"RIFF"):
        return _RIFF.get(data[8:12])
    return next((name for name, start in _MEDIA if data.startswith(start)), None)
