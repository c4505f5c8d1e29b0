import os
import threading
from collections.abc import Iterator

import pytest

from haldir_enforcer import _streams
from haldir_enforcer._streams import Carried, feed

PATIENCE_SECONDS = 30.0


@pytest.fixture
def pipes() -> Iterator[list[int]]:
    """Two pipes: what is written to the first is carried to the second."""
    made = [*os.pipe(), *os.pipe()]
    yield made
    for descriptor in made:
        try:
            os.close(descriptor)
        except OSError:
            continue  # the test has closed it


def _carried(source: int, target: int | None, sink: int, data: bytes) -> Carried:
    carried = Carried(source, target, lambda _: True)
    carried.begin()
    view = memoryview(data)
    while view:
        view = view[os.write(sink, view) :]
    os.close(sink)
    carried.finish(PATIENCE_SECONDS)
    return carried


def test_what_is_captured_is_kept_byte_for_byte(pipes: list[int]) -> None:
    source, sink, _, _ = pipes
    data = os.urandom(1_000_000)
    carried = _carried(source, None, sink, data)
    assert (bytes(carried.kept), carried.dropped) == (data, 0)


def test_what_is_above_the_room_is_read_and_counted(pipes: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_streams, "KEPT_BYTES", 100_000)
    source, sink, _, _ = pipes
    data = os.urandom(250_001)
    carried = _carried(source, None, sink, data)
    assert (bytes(carried.kept), carried.dropped) == (data[:100_000], 150_001)


def test_what_is_carried_on_is_not_kept(pipes: list[int]) -> None:
    source, sink, reading, writing = pipes
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.extend(iter(lambda: os.read(reading, 1000), b"")))
    reader.start()
    data = os.urandom(300_000)
    carried = _carried(source, writing, sink, data)
    os.close(writing)
    reader.join()
    assert (b"".join(read), bytes(carried.kept)) == (data, b"")


def test_what_is_above_the_limit_of_a_run_goes_nowhere_and_nobody_waits(pipes: list[int]) -> None:
    source, sink, _, writing = pipes
    carried = Carried(source, writing, lambda _: False)
    carried.begin()
    for _ in range(100):
        os.write(sink, b"x" * 65_536)
    os.close(sink)
    carried.finish(PATIENCE_SECONDS)
    assert carried.dropped == 100 * 65_536


def test_a_reader_that_has_gone_closes_the_stream_for_its_writer(pipes: list[int]) -> None:
    source, sink, reading, writing = pipes
    os.close(reading)
    carried = Carried(source, writing, lambda _: True)
    carried.begin()
    os.write(sink, b"first")
    carried.finish(PATIENCE_SECONDS)
    with pytest.raises(BrokenPipeError):
        os.write(sink, b"second")


def test_a_stream_that_never_began_has_nothing_to_finish(pipes: list[int]) -> None:
    Carried(pipes[0], None, lambda _: True).finish(None)


def test_what_is_fed_arrives_whole_and_then_ends(pipes: list[int]) -> None:
    source, sink, _, _ = pipes
    data = os.urandom(500_000)
    feed(sink, data)
    assert b"".join(iter(lambda: os.read(source, 65_536), b"")) == data


def test_who_does_not_read_its_input_disturbs_nobody(pipes: list[int]) -> None:
    source, sink, _, _ = pipes
    os.close(source)
    feed(sink, b"x" * 500_000)
    for thread in threading.enumerate():
        if thread.name == "haldir-stdin":
            thread.join(PATIENCE_SECONDS)
            assert not thread.is_alive()
