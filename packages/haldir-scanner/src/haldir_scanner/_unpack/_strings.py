"""Text inside of binary files: what ``strings`` would print, at the speed of a search for one byte string."""

import re
from collections.abc import Iterator

from haldir_scanner._files._filetypes import FileType, script_types
from haldir_scanner._unpack._records import Member, inside

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


def strings(path: str, data: bytes) -> Iterator[Member]:
    """The strings of a binary file, if it holds one that no chance makes: in ASCII and in UTF-16."""
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
