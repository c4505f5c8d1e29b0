"""The memory of a caller: the strings and records that its arguments point to, copied once."""

import errno
import os
import struct

from attrs import frozen

from haldir_enforcer._linux._notification import Listener, Request

PATH_MAX = 4096
_PAGE = 4096
_CHUNK = 256
_MANY = 65_536
_KEPT = 64
_LONGEST_ARGUMENT = 1024
"""Characters of an argument that a record keeps."""
_LONGEST_COUNTED = 131_072  # linux/binfmts.h: MAX_ARG_STRLEN; what is longer is no argument
_MOST_ARGUMENTS = 64
"""Arguments of a new program that are looked at; of the others a record tells how many there are."""
_MOST_COUNTED = 1_000_000
"""More than the six megabytes that the kernel takes hold: each needs a pointer and a zero."""


@frozen
class Arguments:
    """The arguments of a new program: the first ones, whole, and how many there are in all."""

    first: tuple[bytes, ...]
    count: int

    @property
    def rest(self) -> tuple[bytes, ...] | None:
        """All after the first; None if not all were read."""
        return self.first[1:] if self.count == len(self.first) else None

    @property
    def kept(self) -> tuple[str, ...]:
        """What a record keeps of them."""
        return tuple(os.fsdecode(text)[:_LONGEST_ARGUMENT] for text in self.first)

    @property
    def left_out(self) -> tuple[int, tuple[tuple[int, int], ...]] | None:
        """What it does not keep, in the form of `LeftOut`; None if that is nothing."""
        sizes = (len(os.fsdecode(text)) if len(text) > _LONGEST_ARGUMENT else 0 for text in self.first)
        longer = tuple((at, size - _LONGEST_ARGUMENT) for at, size in enumerate(sizes) if size > _LONGEST_ARGUMENT)
        more = self.count - len(self.first)
        return (more, longer) if more or longer else None

    def are(self, words: list[bytes]) -> bool:
        """Whether a program that was started with ``words`` has these arguments, as far as they were read.

        The kernel puts the interpreter of a script, and what its first line says, in the place of the first argument.
        """
        if len(words) < max(self.count, 1):
            return False
        rest = self.first[1:]
        begin = len(words) - max(self.count - 1, 0)
        return words[begin : begin + len(rest)] == list(rest)


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
            data = self._chunk(request, address, min(_PAGE if found else _CHUNK, _PAGE - address % _PAGE))
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

    def arguments(self, request: Request, address: int) -> Arguments:
        """Return an argument list.

        Raises: UnreadableError, BadAddressError, and the OSError that the call gets if one is too long.
        """
        pointers, more = self._pointers(request, address)
        texts = [self._argument(request, pointer) for pointer in pointers]
        return Arguments(tuple(texts), len(texts) + more)

    def _pointers(self, request: Request, address: int) -> tuple[list[int], int]:
        """Return the first pointers of an argument list, and how many follow."""
        found: list[int] = []
        while address and len(found) < _MOST_ARGUMENTS:
            pointer = self.word(request, address)
            if not pointer:
                return found, 0
            found.append(pointer)
            address += 8
        more = 0
        while address and more < _MOST_COUNTED:
            data = self._chunk(request, address, _MANY)
            words = memoryview(data[: len(data) & ~7]).cast("Q").tolist()
            if not words:
                raise BadAddressError
            if 0 in words:
                return found, more + words.index(0)
            more += len(words)
            address += 8 * len(words)
        return found, more

    def _argument(self, request: Request, address: int) -> bytes:
        text = self.string(request, address, _LONGEST_COUNTED)
        if text is None:
            raise OSError(errno.E2BIG, os.strerror(errno.E2BIG))
        return text

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
