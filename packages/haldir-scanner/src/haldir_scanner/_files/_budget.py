"""What the limits of a scan still allow."""

from collections.abc import Iterator

from attrs import define, field

from haldir_scanner._limits import Limits
from haldir_scanner._text import Notice


@define
class Budget:
    """The entries and bytes that may still be read; at most one notice for each of the two limits."""

    limits: Limits
    _entries: int = field(init=False, default=0)
    _bytes: int = field(init=False, default=0)

    def is_spent(self) -> bool:
        """Whether nothing more may be read."""
        return self._entries > self.limits.max_files or self._bytes > self.limits.max_total_bytes

    @property
    def next_bytes(self) -> int:
        """How much of the next file may be read."""
        return max(0, min(self.limits.max_file_bytes, self.limits.max_total_bytes - self._bytes))

    def enter(self, path: str) -> Iterator[Notice]:
        """Count one file, folder or link; a notice if it is the first beyond the limit."""
        self._entries += 1
        if self._entries > self.limits.max_files:
            yield Notice("limit_files", path)

    def read(self, path: str, size: int) -> Iterator[Notice]:
        """Count the bytes of a file; a notice for each limit that keeps it from being scanned wholly."""
        if size > self.limits.max_file_bytes:
            yield Notice("limit_file_bytes", path)
        self._bytes += min(size, self.limits.max_file_bytes)
        if self._bytes > self.limits.max_total_bytes:
            yield Notice("limit_total_bytes", path)
