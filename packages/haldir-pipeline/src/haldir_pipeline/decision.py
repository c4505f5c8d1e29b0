"""From the outcomes of the layers to one result: a table, and nothing else decides."""

from collections.abc import Iterator, Sequence
from enum import StrEnum

from attrs import frozen

from haldir_core import Status
from haldir_pipeline.outcomes import LayerName, Outcome, State
from haldir_pipeline.profiles import Demand, Unchecked


class Result(StrEnum):
    """The result of a vetting, from good to bad."""

    APPROVED = "approved"
    AMBER = "amber"
    """A person must decide."""
    ERROR = "error"
    """Nothing is decided, and no report is written."""
    REJECTED = "rejected"

    @property
    def status(self) -> Status | None:
        """The word of the report; None if there is no report."""
        return _STATUSES[self]


_STATUSES = {
    Result.APPROVED: Status.PASS,
    Result.AMBER: Status.FLAG,
    Result.REJECTED: Status.REJECT,
    Result.ERROR: None,
}


@frozen
class Reason:
    """One thing that keeps a skill from being approved."""

    result: Result
    layer: LayerName
    text: str


_BY_STATE = {State.REJECT: Result.REJECTED, State.ERROR: Result.ERROR, State.FLAG: Result.AMBER}
_BY_STATE[State.INCONCLUSIVE] = Result.AMBER
_ORDER = list(Result)


def decide(outcomes: Sequence[Outcome], demand: Demand) -> tuple[Result, tuple[Reason, ...]]:
    """Return the result and all reasons against an approval, the worst first.

    A rejection outranks an error, and an error everything else.  A layer that is required and that neither
    ran nor carries a result is an error.
    """
    reasons = sorted(_reasons(outcomes, demand), key=lambda reason: -_ORDER.index(reason.result))
    return (reasons[0].result if reasons else Result.APPROVED), tuple(reasons)


def _reasons(outcomes: Sequence[Outcome], demand: Demand) -> Iterator[Reason]:
    known = {outcome.layer: outcome for outcome in outcomes}
    has_ended_early = any(outcome.state in {State.REJECT, State.ERROR} for outcome in outcomes)
    for layer in LayerName:
        outcome = known.get(layer, Outcome(layer=layer, state=State.SKIPPED, reason="it was not asked"))
        if outcome.state in _BY_STATE:
            yield Reason(_BY_STATE[outcome.state], layer, outcome.reason or outcome.state.value)
        if _is_missing(outcome, demand) and not has_ended_early:  # else that is what is to be told
            text = outcome.reason or "it did not run"
            yield Reason(Result.ERROR, layer, f"this layer is required by the profile {demand.profile.name}: {text}")
        if outcome.unchecked and demand.profile.unchecked is Unchecked.AMBER:
            yield Reason(Result.AMBER, layer, "not compared with known vulnerabilities: " + outcome.unchecked[0])


def _is_missing(outcome: Outcome, demand: Demand) -> bool:
    if outcome.state is State.SKIPPED:
        return outcome.layer in demand.required
    if outcome.state is not State.CARRIED:
        return False
    is_good = outcome.carried is not None and outcome.carried.state is State.PASS
    return not (is_good and outcome.layer in demand.may_carry)
