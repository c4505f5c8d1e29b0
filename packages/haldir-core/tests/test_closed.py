import ast
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import haldir_core


def _connect() -> None:
    with socket.socket() as tcp:
        tcp.connect(("127.0.0.1", 9))


def _bind() -> None:
    with socket.socket() as tcp:
        tcp.bind(("127.0.0.1", 0))


@pytest.mark.parametrize(
    "act",
    [
        _connect,
        _bind,
        lambda: socket.getaddrinfo("localhost", 80),
        lambda: subprocess.run([sys.executable, "-c", ""], check=False),
        lambda: os.system(":"),  # noqa: S605 - it must not come to it
        lambda: os.posix_spawn(sys.executable, [sys.executable, "-c", ""], {}),
    ],
    ids=["connect", "bind", "getaddrinfo", "popen", "system", "posix_spawn"],
)
def test_a_unit_test_cannot_reach_the_network_or_start_a_program(act: Callable[[], object]) -> None:
    with pytest.raises(PermissionError, match=r"a unit test of haldir-core caused (socket|subprocess|os)\."):
        act()


def test_a_unit_test_cannot_become_another_program(in_child: Callable[[Callable[[], int]], int]) -> None:
    def become() -> int:
        try:
            os.execv(sys.executable, [sys.executable, "-c", ""])  # noqa: S606 - it must not come to it
        except PermissionError:
            return 7

    assert in_child(become) == 7


def test_a_unit_test_may_bind_a_unix_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind("socket")


SLOW_OR_FORBIDDEN = {"cryptography", "sigstore", "socket", "subprocess", "ssl", "urllib", "http", "asyncio", "ctypes"}


@pytest.mark.parametrize("path", sorted(Path(haldir_core.__file__).parent.rglob("*.py")), ids=lambda path: path.name)
def test_no_module_imports_what_is_slow_or_forbidden_when_it_is_imported(path: Path) -> None:
    tree = ast.parse(path.read_bytes())
    imported = {
        name.split(".")[0]
        for node in tree.body
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }

    assert not imported & SLOW_OR_FORBIDDEN
