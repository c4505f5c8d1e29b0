import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from haldir_core import MalformedError, read_skill
from haldir_core.canonical import MAX_DOCUMENT_BYTES, MAX_VALUES, parse_object

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


def test_ten_thousand_long_names_are_refused_with_less_than_16_mebibytes_of_memory(
    tmp_path: Path, in_child: Callable[[Callable[[], int]], int]
) -> None:
    folder = tmp_path / Path(*["d" * 250] * 3)
    folder.mkdir(parents=True)
    names = folder / ("\U0001f600" * 60)
    names.mkdir()
    for number in range(9000):
        (names / f"{number}").symlink_to("x")

    def read() -> int:
        before = _peak_bytes()
        assert [problem.code for problem in read_skill(tmp_path).problems] == ["E_LIMITS"]
        return (_peak_bytes() - before) // MEBIBYTE

    assert in_child(read) < 16


@pytest.mark.parametrize("item", [b"{},", b"0,", b"[[]],"], ids=["objects", "numbers", "lists"])
def test_a_document_of_too_many_values_is_refused_with_less_than_8_mebibytes_of_memory(
    item: bytes, in_child: Callable[[Callable[[], int]], int]
) -> None:
    data = b'{"schema_version": "1.0", "x": [' + item * ((MAX_DOCUMENT_BYTES - 40) // len(item)) + b"0]}"
    assert MAX_VALUES < data.count(b",") < MAX_DOCUMENT_BYTES

    def parse() -> int:
        before = _peak_bytes()
        with pytest.raises(MalformedError, match="more than 400000 values"):
            parse_object(data, "test")
        return (_peak_bytes() - before) // MEBIBYTE

    assert in_child(parse) < 8
