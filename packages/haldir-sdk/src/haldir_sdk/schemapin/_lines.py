"""Lines over file descriptors, in an event loop, without making descriptors of others non-blocking.

A descriptor of this process may be shared with others, the terminal for instance, and the mode is the file's: so a
read waits until there is something, and a write is no larger than what a pipe that is ready takes at once.
"""

import asyncio
import contextlib
import os
import select

READ_BYTES = 65_536
WRITE_BYTES = min(select.PIPE_BUF, 4096)
"""What a pipe takes without blocking where it is ready at all.  Source: POSIX, write()."""


class LineTooLongError(Exception):
    """Somebody sent a line that is longer than what is kept in memory."""


class LineReader:
    """Reads lines from a descriptor, which is somebody else's to close."""

    def __init__(self, fd: int, max_bytes: int) -> None:
        """Read from ``fd`` lines of at most ``max_bytes``, with their ends."""
        self._fd = fd
        self._max_bytes = max_bytes
        self._lines: list[bytes] = []
        self._rest: list[bytes] = []
        self._length = 0
        self._over = False

    async def line(self) -> bytes | None:
        """Return the next line; the last one may have no end.  None if there are no more.

        Raises: LineTooLongError
        """
        while not self._lines:
            if self._over:
                return None
            await _ready(self._fd, writing=False)
            data = _read(self._fd)
            if data is not None:
                self._take(data)
        return self._lines.pop()

    def _take(self, data: bytes) -> None:
        if not data:
            self._over = True
            last = b"".join(self._rest)
            self._lines = [last] if last else []
            return
        self._length += len(data)
        if b"\n" not in data:
            self._rest.append(data)
            self._limit(self._length)
            return
        *lines, rest = b"".join((*self._rest, data)).split(b"\n")
        self._limit(max(map(len, (*lines, rest))))
        self._rest = [rest] if rest else []
        self._length = len(rest)
        self._lines = [line + b"\n" for line in reversed(lines)]

    def _limit(self, length: int) -> None:
        if length > self._max_bytes:
            raise LineTooLongError(f"a message is longer than {self._max_bytes} bytes")


class LineWriter:
    """Writes whole lines to a descriptor, one after the other whoever calls."""

    def __init__(self, fd: int) -> None:
        """Write to ``fd``."""
        self._fd = fd
        self._lock = asyncio.Lock()

    async def write(self, line: bytes) -> None:
        """Write a line, and return when all of it is out of our hands.

        Raises: OSError, BrokenPipeError above all.
        """
        async with self._lock:
            rest = memoryview(line)
            while rest:
                await _ready(self._fd, writing=True)
                with contextlib.suppress(BlockingIOError):  # somebody else has made it so
                    rest = rest[os.write(self._fd, rest[:WRITE_BYTES]) :]


async def _ready(fd: int, *, writing: bool) -> None:
    """Return when a descriptor can be read or written; a regular file always can."""
    poll = select.poll()
    poll.register(fd, select.POLLOUT if writing else select.POLLIN)
    if poll.poll(0):
        await asyncio.sleep(0)
        return
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    add, remove = (loop.add_writer, loop.remove_writer) if writing else (loop.add_reader, loop.remove_reader)
    add(fd, _done, ready)
    try:
        await ready
    finally:
        remove(fd)


def _done(ready: "asyncio.Future[None]") -> None:
    if not ready.done():
        ready.set_result(None)


def _read(fd: int) -> bytes | None:
    """Return what there is; nothing at the end, None if that is not known yet."""
    try:
        return os.read(fd, READ_BYTES)
    except BlockingIOError:
        return None
    except OSError:  # EIO of a terminal that is gone, ECONNRESET of a socket: there is nothing more to read
        return b""
