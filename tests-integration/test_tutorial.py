import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TUTORIAL = ROOT / "docs" / "tutorial.md"
EXIT_CODE = re.compile(r"\s+# exit code (\d)$")


def commands() -> list[tuple[str, int, list[str]]]:
    """Return each command of the tutorial with its exit code and what it shows of the output."""
    found: list[tuple[str, int, list[str]]] = []
    for block in re.findall(r"```console\n(.*?)```", TUTORIAL.read_text("utf-8"), re.DOTALL):
        for line in block.splitlines():
            if not line.startswith("$ "):
                found[-1][2].append(line)
                continue
            match = EXIT_CODE.search(line)
            found.append((EXIT_CODE.sub("", line[2:]), int(match[1]) if match else 0, []))
    return found


def test_every_command_of_the_tutorial_does_what_the_page_shows(tmp_path: Path) -> None:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    environment["HALDIR_HOME"] = str(tmp_path / "home")
    for command, exit_code, shown in commands():
        run = subprocess.run(
            ["sh", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        output = run.stdout + run.stderr
        assert run.returncode == exit_code, f"{command}\n{output}"
        for line in shown:
            assert line in output, f"{command}\n{output}"


def test_the_tutorial_shows_every_command_that_changes_or_judges_a_skill() -> None:
    named = {command.split()[1] for command, _, _ in commands() if command.startswith("haldir ")}
    assert named >= {"keygen", "sign", "verify", "inspect", "cosign", "revoke", "trust", "vet"}


@pytest.mark.parametrize("name", ["README.md", "docs/index.md", "docs/tutorial.md"])
def test_every_relative_link_leads_somewhere(name: str) -> None:
    page = ROOT / name
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target
