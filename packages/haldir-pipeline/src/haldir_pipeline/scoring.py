"""The trust score: integer thousandths, from tables.  Spec: vetting-1.0, section 6."""

from collections.abc import Iterator, Mapping, Sequence

from attrs import frozen

from haldir_core import Severity, Summary
from haldir_core.canonical import JsonObject
from haldir_pipeline.decision import Result
from haldir_pipeline.outcomes import LayerName, Outcome, State

WHOLE = 1000
"""A score of 1.0, in thousandths."""

WEIGHTS: Mapping[LayerName, int] = {
    LayerName.SCAN: 300,
    LayerName.AUDIT: 250,
    LayerName.SANDBOX: 250,
    LayerName.REVIEW: 200,
}
"""The share of each layer; together 1000."""

DEDUCTIONS: Mapping[Severity, tuple[int, int]] = {
    Severity.CRITICAL: (500, 1000),
    Severity.HIGH: (150, 600),
    Severity.MEDIUM: (50, 300),
    Severity.LOW: (5, 50),
}
"""Points that one finding takes from its layer, and the most that all of this severity take."""

RANGES: Mapping[State, tuple[int, int]] = {
    State.PASS: (600, 1000),
    State.CARRIED: (550, 550),
    State.SKIPPED: (500, 500),
    State.FLAG: (200, 500),
    State.INCONCLUSIVE: (100, 200),
    State.REJECT: (0, 0),
    State.ERROR: (0, 0),
}
"""The least and the most points of a layer by its state.  No two of them overlap, so a worse state is never better."""

RESULT_CEILINGS: Mapping[Result, int] = {
    Result.APPROVED: 1000,
    Result.AMBER: 690,
    Result.REJECTED: 0,
    Result.ERROR: 0,
}
MISSING_CEILINGS: Mapping[LayerName, int] = {
    LayerName.SCAN: 0,
    LayerName.AUDIT: 0,
    LayerName.SANDBOX: 850,
    LayerName.REVIEW: 900,
}
"""The most that a skill gets if a layer did not run."""
CARRIED_CEILING = 950
UNCHECKED_CEILING = 750
"""The most that a skill gets whose dependencies were not compared with known vulnerabilities."""


@frozen
class Part:
    """What one layer adds: its points of 1000, and the share of the whole that they make."""

    layer: LayerName
    points: int
    weight: int

    @property
    def contribution(self) -> int:
        """What it adds to the score, in thousandths, rounded down."""
        return self.points * self.weight // WHOLE


@frozen
class Ceiling:
    """A limit of the score, and why."""

    most: int
    reason: str


@frozen
class Score:
    """The score in thousandths, with all that it was made of."""

    thousandths: int
    parts: tuple[Part, ...]
    ceilings: tuple[Ceiling, ...]

    @property
    def text(self) -> str:
        """The score as people write it: ``0.925``."""
        return f"{self.thousandths // WHOLE}.{self.thousandths % WHOLE:03d}"

    def to_json(self) -> JsonObject:
        """Return the score as a JSON value."""
        return {
            "thousandths": self.thousandths,
            "parts": [
                {
                    "layer": part.layer.value,
                    "points": part.points,
                    "weight": part.weight,
                    "contribution": part.contribution,
                }
                for part in self.parts
            ],
            "ceilings": [{"most": ceiling.most, "reason": ceiling.reason} for ceiling in self.ceilings],
        }


def score(outcomes: Sequence[Outcome], result: Result) -> Score:
    """Return the score; it depends on nothing but the states, the counts of findings and the result."""
    known = {outcome.layer: outcome for outcome in outcomes}
    every = [known.get(layer, Outcome(layer=layer, state=State.SKIPPED)) for layer in LayerName]
    parts = tuple(Part(outcome.layer, _points(outcome), WEIGHTS[outcome.layer]) for outcome in every)
    ceilings = tuple(sorted(_ceilings(every, result), key=lambda ceiling: ceiling.most))
    most = min((ceiling.most for ceiling in ceilings), default=WHOLE)
    return Score(min(sum(part.contribution for part in parts), most), parts, ceilings)


def _points(outcome: Outcome) -> int:
    least, most = RANGES[outcome.state]
    return max(least, most - deduction(outcome.summary))


def deduction(summary: Summary) -> int:
    """Return the points that findings take from a layer."""
    counts = {
        Severity.CRITICAL: summary.critical,
        Severity.HIGH: summary.high,
        Severity.MEDIUM: summary.medium,
        Severity.LOW: summary.low,
    }
    return sum(min(each * counts[severity], most) for severity, (each, most) in DEDUCTIONS.items())


def _ceilings(outcomes: Sequence[Outcome], result: Result) -> Iterator[Ceiling]:
    if RESULT_CEILINGS[result] < WHOLE:
        yield Ceiling(RESULT_CEILINGS[result], f"the result is {result}")
    for outcome in outcomes:
        if outcome.state in {State.SKIPPED, State.ERROR}:
            yield Ceiling(MISSING_CEILINGS[outcome.layer], f"the layer {outcome.layer} did not run to its end")
        if outcome.state is State.CARRIED:
            yield Ceiling(CARRIED_CEILING, f"the result of the layer {outcome.layer} is that of an earlier version")
        if outcome.unchecked:
            yield Ceiling(UNCHECKED_CEILING, "not everything was compared with known vulnerabilities")
