"""The commands of the pages about SchemaPin do what the pages show."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from haldir_cli.commands.schemapin import COMMANDS

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "docs" / "how-to" / name for name in ("sign-tools.md", "verify-tools.md")]
GUARD_PAGE = ROOT / "docs" / "how-to" / "guard-an-mcp-server.md"  # its commands run in test_schemapin_guard.py
EXIT_CODE = re.compile(r"\s+# exit code (\d)$")


def _commands(page: Path) -> Iterator[tuple[str, int, list[str]]]:
    """Yield each command of a page with its exit code and what it shows of the output."""
    for block in re.findall(r"```console\n(.*?)```", page.read_text("utf-8"), re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *shown = part.splitlines()
            match = EXIT_CODE.search(command)
            yield EXIT_CODE.sub("", command), int(match[1]) if match else 0, shown


def test_every_command_does_what_the_pages_show(tmp_path: Path) -> None:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    environment["HALDIR_HOME"] = str(tmp_path / "home")
    for command, exit_code, shown in [found for page in PAGES for found in _commands(page)]:
        run = subprocess.run(
            ["sh", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        output = run.stdout + run.stderr
        assert run.returncode == exit_code, f"{command}\n{output}"
        for line in shown:
            assert line in output, f"{command}\n{output}"


def test_the_pages_show_every_command() -> None:
    named = {
        command.split()[2]
        for page in [*PAGES, GUARD_PAGE]
        for command, _, _ in _commands(page)
        if "schemapin" in command.split()[1]
    }
    assert named == set(COMMANDS)


@pytest.mark.parametrize(
    "page", [*PAGES, GUARD_PAGE, ROOT / "docs" / "explanation" / "schemapin.md"], ids=lambda page: page.name
)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target
