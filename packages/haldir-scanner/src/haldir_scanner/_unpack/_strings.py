"""Text inside of binary files: what ``strings`` would print, at the speed of a search for one byte string."""

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from haldir_scanner._files._filetypes import FileType, script_types
from haldir_scanner._unpack._records import Member, inside

if TYPE_CHECKING:
    from haldir_scanner._engine._hyperscan import HyperscanFilter

# Characters in a row: random bytes hold so many of ASCII once in 10 GB, so few of UTF-16 never.
_TELLING = 24
_TELLING_WIDE = 6
_SHORT = 12  # of ASCII, in a file with a telling string; shorter ones are found in the file as it is
_MAX_BYTES = 4 << 20  # of strings from one file
_CLASSES = bytes(
    (b"T" if 0x20 <= byte < 0x7F or byte in b"\t\n\r" else b"." if byte else b"0")[0] for byte in range(256)
)
_NARROW = re.compile(rb"T+")
_WIDE = re.compile(rb"(?:T0)+")
_TELLING_RUNS = (rb"[\t\n\r\x20-\x7e]{%d}" % _TELLING, rb"(?:[\t\n\r\x20-\x7e]\x00){%d}" % _TELLING_WIDE)


def strings(path: str, data: bytes) -> Iterator[Member]:
    """The strings of a binary file, if it holds one that no chance makes: in ASCII and in UTF-16."""
    if not _may_have_strings(data):
        return
    classes = data.translate(_CLASSES)
    found: list[bytes] = []
    if b"T" * _TELLING in classes:
        found.extend(_runs(data, classes, b"T" * _SHORT, _NARROW))
    if b"T0" * _TELLING_WIDE in classes:
        found.extend(run[::2] for run in _runs(data, classes, b"T0" * _TELLING_WIDE, _WIDE))
    if found:
        # A line feed first: the strings of a file begin like the file, and are none.
        text = b"\n".join([b"", *found])
        yield Member(inside(path, "strings"), text, types=frozenset({FileType.BINARY}) | script_types(text))


def _may_have_strings(data: bytes) -> bool:
    """Whether there is a telling string; where Hyperscan is missing, that is for the search itself to find out."""
    runs = _telling_runs()
    return runs is None or any(True for _ in runs.candidates(data))


@cache
def _telling_runs() -> "HyperscanFilter | None":
    from haldir_scanner._engine import _hyperscan  # noqa: PLC0415 - loaded when there is a binary file

    if not _hyperscan.has_hyperscan():
        return None
    numbers = range(len(_TELLING_RUNS))
    return _hyperscan.HyperscanFilter(
        _hyperscan.database_of(_TELLING_RUNS, numbers), (), [(number,) for number in numbers]
    )


def _runs(data: bytes, classes: bytes, seed: bytes, run: re.Pattern[bytes]) -> Iterator[bytes]:
    """The stretches of ``data`` whose classes begin with ``seed`` and go on like ``run``."""
    size = 0
    place = classes.find(seed)
    while place >= 0 and size < _MAX_BYTES:
        match = run.match(classes, place)
        end = place + len(seed) if match is None else match.end()
        yield data[place:end]
        size += end - place
        place = classes.find(seed, end)
