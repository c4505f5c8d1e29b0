import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path

from haldir_core import read_skill

MEBIBYTE = 1024 * 1024
UNIT = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss: bytes on macOS, KiB on Linux


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT


def test_a_skill_of_500_mebibytes_is_read_with_less_than_64_mebibytes_of_memory(
    tmp_path: Path, in_child: Callable[[Callable[[], int]], int]
) -> None:
    for number in range(5):
        with (tmp_path / str(number)).open("wb") as file:
            os.truncate(file.fileno(), 100 * MEBIBYTE)

    def read() -> int:
        before = _peak_bytes()
        snapshot = read_skill(tmp_path)
        assert snapshot.total_bytes == 500 * MEBIBYTE
        return (_peak_bytes() - before) // MEBIBYTE

    assert in_child(read) < 64
