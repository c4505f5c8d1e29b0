"""Every hostile case escapes where nothing confines it, and is held wherever something does; benign programs are clean.

A mode that cannot run here fails.  HALDIR_ESCAPES_MODES names the modes to run, separated by commas, or ``all``;
without it half of the confined ones run, in which each user meets each command, with namespaces and without.
"""

import errno
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import pytest

HERE = Path(__file__).parent
ROWS: dict[str, dict[str, Any]] = tomllib.loads((HERE / "manifest.toml").read_text(encoding="utf-8"))
AT_A_TIME = 2
FEWEST_OF_A_CLASS = 5
SYSTEM_PYTHON = "/usr/bin/python3"
ORDINARY_USER = 65534
STARTS = 3
LONGEST_SECONDS = 60
"""Far beyond what the harness allows a case."""
Answers = dict[tuple[str, str], "Future[dict[str, Any]]"]


class Mode(NamedTuple):
    """One way to run the cases."""

    runner: str
    user: str
    namespaces: str

    @property
    def name(self) -> str:
        """The mode in one word."""
        return "-".join(self) if self.runner != "control" else f"control-{self.user}"


MODES = {
    mode.name: mode
    for mode in (
        *(Mode("control", user, "with") for user in ("root", "user")),
        *(Mode(*row) for row in product(("enforce", "sandbox"), ("root", "user"), ("with", "without"))),
    )
}
EVERYDAY = (
    *("control-root", "control-user", "enforce-root-with", "enforce-user-without"),
    *("sandbox-root-without", "sandbox-user-with"),
)


def _chosen(wanted: str) -> list[str]:
    return list(MODES) if wanted == "all" else [name for name in wanted.split(",") if name]


CHOSEN = _chosen(os.environ.get("HALDIR_ESCAPES_MODES", ",".join(EVERYDAY)))


def _pairs(kind: str) -> list[tuple[str, str]]:
    return [
        (mode, case)
        for mode in CHOSEN
        for case, row in ROWS.items()
        if row.get("only", MODES[mode].user) == MODES[mode].user
        and {"control": MODES[mode].runner == "control", "confined": MODES[mode].runner != "control"}[kind]
    ]


CONTROLLED, CONFINED = _pairs("control"), _pairs("confined")


@pytest.fixture(scope="module")
def interpreter() -> Iterator[str]:
    """Return an interpreter that an ordinary user may start, and that finds the packages of this tree."""
    folder = Path(tempfile.mkdtemp(prefix="haldir-escapes-python-"))
    folder.chmod(0o755)  # the folders of pytest are closed to others
    (folder / "bin").mkdir()
    (folder / "bin" / "python").symlink_to(SYSTEM_PYTHON)
    (folder / "pyvenv.cfg").write_text(f"home = {Path(SYSTEM_PYTHON).parent}\n", encoding="utf-8")
    found = subprocess.run(
        [SYSTEM_PYTHON, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, check=True
    )
    assert found.stdout.split() == [str(number).encode() for number in sys.version_info[:2]], (
        "the system has another Python"
    )
    site = folder / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    site.mkdir(parents=True)
    inner = [path for path in sys.path if path.endswith(("site-packages", "/src"))]
    if _is_closed(HERE):  # the ordinary user could not read it
        inner = [str(shutil.copytree(path, folder / "tree" / str(number))) for number, path in enumerate(inner)]
        shutil.copytree(HERE, folder / "escapes")
    (site / "tree.pth").write_text("".join(f"{path}\n" for path in inner), encoding="utf-8")
    yield str(folder / "bin" / "python")
    shutil.rmtree(folder)


def _is_closed(folder: Path) -> bool:
    return any(not above.stat().st_mode & stat.S_IXOTH for above in (folder, *folder.parents))


def _ask(mode: Mode, case: str, interpreter: str) -> dict[str, Any]:
    """Return what the harness says; the process is the whole world of the case, so that cases do not meet."""
    root = os.geteuid() == 0
    if mode.user == "root" and not root:
        return {"verdict": "this mode needs root", "case": case}
    as_user: dict[str, Any] = {}
    if mode.user == "user" and root:
        as_user = {"user": ORDINARY_USER, "group": ORDINARY_USER, "extra_groups": []}
    python = interpreter if mode.user == "user" else sys.executable
    copied = Path(interpreter).parents[1] / "escapes"
    home = copied if mode.user == "user" and copied.is_dir() else HERE
    options = ["--runner", mode.runner, "--namespaces", mode.namespaces]
    run = _run([python, "-B", str(home / "harness.py"), case, *options], as_user)
    if run.returncode != 0:
        return {"verdict": "the harness failed", "case": case, "code": run.returncode, "words": run.stderr[-2000:]}
    answer: dict[str, Any] = json.loads(run.stdout)
    return answer


def _run(command: list[str], as_user: dict[str, Any]) -> "subprocess.CompletedProcess[str]":
    for left in reversed(range(STARTS)):
        try:
            return subprocess.run(
                command,
                capture_output=True,
                check=False,
                encoding="utf-8",
                errors="replace",
                cwd="/",
                timeout=LONGEST_SECONDS,
                **as_user,
            )
        except OSError as error:
            # The kernel could not read the name of the program, on a machine under load: nothing of the case ran.
            if error.errno != errno.EFAULT or not left:
                raise
    raise AssertionError


@pytest.fixture(scope="module")
def answers(request: pytest.FixtureRequest, interpreter: str) -> Iterator[Answers]:
    """Begin with every case that was selected, some at a time, in the order of the tests."""
    asked: Answers = {}
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        for item in request.session.items:
            parameters = getattr(getattr(item, "callspec", None), "params", {})
            pair = (str(parameters.get("mode")), str(parameters.get("case")))
            if pair[0] in MODES and pair[1] in ROWS:
                asked[pair] = pool.submit(_ask, MODES[pair[0]], pair[1], interpreter)
        yield asked
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize(("mode", "case"), CONTROLLED)
def test_where_nothing_confines_it_a_case_escapes_and_a_benign_program_is_clean(
    mode: str, case: str, answers: Answers
) -> None:
    answer = answers[mode, case].result()
    expected = "clean" if ROWS[case].get("expect") == "clean" else "escaped"
    assert answer["verdict"] == expected, json.dumps(answer, indent=1)


@pytest.mark.parametrize(("mode", "case"), CONFINED)
def test_where_it_is_confined_a_case_is_held_and_a_benign_program_is_clean(
    mode: str, case: str, answers: Answers
) -> None:
    answer = answers[mode, case].result()
    expected = "clean" if ROWS[case].get("expect") == "clean" else "held"
    assert answer["verdict"] == expected, json.dumps(answer, indent=1)


def test_every_chosen_mode_exists() -> None:
    assert set(CHOSEN) <= set(MODES)


def test_every_case_has_a_file_and_every_file_is_a_case() -> None:
    files = {path.name for path in (HERE / "cases").iterdir() if path.is_file()} - {"ruff.toml"}
    assert files == {name + row.get("suffix", ".py") for name, row in ROWS.items()}


@pytest.mark.parametrize("user", ["root", "user"])
def test_every_class_has_enough_cases_for_either_user(user: str) -> None:
    counted = Counter(row["class"] for row in ROWS.values() if row.get("only", user) == user)
    assert [kind for kind, count in counted.items() if count < FEWEST_OF_A_CLASS] == []
    assert counted.total() - counted["benign"] >= 70
