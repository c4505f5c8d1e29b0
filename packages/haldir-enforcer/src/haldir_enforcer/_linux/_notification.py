"""The listener of the filter: requests come out, answers go in."""

import errno
import fcntl
import os
import struct

from attrs import define, frozen

from haldir_enforcer._linux import _kernel
from haldir_enforcer._linux._calls import Machine

_REQUEST = struct.Struct("QIIiIQ6Q")
_ANSWER = struct.Struct("Qqii")
_INJECTION = struct.Struct("QIIII")


@define(eq=False)
class Request:
    """One system call that waits for an answer.  ``thread`` is as this process numbers it."""

    id: int
    thread: int
    name: str
    arguments: tuple[int, int, int, int, int, int]


class GoOn:
    """The kernel carries the call out as it is."""

    __slots__ = ()


@frozen
class Refuse:
    """The call fails."""

    errno: int


@frozen
class Value:
    """The call was carried out here; this is what it returns."""

    value: int = 0


@define(eq=False)
class Give:
    """The call returns this descriptor, which is closed here."""

    descriptor: int
    close_on_exec: bool


class Later:
    """A thread answers."""

    __slots__ = ()


Answer = GoOn | Refuse | Value | Give | Later

GO_ON = GoOn()
DENIED = Refuse(errno.EACCES)
BAD_ADDRESS = Refuse(errno.EFAULT)
NOT_PERMITTED = Refuse(errno.EPERM)
DONE = Value(0)
LATER = Later()


class Listener:
    """The descriptor that the kernel asks through."""

    def __init__(self, machine: Machine) -> None:
        self.descriptor = -1
        self._names = machine.names
        self._audit = machine.audit
        self._buffer = bytearray(_kernel.NOTIF_SIZE)
        self._nothing = bytes(_kernel.NOTIF_SIZE)

    def receive(self) -> Request | None:
        """Return the next request, or None if its thread is gone."""
        self._buffer[:] = self._nothing
        try:
            fcntl.ioctl(self.descriptor, _kernel.NOTIF_RECV, self._buffer)
        except OSError as error:
            if error.errno in {errno.ENOENT, errno.EINTR, errno.EAGAIN}:
                return None
            raise
        number, thread, _, call, audit, _, a, b, c, d, e, f = _REQUEST.unpack(self._buffer)
        if audit == self._audit:
            name = self._names.get(call) or f"syscall {call}"
        else:  # a name that no handler has, so that it is refused whatever its number is
            name = f"syscall {call} of another architecture"
        return Request(number, thread, name, (a, b, c, d, e, f))

    def answer(self, request: Request, answer: Answer) -> None:
        """The thread goes on with this answer; nothing happens if it is gone."""
        if answer is GO_ON:
            self._send(_ANSWER.pack(request.id, 0, 0, _kernel.CONTINUE))
        elif isinstance(answer, Give):
            self._give(request, answer.descriptor, close_on_exec=answer.close_on_exec)
        elif isinstance(answer, Refuse):
            self._send(_ANSWER.pack(request.id, 0, -answer.errno, 0))
        elif isinstance(answer, Value):
            self._send(_ANSWER.pack(request.id, answer.value, 0, 0))

    def still_waits(self, request: Request) -> bool:
        """Whether the thread still waits, so that what was read through its number was its own."""
        try:
            fcntl.ioctl(self.descriptor, _kernel.NOTIF_ID_VALID, struct.pack("Q", request.id))
        except OSError:
            return False
        return True

    def put_at(self, request: Request, descriptor: int, place: int, *, close_on_exec: bool) -> None:
        """The caller has this descriptor under the number ``place``; the call still waits.

        Raises: OSError if the caller is gone or may have no more descriptors.
        """
        flags = os.O_CLOEXEC if close_on_exec else 0
        data = _INJECTION.pack(request.id, _kernel.ADDFD_SETFD, descriptor, place, flags)
        fcntl.ioctl(self.descriptor, _kernel.NOTIF_ADDFD, data)

    def _give(self, request: Request, descriptor: int, *, close_on_exec: bool) -> None:
        flags = os.O_CLOEXEC if close_on_exec else 0
        try:
            fcntl.ioctl(
                self.descriptor,
                _kernel.NOTIF_ADDFD,
                _INJECTION.pack(request.id, _kernel.ADDFD_SEND, descriptor, 0, flags),
            )
        except OSError as error:
            if error.errno != errno.ENOENT:
                self._send(_ANSWER.pack(request.id, 0, -(error.errno or errno.EMFILE), 0))
        finally:
            os.close(descriptor)

    def _send(self, data: bytes) -> None:
        try:
            fcntl.ioctl(self.descriptor, _kernel.NOTIF_SEND, data)
        except OSError as error:
            if error.errno != errno.ENOENT:  # ENOENT: the thread was killed while it waited
                raise
