"""The three streams of a run: handed on untouched, or carried through us to be kept or counted."""

import contextlib
import os
import threading
from collections.abc import Callable
from enum import Enum

from attrs import define, field

_CHUNK = 65_536
KEPT_BYTES = 64 * 1024 * 1024
"""Of each captured stream; what is above is read and counted, and nothing else."""


class Stream(Enum):
    """What becomes of a stream, if it is no descriptor."""

    INHERIT = "inherit"
    CAPTURE = "capture"
    NULL = "null"


Target = Stream | int


@define
class Carried:
    """One stream of output that goes through us."""

    source: int
    target: int | None
    count: Callable[[int], bool]
    kept: bytearray = field(factory=bytearray)
    dropped: int = 0
    """Bytes that came after the limit of the run, or after ``KEPT_BYTES``."""
    _thread: threading.Thread | None = None

    def begin(self) -> None:
        """It is carried by a thread of its own."""
        self._thread = threading.Thread(target=self._carry, name="haldir-stream", daemon=True)
        self._thread.start()

    def finish(self, timeout_seconds: float | None) -> None:
        """All of it was carried, or the time is over."""
        if self._thread is not None:
            self._thread.join(timeout_seconds)

    def _carry(self) -> None:
        with contextlib.suppress(OSError):
            while data := os.read(self.source, _CHUNK):
                if not self.count(len(data)):
                    self.dropped += len(data)  # what is over the limit goes nowhere; the writer must not wait
                elif self.target is None:
                    room = KEPT_BYTES - len(self.kept)
                    self.kept += data[:room]
                    self.dropped += max(0, len(data) - room)
                else:
                    _write_all(self.target, data)
        os.close(self.source)  # who writes now learns that nobody reads, as without us


def feed(descriptor: int, data: bytes) -> None:
    """``data`` is written to a stream by a thread, which then closes it."""

    def write() -> None:
        with contextlib.suppress(OSError):  # who does not read its input need not
            _write_all(descriptor, data)
        os.close(descriptor)

    threading.Thread(target=write, name="haldir-stdin", daemon=True).start()


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
