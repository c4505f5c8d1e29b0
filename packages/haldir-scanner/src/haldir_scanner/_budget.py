"""What the limits of a scan still allow."""

from collections.abc import Iterator

from attrs import define, field

from haldir_scanner._limits import Limits
from haldir_scanner._patterns import structure
from haldir_scanner._report import Match


@define
class Budget:
    """The entries and bytes that may still be read; at most one match for each of the two limits."""

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

    def enter(self, path: str) -> Iterator[Match]:
        """Count one file, folder or link; a match if it is the first beyond the limit."""
        self._entries += 1
        if self._entries > self.limits.max_files:
            yield Match(pattern=structure.LIMIT_FILES, path=path)

    def read(self, path: str, size: int) -> Iterator[Match]:
        """Count the bytes of a file; a match for each limit that keeps it from being scanned wholly."""
        if size > self.limits.max_file_bytes:
            yield Match(pattern=structure.LIMIT_FILE_BYTES, path=path)
        self._bytes += min(size, self.limits.max_file_bytes)
        if self._bytes > self.limits.max_total_bytes:
            yield Match(pattern=structure.LIMIT_TOTAL_BYTES, path=path)
