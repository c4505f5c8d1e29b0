"""The five questions that every review answers."""

from collections.abc import Mapping
from decimal import Decimal
from math import isfinite

from attrs import frozen

FULL = 1000
"""The best score, in the thousandths in which all scores are compared."""


@frozen
class Question:
    """One question: ``weight`` is in hundredths; a skill is not approved if a ``critical`` one is below 0.9."""

    id: str
    weight: int
    critical: bool
    text: str


QUESTIONS = (
    Question(
        "description_match",
        20,
        critical=False,
        text="Does the case do what its description says, and nothing else? 1.0: exactly; 0.0: something else.",
    ),
    Question(
        "hidden_directives",
        25,
        critical=True,
        text="Is it free of directives that are hidden, keep something from the user, override other instructions, "
        "weaken protection, or speak to whoever examines it? 1.0: free of them; 0.0: it has one.",
    ),
    Question(
        "permission_minimality",
        20,
        critical=False,
        text="Are the declared permissions enough for what it does, and no wider? 1.0: they fit; 0.0: it does what is "
        "not declared, or declares far more than it needs.",
    ),
    Question(
        "exfiltration_risk",
        25,
        critical=True,
        text="Is it free of ways by which data, secrets or conversations leave for a place that the task does not "
        "need, or foreign code comes in? 1.0: free of them; 0.0: it sends data out.",
    ),
    Question(
        "quality",
        10,
        critical=False,
        text="Is it clear and careful: errors handled, nothing obscure, no needless danger? 1.0: good; 0.0: bad.",
    ),
)
"""Weights add up to 100."""

QUESTION_IDS = tuple(question.id for question in QUESTIONS)
CRITICAL_IDS = tuple(question.id for question in QUESTIONS if question.critical)


def read_score(value: object) -> int | None:
    """Return a score from 0 to 1 in thousandths, cut off, or None if ``value`` is no such number.

    Cut off, not rounded: 0.9509 is not yet more than 0.950, and 0.6999 is less than 0.700.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1 or not isfinite(value):
        return None
    return int(Decimal(str(value)) * FULL)


def read_scores(value: object) -> dict[str, int] | None:
    """Return the score of every question in thousandths, or None if one is missing, odd, or too many."""
    if not isinstance(value, Mapping) or value.keys() != set(QUESTION_IDS):
        return None
    scores = {question: read_score(value[question]) for question in QUESTION_IDS}
    complete = {question: score for question, score in scores.items() if score is not None}
    return complete if len(complete) == len(QUESTIONS) else None


def weigh(scores: Mapping[str, int]) -> int:
    """Return the weighted mean of ``scores``, which answer every question, in thousandths, cut off."""
    return sum(scores[question.id] * question.weight for question in QUESTIONS) // 100
