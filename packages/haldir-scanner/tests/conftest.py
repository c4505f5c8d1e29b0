"""Builders that the tests share."""

import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from haldir_scanner import scan_files

TIME_LIMIT_SECONDS = 20
FORBIDDEN_EVENTS = frozenset(
    {
        "os.exec",
        "os.posix_spawn",
        "os.system",
        "socket.bind",
        "socket.connect",
        "socket.getaddrinfo",
        "subprocess.Popen",
    }
)

_open_tests: list[bool] = []


def _refuse_network_and_processes(event: str, args: tuple[Any, ...]) -> None:
    own_interpreter = event == "subprocess.Popen" and args[0] == sys.executable  # a test that needs a fresh one
    file_name = event == "socket.bind" and isinstance(args[1], str | bytes)  # a socket in a skill: a special file
    if event in FORBIDDEN_EVENTS and _open_tests and not own_interpreter and not file_name:
        raise PermissionError(f"a unit test of haldir-scanner caused {event}: {args!r:.200}")


@pytest.fixture(scope="session", autouse=True)
def _audit_hook() -> None:
    """Audit hooks cannot be removed: one is installed, and it does nothing outside the tests of this folder."""
    sys.addaudithook(_refuse_network_and_processes)


@pytest.fixture(autouse=True)
def _closed(_audit_hook: None) -> Iterator[None]:
    """Refuse network and processes while a test of this folder runs."""
    _open_tests.append(True)
    yield
    _open_tests.clear()


@pytest.fixture(autouse=True)
def _no_hang() -> Iterator[None]:
    """A test that takes too long is stopped by an alarm instead of hanging."""

    def stop(_signal: int, _frame: object) -> None:
        pytest.fail(f"took longer than {TIME_LIMIT_SECONDS} seconds")

    previous = signal.signal(signal.SIGALRM, stop)
    signal.alarm(TIME_LIMIT_SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, previous)


@pytest.fixture
def rules() -> Callable[[str, str | bytes], set[str]]:
    """The ids of the rules that are found in one file of the given name and content."""

    def of(name: str, content: str | bytes) -> set[str]:
        data = content if isinstance(content, bytes) else content.encode()
        return {match.rule for match in scan_files({name: data}).matches}

    return of
