"""The memory of a caller: the strings and records that its arguments point to, copied once."""

import errno
import os
import struct

from haldir_enforcer._linux._notification import Listener, Request

PATH_MAX = 4096
_PAGE = 4096
_CHUNK = 256
_KEPT = 64
_LONGEST_ARGUMENT = 1024
MOST_ARGUMENTS = 64
"""Arguments of a new program that a record keeps."""
CUT = "…"
"""What stands for an argument that is too long for a record."""


class UnreadableError(Exception):
    """A caller's memory cannot be read, so that its request cannot be judged."""


class BadAddressError(Exception):
    """Nothing is at an address in a caller's memory; the kernel would say so too."""


class Memory:
    """Reads through /proc/PID/mem; the descriptors are kept until ``forget``."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._open: dict[int, int] = {}

    def forget(self) -> None:
        """Nothing that was opened is used again: a thread may have new memory (execve) or its number a new thread."""
        for descriptor in self._open.values():
            os.close(descriptor)
        self._open.clear()

    def read(self, request: Request, address: int, size: int) -> bytes:
        """Return ``size`` bytes; fewer if the memory ends before.

        Raises: UnreadableError, BadAddressError
        """
        return self._chunk(request, address, size)

    def word(self, request: Request, address: int) -> int:
        """Return the pointer at ``address``.

        Raises: UnreadableError, BadAddressError
        """
        data = self._chunk(request, address, 8)
        if len(data) < 8:
            raise BadAddressError
        return int(struct.unpack("Q", data)[0])

    def string(self, request: Request, address: int, longest: int = PATH_MAX) -> bytes | None:
        """Return the bytes before the next zero, or None if there are more than ``longest``.

        Raises: UnreadableError, BadAddressError
        """
        found = b""
        descriptor = self._open.get(request.thread)
        if descriptor is not None:  # nearly every path: a descriptor is open and the first piece holds the end
            try:
                found = os.pread(descriptor, _CHUNK, address)  # less, where the memory ends before
            except (OSError, OverflowError):
                found = b""
            end = found.find(0)
            if end >= 0:
                return found[:end]
            address += len(found)
        while len(found) < longest:
            data = self._chunk(request, address, min(_CHUNK, _PAGE - address % _PAGE))
            end = data.find(0)
            if end >= 0:
                return found + data[:end]
            found += data
            address += len(data)
        return None

    def path(self, request: Request, address: int) -> bytes:
        """Return the path or name at ``address``.

        Raises: UnreadableError, BadAddressError, and the OSError that the call gets if it is too long.
        """
        found = self.string(request, address)
        if found is None:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
        return found

    def strings(self, request: Request, address: int) -> tuple[str, ...]:
        """Return the strings of an argument list, as many and as long as a record keeps.

        Raises: UnreadableError, BadAddressError
        """
        found: list[str] = []
        while address and len(found) < MOST_ARGUMENTS:
            pointer = self.word(request, address)
            if not pointer:
                break
            text = self.string(request, pointer, _LONGEST_ARGUMENT)
            found.append(CUT if text is None else os.fsdecode(text))
            address += 8
        return tuple(found)

    def _chunk(self, request: Request, address: int, size: int) -> bytes:
        descriptor = self._descriptor(request)
        try:
            data = os.pread(descriptor, size, address)
        except (OSError, OverflowError) as error:
            raise BadAddressError from error
        if not data:
            raise BadAddressError
        return data

    def _descriptor(self, request: Request) -> int:
        if request.thread not in self._open:
            if len(self._open) >= _KEPT:
                self.forget()
            try:
                descriptor = os.open(f"/proc/{request.thread}/mem", os.O_RDONLY | os.O_CLOEXEC)
            except OSError as error:
                raise UnreadableError(f"of thread {request.thread}: {error}") from error
            if not self._listener.still_waits(request):
                os.close(descriptor)
                raise UnreadableError(f"thread {request.thread} is gone")
            self._open[request.thread] = descriptor
        return self._open[request.thread]
