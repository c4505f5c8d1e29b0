"""What unpacking yields, and how much of it a skill may cause."""

from collections.abc import Callable

from attrs import define, field, frozen

from haldir_scanner._files._filetypes import FileType
from haldir_scanner._text import Region

_LONGEST_NAME = 512
DETAIL_LENGTH = 200


class RefusedError(Exception):
    """A file cannot be unpacked any further; ``rule`` says why, ``detail`` what is known about it."""

    def __init__(self, rule: str, detail: str = "") -> None:
        super().__init__(rule, detail)
        self.rule = rule
        self.detail = detail


@frozen
class Member:
    """Content that stands inside a file, to be examined like a file.

    Attributes:
        path: of the file it was had from, ``!/``, and its name in there.
        data: its bytes.
        region: what all of it is, if that is known.
        line: 1-based line at which it begins in the file it was had from; 0 if that has no lines.
        types: of the member, if its name and content do not tell them.
    """

    path: str
    data: bytes = field(repr=False)
    region: Region | None = None
    line: int = 0
    types: frozenset[FileType] | None = None


def nowhere(_path: str) -> bytes | None:
    """No file has a sibling."""
    return None


@define(kw_only=True)
class UnpackBudget:
    """What may still be unpacked of one skill; each limit that is hit is a notice.

    Attributes:
        siblings: the content of another file of the skill, by its path; None if there is none.
        max_total_bytes: unpacked of all files together.
        max_member_bytes: unpacked of one member.
        max_stream_bytes: unpacked of one compressed tar.
        max_members: of all files together.
        max_ratio: of unpacked to packed bytes, in members of more than ``ratio_free_bytes``.
        ratio_free_bytes: unpacked bytes below which no ratio is too high.
        max_steps: records (blocks, chunks, opcodes, cells) that are looked at one by one in all files together.
    """

    siblings: Callable[[str], bytes | None] = nowhere
    max_total_bytes: int = 64 << 20
    max_member_bytes: int = 10 << 20
    max_stream_bytes: int = 32 << 20
    max_members: int = 10_000
    max_ratio: int = 200
    ratio_free_bytes: int = 1 << 20
    max_steps: int = 1_000_000
    _bytes: int = field(init=False, default=0)
    _members: int = field(init=False, default=0)
    _steps: int = field(init=False, default=0)

    @property
    def left(self) -> int:
        """Bytes that may still be unpacked."""
        return max(0, self.max_total_bytes - self._bytes)

    def spend(self, size: int) -> None:
        """Count bytes that were unpacked, or that were read in vain."""
        self._bytes += size

    def enter(self) -> None:
        """Count a member.

        Raises: RefusedError if it is one too many, or no byte is left for it.
        """
        self._members += 1
        if self._members > self.max_members:
            raise RefusedError("limit_archive_members")
        if not self.left:
            raise RefusedError("limit_archive_bytes")

    def step(self, count: int = 1) -> None:
        """Count records of a file.

        Raises: RefusedError if there are too many.
        """
        self._steps += count
        if self._steps > self.max_steps:
            raise RefusedError("limit_archive_steps")


def inside(path: str, name: str) -> str:
    """The path of what stands as ``name`` inside the file at ``path``; of a very long name the end."""
    return f"{path}!/{name[-_LONGEST_NAME:]}"
