"""How a process ends that was interrupted; these tests start some."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import importlib
command_line = importlib.import_module("haldir_cli.main")
def interrupted_while_a_text_is_evaluated(_arguments):
    try:
        exec("raise KeyboardInterrupt")
    except KeyboardInterrupt:
        return 130
command_line.main = interrupted_while_a_text_is_evaluated
command_line.run()
"""


@pytest.fixture(autouse=True)
def _offline() -> None:
    """Stand in for the fixture that refuses processes."""


def test_ctrl_c_while_python_makes_a_class_of_a_text_is_exit_130_too(tmp_path: Path) -> None:
    (tmp_path / "interrupted.py").write_text(PROGRAM, encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", "interrupted"], capture_output=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")
