"""Listeners on loopback that answer with a word."""

import selectors
import socket
import threading
from pathlib import Path


class Peers:
    """Listeners on loopback; every one answers with the word, and every contact is remembered."""

    def __init__(self, word: bytes, secret: Path) -> None:
        """Nothing listens yet; ``secret`` is the file whose descriptor the giver hands out."""
        self.word = word
        self.secret = secret
        self.contacts: list[str] = []
        self._selector = selectors.DefaultSelector()
        self._kept: list[socket.socket] = []
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def add(self, name: str, listener: socket.socket) -> socket.socket:
        """Serve one more listener."""
        listener.setblocking(False)
        self._selector.register(listener, selectors.EVENT_READ, name)
        self._kept.append(listener)
        return listener

    def start(self) -> None:
        """Serve in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Every socket is closed."""
        self._closing.set()
        self._thread.join()
        for listener in self._kept:
            listener.close()

    def _serve(self) -> None:
        while not self._closing.is_set():
            for key, _ in self._selector.select(0.02):
                try:
                    self._answer(key.data, key.fileobj)  # type: ignore[arg-type]
                except OSError:
                    continue

    def _answer(self, name: str, listener: socket.socket) -> None:
        if listener.type == socket.SOCK_DGRAM:
            _, sender = listener.recvfrom(64)
            self.contacts.append(name)
            if sender:
                listener.sendto(self.word, sender)
            return
        connection, _ = listener.accept()
        self._kept.append(connection)
        if name == "declared":
            connection.sendall(b"WELCOME\n")
            return
        self.contacts.append(name)
        if name == "giver":
            with self.secret.open("rb") as file:
                socket.send_fds(connection, [b"."], [file.fileno()])
        else:
            connection.sendall(self.word)
        connection.shutdown(socket.SHUT_WR)
