import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from haldir_core import SkillSnapshot, Status, VettingReport
from haldir_pipeline import (
    Cancellation,
    Carried,
    Configuration,
    Event,
    Hooks,
    LayerError,
    LayerName,
    NoReportError,
    Order,
    ProfileName,
    Result,
    State,
    Tier,
    UnavailableError,
    vet,
    vet_folder,
)

Clock = Callable[[], datetime]
MakeClock = Callable[..., Clock]
Make = Callable[..., Any]

EVERYTHING = Configuration(order=Order.EVERYTHING)


def test_the_layers_run_in_order_and_are_reported_with_number_name_and_time(
    snapshot: SkillSnapshot, make_clock: MakeClock, make_layers: Make
) -> None:
    vetting = vet(snapshot, clock=make_clock(timedelta(milliseconds=1.5)), layers=make_layers())
    assert vetting.report is not None
    shown = [(layer.layer, layer.name, layer.duration_ms) for layer in vetting.report.layers]
    names = ["static_analysis", "dependency_audit", "sandbox_execution", "llm_audit"]
    assert shown == [(number, name, 1.5) for number, name in enumerate(names, 1)]
    assert (vetting.result, vetting.score.text) == (Result.APPROVED, "1.000")


@pytest.mark.parametrize(
    ("step", "duration"),
    [(timedelta(hours=-1), 0), (timedelta(hours=1), 3_600_000), (timedelta(hours=2), 3_600_000)],
    ids=["backwards", "an-hour", "longer-than-the-format-allows"],
)
def test_a_clock_that_jumps_breaks_no_report(
    snapshot: SkillSnapshot, make_clock: MakeClock, make_layers: Make, step: timedelta, duration: float
) -> None:
    report = vet(snapshot, clock=make_clock(step), layers=make_layers()).report
    assert report is not None
    assert report.layers[0].duration_ms == duration


@pytest.mark.parametrize("configuration", [Configuration(), EVERYTHING], ids=["in-order", "side-by-side"])
@pytest.mark.parametrize(
    ("status", "result", "word"),
    [
        (Status.PASS, Result.APPROVED, "pass"),
        (Status.FLAG, Result.AMBER, "flag"),
        (None, Result.AMBER, "flag"),
        (Status.REJECT, Result.REJECTED, "reject"),
    ],
    ids=["pass", "flag", "inconclusive", "reject"],
)
@pytest.mark.parametrize("name", LayerName)
def test_every_layer_can_decide_what_the_report_says(
    snapshot: SkillSnapshot,
    clock: Clock,
    make_layer: Make,
    make_layers: Make,
    *,
    configuration: Configuration,
    status: Status | None,
    result: Result,
    word: str,
    name: LayerName,
) -> None:
    layers = make_layers(**{name.value: make_layer(name.value, status=status, reason="so it is")})
    vetting = vet(snapshot, configuration, clock=clock, layers=layers)
    assert vetting.report is not None
    assert (vetting.result, vetting.report.overall_status) == (result, word)
    assert [reason.layer for reason in vetting.reasons] == ([] if status is Status.PASS else [name])


def test_a_layer_without_an_answer_says_so_in_the_report(
    snapshot: SkillSnapshot, clock: Clock, make_layer: Make, make_layers: Make
) -> None:
    layers = make_layers(review=make_layer("review", status=None, reason="the models differ"))
    report = vet(snapshot, clock=clock, layers=layers).report
    assert report is not None
    assert report.layers[3].status is Status.FLAG
    assert report.layers[3].findings[0].message == "no answer: the models differ"


@pytest.mark.parametrize("configuration", [Configuration(), EVERYTHING], ids=["in-order", "side-by-side"])
@pytest.mark.parametrize("name", LayerName)
@pytest.mark.parametrize("error", [LayerError("broke"), RuntimeError("broke")], ids=["told", "unforeseen"])
def test_an_error_binds_no_report(
    snapshot: SkillSnapshot,
    clock: Clock,
    make_layer: Make,
    make_layers: Make,
    *,
    configuration: Configuration,
    name: LayerName,
    error: Exception,
) -> None:
    layers = make_layers(**{name.value: make_layer(name.value, error=error)})
    vetting = vet(snapshot, configuration, clock=clock, layers=layers)
    assert (vetting.result, vetting.report, vetting.score.text) == (Result.ERROR, None, "0.000")
    assert "broke" in vetting.reasons[0].text


def test_the_quick_report_fails_with_its_layers(skill: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("haldir_pipeline.vetting.make_layers", lambda *_: ())
    with pytest.raises(NoReportError, match="required"):
        vet_folder(skill, clock=clock)


def test_after_a_rejection_nothing_more_is_run(
    snapshot: SkillSnapshot, clock: Clock, make_layer: Make, make_layers: Make
) -> None:
    asked: list[object] = []
    layers = make_layers(scan=make_layer("scan", status=Status.REJECT), review=make_layer("review", look=asked.append))
    vetting = vet(snapshot, clock=clock, layers=layers)
    assert asked == []
    assert [outcome.state for outcome in vetting.outcomes] == [State.REJECT, *[State.SKIPPED] * 3]
    assert "because the layer scan ended with reject" in vetting.outcomes[3].reason


def test_after_a_flag_the_others_are_run(
    snapshot: SkillSnapshot, clock: Clock, make_layer: Make, make_layers: Make
) -> None:
    vetting = vet(snapshot, clock=clock, layers=make_layers(scan=make_layer("scan", status=Status.FLAG)))
    assert [outcome.state for outcome in vetting.outcomes] == [State.FLAG, *[State.PASS] * 3]


def test_side_by_side_everything_is_run(
    snapshot: SkillSnapshot, clock: Clock, make_layer: Make, make_layers: Make
) -> None:
    layers = make_layers(scan=make_layer("scan", status=Status.REJECT))
    vetting = vet(snapshot, EVERYTHING, clock=clock, layers=layers)
    assert [outcome.state for outcome in vetting.outcomes] == [State.REJECT, *[State.PASS] * 3]


def test_layers_that_wait_do_not_wait_for_each_other(
    snapshot: SkillSnapshot, clock: Clock, make_layer: Make, make_layers: Make
) -> None:
    meeting = threading.Barrier(3, timeout=20)
    layers = make_layers(
        **{name: make_layer(name, look=lambda _: meeting.wait()) for name in ("scan", "sandbox", "review")}
    )
    assert vet(snapshot, EVERYTHING, clock=clock, layers=layers).result is Result.APPROVED


def test_a_confined_run_stays_in_the_thread_that_asked(
    snapshot: SkillSnapshot, clock: Clock, make_layer: Make, make_layers: Make
) -> None:
    threads: list[int] = []
    sandbox = make_layer("sandbox", look=lambda _: threads.append(threading.get_ident()))
    vet(snapshot, EVERYTHING, clock=clock, layers=make_layers(sandbox=sandbox))
    assert threads == [threading.get_ident()]


def test_what_cannot_run_here_is_listed_and_caps_the_score(
    snapshot: SkillSnapshot, clock: Clock, make_layer: Make, make_layers: Make
) -> None:
    layers = make_layers(sandbox=make_layer("sandbox", error=UnavailableError("this machine isolates at level L2")))
    vetting = vet(snapshot, clock=clock, layers=layers)
    assert vetting.report is not None
    assert (vetting.result, vetting.score.text) == (Result.APPROVED, "0.850")
    assert (vetting.outcomes[2].state, len(vetting.report.layers)) == (State.SKIPPED, 3)


def test_a_level_that_is_not_reached_is_no_approval_of_a_registry(
    snapshot: SkillSnapshot, clock: Clock, make_layer: Make, make_layers: Make
) -> None:
    layers = make_layers(sandbox=make_layer("sandbox", error=UnavailableError("level L2")))
    vetting = vet(snapshot, Configuration(profile=ProfileName.REGISTRY), clock=clock, layers=layers)
    assert (vetting.result, vetting.report) == (Result.ERROR, None)


def test_no_layer_may_call_itself_something_else_to_be_left_out(
    snapshot: SkillSnapshot, clock: Clock, make_layer: Make
) -> None:
    vetting = vet(snapshot, clock=clock, layers=[make_layer("review"), make_layer("sandbox")])
    assert vetting.result is Result.ERROR


def carried(age: timedelta, noon: datetime, state: State = State.PASS) -> Configuration:
    """Return a configuration of a registry for an update whose earlier version was run so long ago."""
    from haldir_core import Timestamp  # noqa: PLC0415 - here only

    earlier = Carried(layer=LayerName.SANDBOX, state=state, moment=Timestamp.at(noon - age), content="sha256:0")
    return Configuration(profile=ProfileName.REGISTRY, tier=Tier.VERIFIED, carried=(earlier,))


def test_an_update_carries_the_last_full_result_with_its_date(
    snapshot: SkillSnapshot, clock: Clock, make_layers: Make, noon: datetime
) -> None:
    vetting = vet(snapshot, carried(timedelta(days=40), noon), clock=clock, layers=make_layers())
    assert vetting.report is not None
    assert (vetting.result, vetting.outcomes[2].state) == (Result.APPROVED, State.CARRIED)
    assert "2025-12-22" in vetting.outcomes[2].reason
    assert [layer.layer for layer in vetting.report.layers] == [1, 2, 4]
    assert vetting.score.thousandths == 887


@pytest.mark.parametrize(
    ("age", "state", "tier"),
    [
        (timedelta(days=181), State.PASS, Tier.VERIFIED),
        (timedelta(days=-1), State.PASS, Tier.VERIFIED),
        (timedelta(days=1), State.FLAG, Tier.VERIFIED),
        (timedelta(days=1), State.PASS, Tier.UNVERIFIED),
    ],
    ids=["too-old", "of-the-future", "flagged", "tier"],
)
def test_what_cannot_be_carried_is_run_again(
    snapshot: SkillSnapshot,
    clock: Clock,
    make_layers: Make,
    noon: datetime,
    *,
    age: timedelta,
    state: State,
    tier: Tier,
) -> None:
    configuration = evolve(carried(age, noon, state), tier=tier)
    assert vet(snapshot, configuration, clock=clock, layers=make_layers()).outcomes[2].state is State.PASS


BEHAVIOURS: dict[str, dict[str, Any]] = {
    "pass": {},
    "flag": {"status": Status.FLAG},
    "reject": {"status": Status.REJECT},
    "undecided": {"status": None},
    "incomplete": {"incomplete": "not all"},
    "unchecked": {"unchecked": ("no source",)},
    "unavailable": {"error": UnavailableError("not here")},
    "unready": {"unready": UnavailableError("not here")},
    "failed": {"error": LayerError("broke")},
    "broken": {"error": RuntimeError("broke")},
    "broken before": {"unready": RuntimeError("broke")},
}
GOOD = {"pass", "unchecked"}
LEFT_OUT = {"unavailable", "unready"}


@given(
    st.tuples(*[st.sampled_from(sorted(BEHAVIOURS))] * 4),
    st.sampled_from(Order),
    st.sampled_from(ProfileName),
    st.sets(st.sampled_from(["sandbox", "review"])),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_the_layers_do_only_what_was_looked_at_is_approved(  # noqa: PLR0917 - drawn and built
    snapshot: SkillSnapshot,
    noon: datetime,
    make_layer: Make,
    does: tuple[str, ...],
    order: Order,
    profile: ProfileName,
    skip: set[str],
) -> None:
    layers = [make_layer(name.value, **BEHAVIOURS[what]) for name, what in zip(LayerName, does, strict=True)]
    left_out = frozenset() if profile is ProfileName.REGISTRY else frozenset(LayerName(name) for name in skip)
    configuration = Configuration(order=order, profile=profile, skip=left_out)
    vetting = vet(snapshot, configuration, clock=lambda: noon, layers=layers)
    assert (vetting.report is None) == (vetting.result is Result.ERROR)
    may_approve = all(
        what in GOOD
        or (name in {"sandbox", "review"} and profile is ProfileName.LOCAL and (what in LEFT_OUT or name in left_out))
        for name, what in zip(LayerName, does, strict=True)
    )
    if profile is ProfileName.REGISTRY:
        may_approve = may_approve and "unchecked" not in does
    assert (vetting.result is Result.APPROVED) == may_approve
    if vetting.report is not None:
        assert VettingReport.from_bytes(vetting.report.to_bytes()).overall_status == vetting.result.status


def test_a_cancelled_vetting_has_no_answer(
    snapshot: SkillSnapshot, clock: Clock, make_layer: Make, make_layers: Make
) -> None:
    hooks = Hooks(cancellation=Cancellation())
    audit = make_layer("audit", look=lambda _: hooks.cancellation.cancel())
    vetting = vet(snapshot, clock=clock, layers=make_layers(audit=audit), hooks=hooks)
    assert [outcome.state for outcome in vetting.outcomes] == [State.PASS, State.PASS, State.SKIPPED, State.SKIPPED]
    assert vetting.outcomes[2].reason == "the vetting was cancelled"


def test_a_vetting_that_was_cancelled_before_scan_and_audit_is_an_error(
    snapshot: SkillSnapshot, clock: Clock, make_layers: Make
) -> None:
    hooks = Hooks(cancellation=Cancellation())
    hooks.cancellation.cancel()
    assert vet(snapshot, clock=clock, layers=make_layers(), hooks=hooks).result is Result.ERROR


def test_it_tells_what_happens_in_order(snapshot: SkillSnapshot, clock: Clock, make_layers: Make) -> None:
    events: list[Event] = []
    vet(snapshot, clock=clock, layers=make_layers(), hooks=Hooks(tell=events.append))
    told = [f"{event.kind} {event.layer or ''} {event.word}".strip() for event in events]
    layers = [line for name in LayerName for line in (f"layer-started {name}", f"layer-finished {name} pass")]
    assert told == ["vetting-started", *layers, "vetting-finished  approved"]
    assert {event.skill for event in events} == {"copy"}
