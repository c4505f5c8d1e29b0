"""The whole skill in chunks of one request each, and the proof that nothing is left out."""

from collections.abc import Iterable, Iterator, Sequence

from attrs import frozen

from haldir_reviewer._content.segments import Segment, segments
from haldir_reviewer._content.source import Form, SourceFile

_LINE_OVERHEAD = 24
"""What the mark and number of a line take; a file of empty lines is not free."""


@frozen
class Part:
    """What a chunk holds of one file; ``segments`` is empty for an empty file or a binary without strings."""

    file: SourceFile
    segments: tuple[Segment, ...]

    @property
    def text(self) -> str:
        """The text of the part; empty if the file is no text."""
        return "".join(segment.text for segment in self.segments) if self.file.form is Form.TEXT else ""


@frozen
class Chunk:
    """What one request holds of the skill."""

    parts: tuple[Part, ...]


@frozen
class Coverage:
    """How much of the skill models have seen: all files and bytes, and how many of them.

    ``described`` are bytes of pictures, fonts and sounds: models see their name, size, type, digest and strings.
    ``opaque`` are bytes of other binary files, which nobody reads that way: they count as not reviewed.
    """

    files: int
    reviewed_files: int
    bytes: int
    reviewed: int
    described: int
    opaque: int

    @property
    def complete(self) -> bool:
        """Whether every file and byte was reviewed or, in a picture, font or sound, described; nothing is not all."""
        return self.files > 0 and self.reviewed_files == self.files and self.reviewed + self.described == self.bytes


def chunk(files: Iterable[SourceFile], chunk_bytes: int) -> tuple[Chunk, ...]:
    """Return ``files`` as chunks of at most about ``chunk_bytes``: every segment is in exactly one of them."""
    chunks: list[list[Part]] = [[]]
    left = chunk_bytes
    for file in files:
        for group, size in _groups(file, chunk_bytes, left):
            if size > left and chunks[-1]:
                chunks.append([])
                left = chunk_bytes
            chunks[-1].append(Part(file, tuple(group)))
            left -= size
    return tuple(Chunk(tuple(parts)) for parts in chunks if parts)


def measure(chunks: Sequence[Chunk], *, files: int, total_bytes: int) -> Coverage:
    """Return what ``chunks`` hold of a skill of ``files`` files and ``total_bytes``, by the segments in them.

    Bytes count once and without a gap: the count of a file ends at the first byte that is missing or comes twice.
    """
    reached: dict[str, int] = {}
    seen: dict[str, SourceFile] = {}
    for part in (part for item in chunks for part in item.parts):
        seen[part.file.path] = part.file
        for segment in part.segments:
            if segment.start == reached.get(part.file.path, 0):
                reached[part.file.path] = segment.end
    sizes = dict.fromkeys(Form, 0)
    for path, file in seen.items():
        sizes[file.form] += reached.get(path, 0) if file.form is Form.TEXT else len(file.data)
    return Coverage(
        files=files,
        reviewed_files=len(seen),
        bytes=total_bytes,
        reviewed=sizes[Form.TEXT],
        described=sizes[Form.MEDIA],
        opaque=sizes[Form.OPAQUE],
    )


def _groups(file: SourceFile, chunk_bytes: int, first: int) -> Iterator[tuple[list[Segment], int]]:
    """The segments of ``file`` in groups with their sizes: the first fits in ``first`` if one line does."""
    group: list[Segment] = []
    size, room = 0, first
    for segment in segments(file):
        needed = segment.end - segment.start + _LINE_OVERHEAD
        if size + needed > room and (group or room < chunk_bytes):
            if group:
                yield group, size
            group, size, room = [], 0, chunk_bytes
        group.append(segment)
        size += needed
    yield group, size + _LINE_OVERHEAD
