from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from haldir_core import SkillSnapshot, Status
from haldir_pipeline import Budgets, Cancellation, LayerError, LayerName, State, UnavailableError
from haldir_pipeline.running import BUDGETS, MEGABYTE, Measure, Meters, Runner
from haldir_pipeline.subject import Subject

Clock = Callable[[], datetime]
Make = Callable[..., Any]


def ticking(*seconds: float) -> Callable[[], float]:
    """Return a clock that says these seconds, and then the last ones for ever."""

    def ticks() -> Iterator[float]:
        yield from seconds
        while True:
            yield seconds[-1]

    return ticks().__next__


@pytest.fixture
def make_runner(snapshot: SkillSnapshot, clock: Clock) -> Callable[..., Runner]:
    """Make a runner with clocks that say what they are told."""

    def make(
        budgets: Budgets | None = None,
        *,
        processor: Callable[[], float] = float,
        wall: Callable[[], float] = float,
        deadline: float = 600,
        cancellation: Cancellation | None = None,
    ) -> Runner:
        return Runner(
            subject=Subject.of(snapshot),
            budgets=budgets or Budgets(),
            meters=Meters(now=clock, processor=processor, wall=wall),
            cancellation=cancellation or Cancellation(),
            deadline=deadline,
        )

    return make


def test_a_layer_within_its_budget_passes(make_runner: Make, make_layer: Make) -> None:
    assert make_runner(processor=ticking(0, 9.9)).run(make_layer("scan")).state is State.PASS


@pytest.mark.parametrize("status", [Status.PASS, Status.FLAG, None])
def test_a_layer_that_took_too_long_gives_no_answer(make_runner: Make, make_layer: Make, status: Status | None) -> None:
    outcome = make_runner(processor=ticking(0, 10.1)).run(make_layer("scan", status=status))
    assert outcome.state is State.INCONCLUSIVE
    assert "10.1 s" in outcome.reason


def test_a_rejection_that_came_late_is_still_one(make_runner: Make, make_layer: Make) -> None:
    outcome = make_runner(processor=ticking(0, 99)).run(make_layer("scan", status=Status.REJECT))
    assert outcome.state is State.REJECT


def test_a_busy_machine_uses_up_no_budget_of_the_processor(make_runner: Make, make_layer: Make) -> None:
    outcome = make_runner(wall=ticking(0, 0, 500), processor=ticking(0, 0.1)).run(make_layer("audit"))
    assert outcome.state is State.PASS


def test_a_layer_of_the_wall_may_end_a_little_late(make_runner: Make, make_layer: Make) -> None:
    assert make_runner(wall=ticking(0, 0, 99)).run(make_layer("sandbox")).state is State.PASS
    assert make_runner(wall=ticking(0, 0, 101)).run(make_layer("sandbox")).state is State.INCONCLUSIVE


@pytest.mark.parametrize(("size", "seconds"), [(1, 10), (9 * MEGABYTE, 10), (20 * MEGABYTE, 21)])
def test_a_larger_skill_has_more_time(size: int, seconds: float) -> None:
    assert BUDGETS[LayerName.SCAN].of(Budgets(), size) == seconds


def test_the_layers_that_wait_are_measured_on_the_wall() -> None:
    walls = {name for name, budget in BUDGETS.items() if budget.measure is Measure.WALL}
    assert walls == {LayerName.SANDBOX, LayerName.REVIEW}


@pytest.mark.parametrize(
    ("error", "state", "words"),
    [
        (UnavailableError("no kernel"), State.SKIPPED, "no kernel"),
        (LayerError("broken"), State.ERROR, "broken"),
        (OSError("disk"), State.ERROR, "disk"),
        (RecursionError("deep"), State.ERROR, "internal error (RecursionError: deep)"),
        (MemoryError(), State.ERROR, "internal error (MemoryError: MemoryError)"),
        (ZeroDivisionError("\ud800"), State.ERROR, "internal error (ZeroDivisionError: ?)"),
    ],
    ids=["unavailable", "layer", "system", "recursion", "memory", "surrogate"],
)
@pytest.mark.parametrize("where", ["error", "unready"])
def test_whatever_a_layer_dies_of_is_told(
    make_runner: Make, make_layer: Make, error: Exception, state: State, words: str, where: str
) -> None:
    runner, layer = make_runner(), make_layer("scan", **{where: error})
    outcome = runner.run(layer) if where == "error" else runner.inputs(layer)
    assert (outcome.state, outcome.reason) == (state, words)


def test_what_was_not_looked_at_keeps_a_pass_from_being_one(make_runner: Make, make_layer: Make) -> None:
    outcome = make_runner().run(make_layer("scan", incomplete="b.sh was not read"))
    assert (outcome.state, outcome.reason) == (State.INCONCLUSIVE, "b.sh was not read")


def test_a_layer_gets_what_is_left_of_the_whole(make_runner: Make, make_layer: Make) -> None:
    seen: list[float] = []

    class Nosy:
        name = LayerName.SANDBOX

        def judge(self, subject: Subject, allowance: Any) -> Any:  # noqa: ANN401, ARG002 - a layer
            seen.append(allowance.seconds)
            return make_layer().answer

    make_runner(wall=ticking(100), deadline=130).run(Nosy())
    assert seen == [30]


def test_no_layer_begins_after_the_end(make_runner: Make) -> None:
    assert "600 seconds" in make_runner(wall=ticking(600)).refusal()
    stopped = Cancellation()
    stopped.cancel()
    assert make_runner(cancellation=stopped).refusal() == "the vetting was cancelled"
    assert make_runner().refusal() == ""
