"""What a person should look at, drawn from the hits of rules and the reviews of models."""

from collections.abc import Iterable, Sequence

from haldir_reviewer._content.chunks import Coverage
from haldir_reviewer._content.hits import Hit
from haldir_reviewer.decision import CRITICAL_FROM, REJECT_BELOW, Decision, Outcome
from haldir_reviewer.facts import MEANINGS, Fact, FactKind
from haldir_reviewer.questions import FULL
from haldir_reviewer.report import ModelReview, ReviewFinding

CATEGORY = "model_review"
MAX_FINDINGS = 1_000
_NEAR_LINES = 1
"""How far from a line that must be reported a fact may stand: models quote the line before or after."""

_OUTCOME_SEVERITY = {Outcome.REJECT: "high", Outcome.HUMAN: "medium", Outcome.INCONCLUSIVE: "medium"}
_WHOLE = "SKILL.md"


def overlooked(sweep: Sequence[Hit], facts: Sequence[Fact]) -> tuple[Hit, ...]:
    """Return the hits near which there is no fact; that something is only explained is none."""
    telling = [fact for fact in facts if fact.kind is not FactKind.EXPLAINS]
    places = {(fact.path, fact.line + offset) for fact in telling for offset in range(-_NEAR_LINES, _NEAR_LINES + 1)}
    return tuple(hit for hit in sweep if (hit.path, hit.line) not in places)


def findings(
    decision: Decision, hits: Sequence[Hit], reviews: Sequence[ModelReview], coverage: Coverage
) -> tuple[ReviewFinding, ...]:
    """Return all findings, each once, the outcome first if it is not to approve."""
    every = [
        *_outcome(decision),
        *_coverage(coverage),
        *(_hit(hit, hit.message) for hit in hits),
        *_facts(reviews),
        *(finding for review in reviews for finding in _review(review)),
    ]
    return tuple(dict.fromkeys(every))[:MAX_FINDINGS]


def _outcome(decision: Decision) -> Iterable[ReviewFinding]:
    if decision.outcome is Outcome.APPROVE:
        return
    words = "; ".join(reason.value for reason in decision.reasons)
    yield ReviewFinding(
        rule=f"review_{decision.outcome.value}",
        category=CATEGORY,
        severity=_OUTCOME_SEVERITY[decision.outcome],
        message=f"the review ends with {decision.outcome.value}: {words}",
        path=_WHOLE,
        line=0,
    )


def _coverage(coverage: Coverage) -> Iterable[ReviewFinding]:
    if coverage.complete:
        return
    shown = coverage.reviewed + coverage.described
    message = (
        f"models saw {shown} of {coverage.bytes} bytes and {coverage.reviewed_files} of {coverage.files} files; "
        f"{coverage.opaque} bytes are in binary files that cannot be read as text"
    )
    yield ReviewFinding(
        rule="review_coverage", category=CATEGORY, severity="medium", message=message, path=_WHOLE, line=0
    )


def _hit(hit: Hit, message: str) -> ReviewFinding:
    return ReviewFinding(
        rule=hit.rule,
        category=CATEGORY,
        severity=hit.severity,
        message=message,
        path=hit.path,
        line=hit.line,
        excerpt=hit.excerpt,
    )


def _review(review: ModelReview) -> Iterable[ReviewFinding]:
    yield from (_hit(hit, f"{review.model} does not report it: {hit.message}") for hit in review.overlooked)
    if review.failed:
        yield _whole("review_canary", "high", f"{review.model} failed: {', '.join(sorted(review.failed))}")
    if review.problem is not None:
        yield _whole("review_missing", "medium", f"{review.model} gave no valid review: {review.problem}")
    if review.scores is not None and review.score is not None:
        yield from (_low(review.model, name, score) for name, score in review.scores.items() if score < CRITICAL_FROM)


def _low(model: str, question: str, score: int) -> ReviewFinding:
    severity = "medium" if score < REJECT_BELOW else "low"
    return _whole(f"review_{question}", severity, f"{model} gives {question} {score / FULL:.2f}")


def _facts(reviews: Sequence[ModelReview]) -> Iterable[ReviewFinding]:
    """One finding for each adverse kind at each place, with the names of the models that report it."""
    models: dict[tuple[str, int, FactKind], dict[str, Fact]] = {}
    for review in reviews:
        for fact in review.adverse:
            models.setdefault((fact.path, fact.line, fact.kind), {}).setdefault(review.model, fact)
    for by in models.values():
        yield _fact(" and ".join(by), next(iter(by.values())))


def _fact(names: str, fact: Fact) -> ReviewFinding:
    meaning = MEANINGS[fact.kind]
    return ReviewFinding(
        rule=f"review_{fact.kind}",
        category=CATEGORY,
        severity=meaning.severity or "low",
        message=f"reported by {names}: {meaning.text}",
        path=fact.path,
        line=fact.line,
        excerpt=fact.quote,
    )


def _whole(rule: str, severity: str, message: str) -> ReviewFinding:
    return ReviewFinding(rule=rule, category=CATEGORY, severity=severity, message=message, path=_WHOLE, line=0)
