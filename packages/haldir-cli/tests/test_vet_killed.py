import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., tuple[int, str, str]]

MARK = "8765432.125"
SLEEPS = f"import time\ntime.sleep({MARK})\n"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="these runs are confined by Linux")


@pytest.fixture(autouse=True)
def _offline() -> None:
    """Stand in for the fixture that refuses processes: the third layer starts some."""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the private copies."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    return folder


def _until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)


def _running() -> list[bytes]:
    """Return the programs of the skill that run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes()
        except OSError:
            continue
        if b"run.py" in line and b"pytest" not in line:
            found.append(line)
    return found


def _results(value: Any) -> tuple[Any, ...]:  # noqa: ANN401 - JSON
    """Return what must be the same whenever a layer ran."""
    layers = [(layer["layer"], layer["state"], layer["summary"]) for layer in value["vetting"]["layers"]]
    return value["overall_status"], value["vetting"]["result"], value["vetting"]["score"], layers


@pytest.mark.parametrize("many", [False, True], ids=["one", "all"])
def test_a_killed_vetting_goes_on_where_it_was(
    run: Run, skill: Path, work: Path, temporary: Path, home: Path, *, many: bool
) -> None:
    (skill / "scripts" / "run.py").write_text(SLEEPS, encoding="utf-8")
    (work / "a.toml").write_text("[budgets]\nsandbox_seconds = 4\n", encoding="utf-8")
    target = ["--all", str(work)] if many else [str(skill)]
    command = ["vet", *target, "--config", "a.toml", "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "haldir_cli", *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    kept = home / "unfinished"
    _until(lambda: len(list(kept.rglob("*.layer"))) == 2 and _running())
    os.kill(process.pid, signal.SIGKILL)
    process.wait(timeout=30)
    _until(lambda: not _running())  # what it had started is gone too
    resumed = json.loads(run(*command)[1])
    assert [layer["reused"] for layer in resumed["vetting"]["layers"]] == [True, True, False, False]
    assert not kept.exists()
    whole = json.loads(run(*command)[1])
    assert [layer["reused"] for layer in whole["vetting"]["layers"]] == [False] * 4
    assert _results(resumed) == _results(whole)
