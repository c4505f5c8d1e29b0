"""What the tests across distributions share: the tree, the program in-process and as a process, the peer's vectors."""

import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from haldir_cli import main

TREE = Path(__file__).parents[1]
PEER = TREE / "spec" / "vectors" / "haldir-ts"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that stands for the user's state; it does not exist yet."""
    folder = tmp_path / "home"
    monkeypatch.setenv("HALDIR_HOME", str(folder))
    monkeypatch.delenv("HALDIR_DEBUG", raising=False)
    return folder


@pytest.fixture(scope="session")
def tree() -> Path:
    """Return the root of the source tree."""
    return TREE


@pytest.fixture(scope="session")
def packages() -> dict[str, Path]:
    """Return the folder of every distribution by its name."""
    return {path.parent.name: path.parent for path in sorted(TREE.glob("packages/*/pyproject.toml"))}


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Run the command line in this process and return exit code, stdout and stderr."""

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        return code, out, err

    return call


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start the command line as a process of its own, in ``tmp_path``."""

    def call(*arguments: str | Path, stdout: int = subprocess.PIPE) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "haldir_cli", *(str(argument) for argument in arguments)]
        return subprocess.Popen(
            command, cwd=tmp_path, stdout=stdout, stderr=subprocess.PIPE, encoding="utf-8", env=dict(os.environ)
        )

    return call


@pytest.fixture(scope="session")
def peer() -> Path:
    """Return the vectors made by the TypeScript implementation."""
    return PEER


@pytest.fixture(scope="session")
def unpack() -> Callable[[Path], None]:
    """Make a folder look as it did where the peer was asked: skills, keys, lists and reports."""

    def make(folder: Path) -> None:
        with tarfile.open(PEER / "skills.tar.gz") as archive:
            # Python 3.11 before .4 has no filters; links and odd names are what the vectors are about
            archive.extraction_filter = getattr(tarfile, "tar_filter", None)
            archive.extractall(folder)  # noqa: S202 - our own vectors
        (folder / "skills" / "extra-empty-dir" / "emptydir").mkdir(exist_ok=True)
        for name in ("keys", "revocation", "reports"):
            (folder / name).mkdir()
            for source in (PEER / name).iterdir():
                copy = folder / name / source.name
                copy.touch(mode=0o600 if source.suffix == ".key" else 0o644)
                copy.write_bytes(source.read_bytes())

    return make
