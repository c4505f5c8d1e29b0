import json
import os
import signal
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haldir_core import SkillSnapshot, Status
from haldir_pipeline import (
    Cancellation,
    Configuration,
    Hooks,
    LayerError,
    Result,
    Resumption,
    ResumptionError,
    ScanPolicy,
    Vetting,
    vet,
)
from haldir_pipeline.outcomes import read_outcome
from haldir_pipeline.resumption import Lasting

Clock = Callable[[], datetime]
MakeClock = Callable[..., Clock]
Make = Callable[..., Any]


class Interruption(BaseException):
    """Ends a vetting as a killed process does: nothing is cleaned up."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of unfinished runs; it does not exist yet."""
    return tmp_path / "state" / "unfinished"


@pytest.fixture
def interrupted(
    snapshot: SkillSnapshot,
    make_clock: MakeClock,
    make_layer: Make,
    make_layers: Make,
    placed_sample: Make,
    folder: Path,
) -> list[Any]:
    """Return the layers of a vetting that was broken off in its third layer."""

    def end(_: object) -> None:
        raise Interruption

    found = placed_sample(message="\u202eseen", excerpt="curl", line=3)
    layers = make_layers(scan=make_layer("scan", found, facts={"rules_digest": "7"}))
    breaking = [*layers[:2], make_layer("sandbox", look=end), layers[3]]
    with pytest.raises(Interruption):
        vet(snapshot, clock=make_clock(), layers=breaking, hooks=Hooks(resumption=Resumption(folder)))
    return list(layers)


def again(
    snapshot: SkillSnapshot, clock: Clock, layers: list[Any], folder: Path, configuration: Configuration | None = None
) -> Vetting:
    hooks = Hooks(resumption=Resumption(folder))
    return vet(snapshot, configuration or Configuration(), clock=clock, layers=layers, hooks=hooks)


def reused(vetting: Vetting) -> list[str]:
    return [outcome.layer.value for outcome in vetting.outcomes if outcome.is_reused]


def later(make_clock: MakeClock, hours: float) -> Clock:
    """Return a clock that stands so many hours after noon."""
    step = timedelta(hours=hours)
    clock = make_clock(step)
    clock()
    moment = clock()
    return lambda: moment


def test_a_vetting_that_was_broken_off_goes_on_and_ends_with_the_same_report(
    snapshot: SkillSnapshot, make_clock: MakeClock, interrupted: list[Any], folder: Path, tmp_path: Path
) -> None:
    whole = again(snapshot, make_clock(), interrupted, tmp_path / "other")
    resumed = again(snapshot, later(make_clock, 1), interrupted, folder)
    assert (reused(whole), reused(resumed)) == ([], ["scan", "audit"])
    assert whole.report is not None
    assert resumed.report is not None
    assert resumed.report.to_bytes() == whole.report.to_bytes()
    assert resumed.score == whole.score


def test_a_vetting_that_was_killed_goes_on_and_ends_with_the_same_report(
    snapshot: SkillSnapshot, make_clock: MakeClock, make_layer: Make, make_layers: Make, folder: Path, tmp_path: Path
) -> None:
    child = os.fork()
    if child == 0:
        kill = make_layer("sandbox", look=lambda _: os.kill(os.getpid(), signal.SIGKILL))
        again(snapshot, make_clock(), make_layers(sandbox=kill), folder)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    resumed = again(snapshot, later(make_clock, 2), make_layers(), folder)
    whole = again(snapshot, make_clock(), make_layers(), tmp_path / "other")
    assert reused(resumed) == ["scan", "audit"]
    assert resumed.report == whole.report
    assert not folder.exists()


@pytest.mark.parametrize("at", range(4))
def test_it_goes_on_wherever_it_was_killed(
    snapshot: SkillSnapshot, make_clock: MakeClock, make_layer: Make, make_layers: Make, folder: Path, at: int
) -> None:
    name = ["scan", "audit", "sandbox", "review"][at]
    child = os.fork()
    if child == 0:
        kill = make_layer(name, look=lambda _: os.kill(os.getpid(), signal.SIGKILL))
        again(snapshot, make_clock(), make_layers(**{name: kill}), folder)
        os._exit(1)
    os.waitpid(child, 0)
    assert len(reused(again(snapshot, make_clock(), make_layers(), folder))) == at


def test_a_vetting_that_has_ended_leaves_nothing(
    snapshot: SkillSnapshot, clock: Clock, make_layers: Make, folder: Path
) -> None:
    assert again(snapshot, clock, make_layers(), folder).result is Result.APPROVED
    assert not folder.exists()


def test_a_vetting_that_somebody_ends_leaves_nothing(
    snapshot: SkillSnapshot, clock: Clock, make_layer: Make, make_layers: Make, folder: Path
) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        again(snapshot, clock, make_layers(sandbox=make_layer("sandbox", look=interrupt)), folder)
    assert not folder.exists()


def test_a_vetting_that_was_cancelled_goes_on(
    snapshot: SkillSnapshot, clock: Clock, make_layer: Make, make_layers: Make, folder: Path
) -> None:
    hooks = Hooks(resumption=Resumption(folder), cancellation=Cancellation())
    audit = make_layer("audit", look=lambda _: hooks.cancellation.cancel())
    vet(snapshot, clock=clock, layers=make_layers(audit=audit), hooks=hooks)
    assert reused(again(snapshot, clock, make_layers(), folder)) == ["scan", "audit"]


def test_a_run_over_many_skills_keeps_what_is_finished(
    snapshot: SkillSnapshot, clock: Clock, make_layers: Make, folder: Path
) -> None:
    hooks = Hooks(resumption=Resumption(folder, Lasting.RUN))
    vet(snapshot, clock=clock, layers=make_layers(), hooks=hooks)
    assert len(reused(vet(snapshot, clock=clock, layers=make_layers(), hooks=hooks))) == 4


@pytest.mark.parametrize("error", [LayerError("broken"), RuntimeError("broken")], ids=["told", "unforeseen"])
def test_what_failed_is_tried_again(
    snapshot: SkillSnapshot, clock: Clock, make_layer: Make, make_layers: Make, folder: Path, error: Exception
) -> None:
    hooks = Hooks(resumption=Resumption(folder, Lasting.RUN))
    layers = make_layers(audit=make_layer("audit", error=error))
    assert vet(snapshot, clock=clock, layers=layers, hooks=hooks).result is Result.ERROR
    assert vet(snapshot, clock=clock, layers=make_layers(), hooks=hooks).result is Result.APPROVED


@pytest.mark.parametrize("what", ["content", "configuration", "rules", "name", "age", "future"])
def test_what_was_made_of_something_else_is_not_used(
    skill: Path,
    snapshot: SkillSnapshot,
    make_clock: MakeClock,
    make_layer: Make,
    *,
    interrupted: list[Any],
    folder: Path,
    tmp_path: Path,
    what: str,
) -> None:
    from haldir_core import read_skill  # noqa: PLC0415 - here only

    configuration, layers, clock = Configuration(), interrupted, make_clock()
    if what == "content":
        (skill / "SKILL.md").write_text("# Another\n", encoding="utf-8")
        (tmp_path / "below").mkdir()
        snapshot = read_skill(skill, copy_to=tmp_path / "below" / "copy")
    elif what == "name":
        snapshot = read_skill(skill, copy_to=tmp_path / "another-name")
    elif what == "configuration":
        configuration = Configuration(policy=ScanPolicy.STRICT)
    elif what == "rules":
        layers = [make_layer(layer.name.value, depends="newer rules") for layer in interrupted]
    else:
        clock = later(make_clock, 25 if what == "age" else -1)
    assert reused(again(snapshot, clock, layers, folder, configuration)) == []


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.layer"))


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: data.replace(b"pass", b"Pass", 1),
        lambda data: data.replace(b'"state":"pass"', b'"state":"flag"'),
        lambda _: b"",
        lambda _: b"\n",
        lambda data: data + b" ",
        lambda data: b"0" * 64 + data[64:],
    ],
    ids=["cut", "changed", "another-verdict", "empty", "line", "longer", "digest"],
)
def test_a_damaged_entry_is_as_if_it_were_not_there(
    snapshot: SkillSnapshot, clock: Clock, interrupted: list[Any], folder: Path, damage: Callable[[bytes], bytes]
) -> None:
    for path in _entries(folder):
        path.write_bytes(damage(path.read_bytes()))
    assert reused(again(snapshot, clock, interrupted, folder)) == []


def test_an_entry_under_another_name_is_not_used(
    snapshot: SkillSnapshot, clock: Clock, interrupted: list[Any], folder: Path
) -> None:
    one, other = _entries(folder)
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)
    assert reused(again(snapshot, clock, interrupted, folder)) == []


@pytest.mark.parametrize("mode", [0o644, 0o660])
def test_an_entry_that_others_may_read_or_write_is_not_used(
    snapshot: SkillSnapshot, clock: Clock, interrupted: list[Any], folder: Path, mode: int
) -> None:
    for path in _entries(folder):
        path.chmod(mode)
    assert reused(again(snapshot, clock, interrupted, folder)) == []


def test_a_link_is_not_followed(
    snapshot: SkillSnapshot, clock: Clock, interrupted: list[Any], folder: Path, tmp_path: Path
) -> None:
    for path in _entries(folder):
        moved = path.rename(tmp_path / path.name)
        path.symlink_to(moved)
    assert reused(again(snapshot, clock, interrupted, folder)) == []


def test_a_fifo_does_not_hang(snapshot: SkillSnapshot, clock: Clock, interrupted: list[Any], folder: Path) -> None:
    for path in _entries(folder):
        path.unlink()
        os.mkfifo(path, 0o600)
    assert reused(again(snapshot, clock, interrupted, folder)) == []


def test_the_folder_and_what_is_in_it_are_private(interrupted: list[Any], folder: Path) -> None:
    assert {path.stat().st_mode & 0o777 for path in (folder, folder.parent)} == {0o700}
    assert {path.stat().st_mode & 0o777 for path in _entries(folder)} == {0o600}


def test_a_folder_that_others_may_enter_is_refused(
    snapshot: SkillSnapshot, clock: Clock, make_layers: Make, folder: Path
) -> None:
    folder.mkdir(parents=True)
    folder.chmod(0o755)
    with pytest.raises(ResumptionError, match="chmod 700"):
        again(snapshot, clock, make_layers(), folder)


def test_old_entries_are_removed(interrupted: list[Any], folder: Path, noon: datetime) -> None:
    for path in _entries(folder):
        os.utime(path, (noon.timestamp(), noon.timestamp()))
    Resumption(folder).prune(noon + timedelta(hours=23))
    assert len(_entries(folder)) == 2
    Resumption(folder).prune(noon + timedelta(hours=25))
    assert _entries(folder) == []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
members = st.sampled_from(
    ["layer", "state", "reason", "findings", "summary", "unchecked", "facts", "started", "duration_ms"]
)


@given(st.dictionaries(members, json_values))
def test_no_json_value_breaks_the_reading_of_an_entry(changed: dict[str, Any]) -> None:
    honest: dict[str, Any] = {
        "layer": "scan",
        "state": "pass",
        "reason": "",
        "findings": [{"severity": "low", "category": "a", "message": "b"}],
        "summary": {"critical": 0, "high": 0, "medium": 0, "low": 1},
        "unchecked": [],
        "facts": {},
        "started": "2026-01-31T12:00:00.000Z",
        "duration_ms": 1,
    }
    value = honest | changed
    try:
        outcome = read_outcome(value)
    except ValueError:
        return
    assert read_outcome(json.loads(json.dumps(outcome.to_json()))) == outcome


def test_an_outcome_can_be_read_again(
    snapshot: SkillSnapshot, clock: Clock, make_layer: Make, make_layers: Make, placed_sample: Make
) -> None:
    found = placed_sample(severity="critical", line=7, column=3)
    layer = make_layer("scan", found, status=Status.FLAG, reason="so", unchecked=("a",), facts={"b": [1]})
    outcome = vet(snapshot, clock=clock, layers=make_layers(scan=layer)).outcomes[0]
    assert read_outcome(json.loads(json.dumps(outcome.to_json()))) == outcome


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to the superuser")
def test_a_home_that_cannot_be_written_costs_only_time(
    snapshot: SkillSnapshot, clock: Clock, make_layers: Make, tmp_path: Path
) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)
    assert again(snapshot, clock, make_layers(), tmp_path / "closed" / "unfinished").result is Result.APPROVED


def test_a_home_that_is_no_folder_costs_only_time(
    snapshot: SkillSnapshot, clock: Clock, make_layers: Make, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    assert again(snapshot, clock, make_layers(), tmp_path / "file" / "unfinished").result is Result.APPROVED
