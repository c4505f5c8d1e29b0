"""The decision table: what the reviews of several models together mean for a skill.

All scores are whole thousandths. A rule that decides ends the table; the first rule comes first.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from statistics import median_low

from attrs import frozen

from haldir_reviewer.questions import CRITICAL_IDS, FULL, weigh

REJECT_BELOW = 700
APPROVE_ABOVE = 950
MAX_DIFFERENCE = 200
CRITICAL_FROM = 900
NEEDED_REVIEWS = 2


class Outcome(StrEnum):
    """What becomes of a skill.  ``escalate`` asks for a third model, and is never the end."""

    APPROVE = "approve"
    HUMAN = "human"
    INCONCLUSIVE = "inconclusive"
    REJECT = "reject"
    ESCALATE = "escalate"


class Reason(StrEnum):
    """Why; the words are part of the report."""

    LOW_WITH_EVIDENCE = "a score is below 0.70, and its evidence occurs in the skill"
    TOO_FEW_REVIEWS = "fewer than two models gave a valid review"
    CANARY_FAILED = "a model failed a canary"
    NOT_COVERED = "not every byte of the skill was reviewed"
    DIFFERENCE = "the scores differ by more than 0.2"
    LOW_WITHOUT_EVIDENCE = "a score is below 0.70, and no evidence for it occurs in the skill"
    UNSTABLE = "a model changed its mind when the questions were shuffled"
    UNPROVEN_CLAIM = "a model reports something adverse, with a quotation that does not occur in the skill"
    MEDIAN_LOW = "the median of three scores is below 0.70"
    MEDIAN = "a third model was asked, and its median does not approve"
    NO_THIRD = "no third model gave a valid review"
    ALL_HIGH = "all scores are above 0.95"
    NOT_HIGH = "not all scores are above 0.95"
    CRITICAL_LOW = "a critical question is below 0.9"
    FINDING = "a model reports something adverse that occurs in the skill"
    CAPPED = "the examination by rules caps the score"


@frozen(kw_only=True)
class Opinion:
    """What one model says, as far as the table is concerned.

    Attributes:
        model: its name; two opinions by one name count once.
        scores: thousandths for every question, or None if the review is not valid.
        canaries_held: no canary failed.
        has_evidence: it cites something that occurs in the bytes of the skill.
        findings: how many adverse facts it reports that occur in the bytes.
        unstable: its answers jump between two orders of the questions.
        unproven: how many adverse facts it reports that do not occur in the bytes.
        cap: what examination by rules leaves of its score.
    """

    model: str
    scores: Mapping[str, int] | None
    canaries_held: bool = True
    has_evidence: bool = False
    findings: int = 0
    unstable: bool = False
    unproven: int = 0
    cap: int = FULL

    @property
    def score(self) -> int | None:
        """The weighted score in thousandths, or None if the review is not valid."""
        return weigh(self.scores) if self.scores is not None and self.canaries_held else None

    @property
    def low(self) -> bool:
        """Whether the review is valid and its score below 0.70."""
        return self.score is not None and self.score < REJECT_BELOW


@frozen(kw_only=True)
class Case:
    """All that the table looks at: opinions, whether every byte was reviewed, and the cap of the pre-screen."""

    opinions: tuple[Opinion, ...]
    covered: bool
    cap: int = FULL


@frozen
class Decision:
    """An outcome with its reasons."""

    outcome: Outcome
    reasons: tuple[Reason, ...]


def decide(case: Case) -> Decision:
    """Return what the first two models mean; ``escalate`` asks for a third, and then for `settle`."""
    scores = _valid_scores(case.opinions)
    if any(opinion.low and opinion.has_evidence for opinion in case.opinions):
        return Decision(Outcome.REJECT, (Reason.LOW_WITH_EVIDENCE,))
    if reasons := _inconclusive(case):
        return Decision(Outcome.INCONCLUSIVE, reasons)
    if reasons := _disagreement(case.opinions, scores):
        return Decision(Outcome.ESCALATE, reasons)
    if reasons := _doubts(case, scores):
        return Decision(Outcome.HUMAN, reasons)
    return Decision(Outcome.APPROVE, (Reason.ALL_HIGH,))


def settle(case: Case, third: Opinion | None) -> Decision:
    """Return what the models mean after a third one was asked, or None was there to ask: the skill is never approved.

    ``case`` is one for which `decide` said ``escalate``.
    """
    reasons = _disagreement(case.opinions, _valid_scores(case.opinions))
    opinions = case.opinions if third is None else (*case.opinions, third)
    if any(opinion.low and opinion.has_evidence for opinion in opinions):
        return Decision(Outcome.REJECT, (Reason.LOW_WITH_EVIDENCE, *reasons))
    if third is not None and not third.canaries_held:
        return Decision(Outcome.INCONCLUSIVE, (Reason.CANARY_FAILED, *reasons))
    scores = _valid_scores(opinions)
    if third is None or third.score is None or _models(opinions) == _models(case.opinions):
        return Decision(Outcome.HUMAN, (*reasons, Reason.NO_THIRD))
    if median_low(scores) < REJECT_BELOW:
        return Decision(Outcome.REJECT, (*reasons, Reason.MEDIAN_LOW))
    return Decision(Outcome.HUMAN, (*reasons, Reason.MEDIAN))


def _valid_scores(opinions: Sequence[Opinion]) -> list[int]:
    return [score for opinion in opinions if (score := opinion.score) is not None]


def _models(opinions: Sequence[Opinion]) -> set[str]:
    """The names of the models whose reviews are valid."""
    return {opinion.model for opinion in opinions if opinion.score is not None}


def _inconclusive(case: Case) -> tuple[Reason, ...]:
    missing = len(_models(case.opinions)) < NEEDED_REVIEWS or any(opinion.score is None for opinion in case.opinions)
    return _those_that_hold(
        (
            (Reason.TOO_FEW_REVIEWS, missing),
            (Reason.CANARY_FAILED, not all(opinion.canaries_held for opinion in case.opinions)),
            (Reason.NOT_COVERED, not case.covered),
        )
    )


def _disagreement(opinions: Sequence[Opinion], scores: Sequence[int]) -> tuple[Reason, ...]:
    return _those_that_hold(
        (
            (Reason.DIFFERENCE, max(scores) - min(scores) > MAX_DIFFERENCE),
            (Reason.LOW_WITHOUT_EVIDENCE, any(opinion.low for opinion in opinions)),
            (Reason.UNSTABLE, any(opinion.unstable for opinion in opinions)),
            (Reason.UNPROVEN_CLAIM, any(opinion.unproven for opinion in opinions)),
        )
    )


def _doubts(case: Case, scores: Sequence[int]) -> tuple[Reason, ...]:
    critical = [opinion.scores[question] for opinion in case.opinions if opinion.scores for question in CRITICAL_IDS]
    return _those_that_hold(
        (
            (Reason.NOT_HIGH, min(scores) <= APPROVE_ABOVE),
            (Reason.CRITICAL_LOW, min(critical) < CRITICAL_FROM),
            (Reason.FINDING, any(opinion.findings for opinion in case.opinions)),
            (Reason.CAPPED, min(case.cap, *(opinion.cap for opinion in case.opinions)) <= APPROVE_ABOVE),
        )
    )


def _those_that_hold(reasons: Iterable[tuple[Reason, bool]]) -> tuple[Reason, ...]:
    return tuple(reason for reason, holds in reasons if holds)
