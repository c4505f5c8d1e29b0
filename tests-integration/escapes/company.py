"""Who is there while a case runs: the terminal of a user, and a visitor from outside."""

import fcntl
import os
import pty
import socket
import subprocess  # noqa: TC003 - annotations are looked at when they are defined
import termios
import threading
import time
from pathlib import Path
from typing import Any, Self

from world import World


class Terminal:
    """The standard input of the runner: a terminal of its own, or a plain file."""

    def __init__(self, *, wanted: bool, plain: Path) -> None:
        """Open it."""
        self._controller: int | None = None
        if wanted:
            self._controller, self.descriptor = pty.openpty()
            settings = termios.tcgetattr(self.descriptor)
            settings[3] &= ~(termios.ICANON | termios.ECHO)
            termios.tcsetattr(self.descriptor, termios.TCSANOW, settings)
        else:
            self.descriptor = os.open(plain, os.O_RDONLY)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        os.close(self.descriptor)
        if self._controller is not None:
            os.close(self._controller)

    def take(self) -> None:
        """Make it the controlling terminal of the calling process."""
        if self._controller is not None:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def typed(self) -> str:
        """Return what was pushed into the input of the terminal."""
        if self._controller is None:
            return ""
        os.set_blocking(self.descriptor, False)
        try:
            return os.read(self.descriptor, 100).decode("latin-1")
        except OSError:
            return ""


class Visitor:
    """Tries to reach what the case serves, for as long as it runs."""

    def __init__(self, world: World, process: "subprocess.Popen[bytes]") -> None:
        """Begin."""
        self._world = world
        self._process = process
        self._found: list[str] = []
        self._thread = threading.Thread(target=self._visit, daemon=True)
        self._thread.start()

    def visited(self) -> str:
        """Return what was reached."""
        self._thread.join()
        return " ".join(self._found)

    def _visit(self) -> None:
        while not self._found:
            over = self._process.poll() is not None
            self._knock("tcp", socket.AF_INET, ("127.0.0.1", self._world.free))
            self._knock("abstract", socket.AF_UNIX, f"\0{self._world.listening}")
            if over:
                return
            time.sleep(0.03)

    def _knock(self, name: str, family: int, address: Any) -> None:  # noqa: ANN401 - as socket.connect
        with socket.socket(family) as visitor:
            visitor.settimeout(0.2)
            try:
                visitor.connect(address)
            except OSError:
                return
            self._found.append(name)
