"""The skill's side of the broker: one call, one answer.

Only the standard library and `frames`: a skill may copy the two files.
"""

import os
import socket
from typing import Any, Self

from haldir_enforcer._broker.frames import FrameError, FrameReader, encode_frame

DESCRIPTOR_VARIABLE = "HALDIR_BROKER_FD"
"""The environment variable that names the inherited descriptor."""


class BrokerError(Exception):
    """A call has no good answer; ``code`` is ``denied``, ``failed``, ``invalid``, ``timeout`` or ``closed``."""

    def __init__(self, code: str, message: str) -> None:
        """``message`` is for people."""
        super().__init__(message)
        self.code = code


class BrokerClient:
    """Asks the agent runtime for what only it can do; for one thread at a time."""

    def __init__(self, connection: socket.socket, *, timeout_seconds: float | None = 30) -> None:
        """Talk over ``connection``, which this object closes."""
        connection.settimeout(timeout_seconds)
        self._connection = connection
        self._reader = FrameReader()
        self._nonce = 0

    @classmethod
    def inherited(cls) -> Self:
        """Return the client on the descriptor that the enforcer passed on.

        Raises: BrokerError if there is none.
        """
        try:
            return cls(socket.socket(fileno=int(os.environ[DESCRIPTOR_VARIABLE])))
        except (KeyError, ValueError, OSError) as error:
            raise BrokerError("closed", f"no broker: {DESCRIPTOR_VARIABLE} names no open socket") from error

    def call(self, method: str, target: str | None = None, parameters: object = None) -> Any:  # noqa: ANN401 - JSON
        """Return what the runtime's ``method`` returned for ``target`` and ``parameters``.

        Raises: BrokerError if it was denied, failed, or there was no answer.
        """
        self._nonce += 1
        request = {"nonce": self._nonce, "method": method, "target": target, "parameters": parameters}
        try:
            self._connection.sendall(encode_frame(request))
            answer = self._answer()
        except TimeoutError as error:
            self.close()  # a late answer would be taken for the next one
            raise BrokerError("timeout", f"{method}: no answer in time") from error
        except OSError as error:
            raise BrokerError("closed", f"{method}: the broker is gone") from error
        except FrameError as error:
            raise BrokerError("invalid", f"{method}: {error}") from error
        if answer.get("nonce") != self._nonce:
            raise BrokerError("invalid", f"{method}: the answer belongs to another call")
        if answer.get("ok") is True:
            return answer.get("result")
        raise BrokerError(str(answer.get("code")), f"{method}: {answer.get('message')}")

    def close(self) -> None:
        """The connection is closed."""
        self._connection.close()

    def _answer(self) -> dict[str, Any]:
        while data := self._connection.recv(65536):
            for answer in self._reader.feed(data):
                return answer
        raise ConnectionResetError
