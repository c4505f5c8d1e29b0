import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import haldir_scanner

README = Path(__file__).parents[1] / "README.md"
IMPORTS = (
    "import sys, haldir_scanner; print('re2' in sys.modules, 'socket' in sys.modules, 'subprocess' in sys.modules)"
)


def _output(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


def test_the_example_of_the_readme_prints_what_it_says() -> None:
    (block,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert _output(block) == block.rstrip().rpartition("# ")[2]


def test_the_example_of_the_docstring_prints_what_it_says() -> None:
    assert haldir_scanner.__doc__ is not None
    lines = [line.removeprefix("    ") for line in haldir_scanner.__doc__.splitlines() if line.startswith("    ")]
    assert _output("\n".join(lines)) == lines[-1].removeprefix("# ")


def test_importing_the_package_loads_no_engine_and_nothing_that_opens_connections() -> None:
    assert _output(IMPORTS) == "False False False"


def test_a_test_of_this_package_that_connects_anywhere_fails() -> None:
    with socket.socket() as client, pytest.raises(PermissionError, match=r"socket\.connect"):
        client.connect(("127.0.0.1", 9))
