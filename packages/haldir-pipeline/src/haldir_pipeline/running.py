"""One layer, from its start to its outcome: budget, errors, and what is kept of an earlier run."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import Enum
from typing import TypeVar

from attrs import evolve, field, frozen

from haldir_core import HaldirError, Status, Timestamp
from haldir_core.canonical import JsonObject
from haldir_core.report import MAX_DURATION_MS
from haldir_pipeline._layers.interface import Allowance, Answer, Layer, LayerError, UnavailableError
from haldir_pipeline.cancellation import Cancellation
from haldir_pipeline.configuration import Budgets
from haldir_pipeline.findings import fit
from haldir_pipeline.outcomes import LayerName, Outcome, State
from haldir_pipeline.subject import Subject

MEGABYTE = 1_000_000
MAX_REASON = 500
"""UTF-16 units of a reason."""
_LEAST_SECONDS = 0.001

Value = TypeVar("Value")


class Measure(Enum):
    """What the seconds of a budget are."""

    PROCESSOR = "processor"
    """Of the thread that runs the layer, for every megabyte of the skill that is begun: a busy machine uses up none."""
    WALL = "wall"


@frozen
class Budget:
    """How long one layer may take."""

    measure: Measure
    seconds: Callable[[Budgets], float]

    def of(self, budgets: Budgets, total_bytes: int) -> float:
        """Return the seconds that a layer has for a skill of that size."""
        each = self.seconds(budgets)
        if self.measure is Measure.WALL:
            return each
        return max(each * (total_bytes // MEGABYTE + 1), budgets.floor_seconds)

    def overrun(self, budgets: Budgets, total_bytes: int) -> float:
        """Return the seconds after which an answer came too late.  A layer on the clock of the wall stops by itself."""
        own = self.of(budgets, total_bytes)
        return own + budgets.floor_seconds if self.measure is Measure.WALL else own


BUDGETS: dict[LayerName, Budget] = {
    LayerName.SCAN: Budget(Measure.PROCESSOR, lambda budgets: budgets.scan_seconds),
    LayerName.AUDIT: Budget(Measure.PROCESSOR, lambda budgets: budgets.audit_seconds),
    LayerName.SANDBOX: Budget(Measure.WALL, lambda budgets: budgets.sandbox_seconds),
    LayerName.REVIEW: Budget(Measure.WALL, lambda budgets: budgets.review_seconds),
}

_STATES = {Status.PASS: State.PASS, Status.FLAG: State.FLAG, Status.REJECT: State.REJECT, None: State.INCONCLUSIVE}


@frozen(kw_only=True)
class Meters:
    """The clocks: ``now`` dates, the others measure seconds."""

    now: Callable[[], datetime]
    processor: Callable[[], float] = time.thread_time
    wall: Callable[[], float] = time.monotonic

    def of(self, measure: Measure) -> Callable[[], float]:
        """Return the clock by which a budget is measured."""
        return self.processor if measure is Measure.PROCESSOR else self.wall


@frozen(kw_only=True)
class Runner:
    """Runs layers on one subject; ``deadline`` is on the clock of the wall."""

    subject: Subject
    budgets: Budgets
    meters: Meters
    cancellation: Cancellation = field(factory=Cancellation)
    deadline: float

    def refusal(self) -> str:
        """Return why no further layer may begin; empty if one may."""
        if self.cancellation.is_cancelled:
            return "the vetting was cancelled"
        if self.meters.wall() >= self.deadline:
            return f"the {self.budgets.total_seconds:g} seconds for the whole vetting were over"
        return ""

    def inputs(self, layer: Layer) -> JsonObject | Outcome:
        """Return what the layer's answer depends on; an outcome if it cannot run, or fails already."""
        return _guarded(layer.name, lambda: layer.inputs(self.subject))

    def run(self, layer: Layer) -> Outcome:
        """Return the outcome of a layer, whatever happens in it."""
        budget, size = BUDGETS[layer.name], self.subject.snapshot.total_bytes
        seconds = min(budget.of(self.budgets, size), max(self.deadline - self.meters.wall(), _LEAST_SECONDS))
        allowance = Allowance(seconds=seconds, now=self.meters.now, cancellation=self.cancellation)
        clock = self.meters.of(budget.measure)
        started, begun = self.meters.now(), clock()
        answer = _guarded(layer.name, lambda: layer.judge(self.subject, allowance))
        outcome = answer if isinstance(answer, Outcome) else _outcome(layer.name, answer)
        taken, allowed = clock() - begun, budget.overrun(self.budgets, size)
        elapsed = max((self.meters.now() - started) / timedelta(milliseconds=1), 0.0)
        if taken > allowed:
            outcome = _unfinished(outcome, f"it took {taken:.1f} s, and {allowed:.1f} s are its budget")
        duration_ms = round(min(elapsed, MAX_DURATION_MS), 3)
        return evolve(outcome, started=Timestamp.at(started), duration_ms=duration_ms)


def _guarded(name: LayerName, call: Callable[[], Value]) -> Value | Outcome:
    """Return what ``call`` returns, or the outcome that its error means."""
    try:
        return call()
    except UnavailableError as error:
        return Outcome(layer=name, state=State.SKIPPED, reason=_told(error))
    except (LayerError, HaldirError, OSError) as error:
        return Outcome(layer=name, state=State.ERROR, reason=_told(error))
    except Exception as error:  # noqa: BLE001 - whatever a layer dies of, it is told, and is no approval
        told = f"internal error ({type(error).__name__}: {_told(error)})"
        return Outcome(layer=name, state=State.ERROR, reason=told)


def _told(error: Exception) -> str:
    return fit(str(error) or type(error).__name__, MAX_REASON)


def _outcome(name: LayerName, answer: Answer) -> Outcome:
    outcome = Outcome(
        layer=name,
        state=_STATES[answer.status],
        reason="" if answer.status is Status.PASS else fit(answer.reason, MAX_REASON),
        findings=answer.findings,
        summary=answer.summary,
        unchecked=answer.unchecked,
        facts=answer.facts,
    )
    return _unfinished(outcome, answer.incomplete) if answer.incomplete else outcome


def _unfinished(outcome: Outcome, why: str) -> Outcome:
    """Return the outcome of a layer that did not look at everything, or took too long: a rejection stays one."""
    if outcome.state not in {State.PASS, State.FLAG, State.INCONCLUSIVE}:
        return outcome
    return evolve(outcome, state=State.INCONCLUSIVE, reason=fit(f"{outcome.reason}; {why}".lstrip("; "), MAX_REASON))
