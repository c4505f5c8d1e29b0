"""The stub on a connected socket, for a thread of its own."""

from typing import TYPE_CHECKING

from haldir_enforcer._resolver.stub import Stub, TcpSession

if TYPE_CHECKING:
    import socket

_READ_BYTES = 4096


def serve_tcp(connection: "socket.socket", stub: Stub, *, idle_seconds: float = 30.0) -> None:
    """Answer on ``connection`` until the client ends, says nothing for ``idle_seconds``, or no DNS; then close it.

    Raises: whatever the stub's ``asked`` raises, for a question that cannot be reported; it was not answered.
    """
    session = TcpSession(stub)
    with connection:
        connection.settimeout(idle_seconds)
        while not session.is_over:
            try:
                data = connection.recv(_READ_BYTES)
            except OSError:
                return  # the client is gone, or has nothing to ask
            if not data or not _sent(connection, session.feed(data)):
                return


def _sent(connection: "socket.socket", answers: bytes) -> bool:
    try:
        connection.sendall(answers)
    except OSError:
        return False
    return True
