"""Control groups on a tree of plain files: no kernel at hand has a delegated one."""

from pathlib import Path

import pytest

from haldir_enforcer._linux._cgroup import ControlGroup, delegated
from haldir_enforcer.errors import ConfinementError
from haldir_enforcer.events import Action
from haldir_enforcer.limits import Limits


def tree(tmp_path: Path, controllers: str = "cpu memory pids", passed_on: str = "memory pids") -> tuple[Path, Path]:
    group = tmp_path / "user.slice" / "own"
    group.mkdir(parents=True)
    (group / "cgroup.controllers").write_text(controllers)
    (group / "cgroup.subtree_control").write_text(passed_on)
    (group / "cgroup.procs").write_text("")
    own = tmp_path / "own"
    own.write_text("2:cpu:/elsewhere\n0::/user.slice/own\n")
    return group, own


def test_a_delegated_group_is_found(tmp_path: Path) -> None:
    group, own = tree(tmp_path)
    assert delegated(tmp_path, own) == group


@pytest.mark.parametrize(("controllers", "passed_on"), [("cpu", "cpu"), ("cpu memory pids", ""), ("memory", "memory")])
def test_a_group_that_cannot_limit_is_none(tmp_path: Path, controllers: str, passed_on: str) -> None:
    _, own = tree(tmp_path, controllers, passed_on)
    assert delegated(tmp_path, own) is None


def test_version_1_is_none(tmp_path: Path) -> None:
    (tmp_path / "own").write_text("2:memory:/somewhere\n")
    assert delegated(tmp_path, tmp_path / "own") is None
    assert delegated(tmp_path, tmp_path / "missing") is None


def test_the_limits_are_written(tmp_path: Path) -> None:
    group = ControlGroup.make(tmp_path, "run", Limits(memory_mb=100, processes=10))
    assert (tmp_path / "run" / "memory.max").read_text() == "100000000\n"
    assert (tmp_path / "run" / "memory.oom.group").read_text() == "1\n"
    assert (tmp_path / "run" / "pids.max").read_text() == "11\n"
    group.add(1234)
    assert group.members() == [1234]


def test_a_group_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with pytest.raises(ConfinementError, match="control group"):
        ControlGroup.make(tmp_path, "run", Limits())


@pytest.mark.parametrize(
    ("memory", "pids", "passed"),
    [
        ("oom 0\noom_kill 0\n", "max 0\n", None),
        ("oom 1\noom_kill 1\n", "max 0\n", Action.LIMIT_MEMORY),
        ("", "max 3\n", Action.LIMIT_PROCESSES),
    ],
)
def test_what_the_kernel_had_to_hold_is_told(tmp_path: Path, memory: str, pids: str, passed: Action | None) -> None:
    group = ControlGroup.make(tmp_path, "run", Limits())
    (group.folder / "memory.events").write_text(memory)
    (group.folder / "pids.events").write_text(pids)
    assert group.passed() == passed


def test_killing_writes_to_the_group(tmp_path: Path) -> None:
    group = ControlGroup.make(tmp_path, "run", Limits(memory_mb=None, processes=None))
    group.kill()
    assert (group.folder / "cgroup.kill").read_text() == "1\n"
    (group.folder / "cgroup.procs").write_text("")
    with pytest.raises(OSError, match="not empty"):  # plain files stay, where the kernel's would vanish
        group.remove()
