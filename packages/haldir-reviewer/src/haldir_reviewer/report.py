"""The result of a review: what was decided, why, by whom, and over how much of the skill."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from attrs import asdict, field, frozen

from haldir_core.canonical import JsonObject, JsonValue
from haldir_core.digest import Digest
from haldir_core.report import Status
from haldir_core.timestamp import Timestamp
from haldir_reviewer._content.chunks import Coverage
from haldir_reviewer._content.hits import Hit
from haldir_reviewer.canaries import Canary
from haldir_reviewer.decision import Decision, Opinion, Outcome
from haldir_reviewer.facts import Fact
from haldir_reviewer.model import Usage
from haldir_reviewer.prompts import PROMPT_VERSION
from haldir_reviewer.questions import FULL, weigh

REPORT_VERSION = "1.0"

_STATUS = {Outcome.APPROVE: Status.PASS, Outcome.REJECT: Status.REJECT}


@frozen(kw_only=True)
class ReviewFinding:
    """One thing that a person should look at; the six properties are those of every layer of the vetting."""

    rule: str
    category: str
    severity: str
    message: str
    path: str
    line: int
    excerpt: str | None = None


@frozen(kw_only=True)
class ModelReview:
    """What one model said.

    Attributes:
        model: the name under which it is configured.
        problem: why there is no valid review, or None.
        scores: thousandths by question, the lower of both views; None if there is no valid answer.
        views: the scores of the views, each in another order of the questions.
        facts: what it reports and what occurs in the bytes of the skill.
        evidence: the facts that it cites against the skill.
        failed: the canaries that failed.
        discarded: how many of its quotations and citations lead nowhere.
        unproven: how many of these report something adverse.
        overlooked: what rules found and it must report, and does not.
        usage: tokens and cost.
    """

    model: str
    problem: str | None = None
    scores: Mapping[str, int] | None = None
    views: tuple[Mapping[str, int], ...] = ()
    facts: tuple[Fact, ...] = field(default=(), repr=False)
    evidence: tuple[Fact, ...] = ()
    failed: frozenset[Canary] = frozenset()
    discarded: int = 0
    unproven: int = 0
    unstable: bool = False
    overlooked: tuple[Hit, ...] = ()
    cap: int = FULL
    usage: Usage = field(factory=Usage)

    @property
    def adverse(self) -> tuple[Fact, ...]:
        """The facts that have no place in an honest skill."""
        return tuple(fact for fact in self.facts if fact.adverse)

    @property
    def score(self) -> int | None:
        """The weighted score in thousandths, or None if the review is not valid."""
        return self.opinion.score

    @property
    def opinion(self) -> Opinion:
        """The review as the decision table sees it."""
        return Opinion(
            model=self.model,
            scores=self.scores if self.problem is None else None,
            canaries_held=not self.failed,
            has_evidence=bool(self.evidence or self.adverse),
            findings=len(self.adverse),
            unstable=self.unstable,
            unproven=self.unproven,
            cap=self.cap,
        )


@frozen(kw_only=True)
class ReviewReport:
    """The result of a review.

    ``reviews`` are in the order of the panel; the last one is that of a third model if one was asked.
    """

    content: Digest
    reviewed_at: datetime
    decision: Decision
    reviews: tuple[ModelReview, ...]
    coverage: Coverage
    cap: int
    findings: tuple[ReviewFinding, ...]
    prompt_version: str = PROMPT_VERSION

    @property
    def outcome(self) -> Outcome:
        """approve, reject, human or inconclusive."""
        return self.decision.outcome

    @property
    def status(self) -> Status:
        """The outcome in the words of a vetting report: approve passes, reject rejects, everything else flags."""
        return _STATUS.get(self.outcome, Status.FLAG)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why, in words."""
        return tuple(reason.value for reason in self.decision.reasons)

    @property
    def score(self) -> float:
        """The lowest score of a valid review from 0.0 to 1.0, at most what the pre-screen leaves; 0.0 without any."""
        scores = [score for review in self.reviews if (score := review.score) is not None]
        caps = [review.cap for review in self.reviews]
        return min([*scores, self.cap, *caps]) / FULL if scores else 0.0

    @property
    def discarded(self) -> int:
        """How many quotations of all models do not occur in the bytes."""
        return sum(review.discarded for review in self.reviews)

    @property
    def usage(self) -> Usage:
        """Tokens and cost of all models together."""
        return total_usage(review.usage for review in self.reviews)

    def to_json(self) -> JsonObject:
        """Return the report as JSON value."""
        return {
            "schema_version": REPORT_VERSION,
            "content": self.content,
            "reviewed_at": Timestamp.at(self.reviewed_at).text,
            "prompt_version": self.prompt_version,
            "decision": self.outcome.value,
            "status": self.status.value,
            "reasons": list(self.reasons),
            "score": self.score,
            "cap": self.cap / FULL,
            "coverage": asdict(self.coverage) | {"complete": self.coverage.complete},
            "reviews": [_review_json(review) for review in self.reviews],
            "findings": [_finding_json(finding) for finding in self.findings],
            "discarded": self.discarded,
            "usage": asdict(self.usage),
        }


def total_usage(parts: Iterable[Usage]) -> Usage:
    """Return the sum of ``parts``."""
    total = Usage()
    for part in parts:
        total = Usage(
            total.input_tokens + part.input_tokens,
            total.output_tokens + part.output_tokens,
            total.cached_tokens + part.cached_tokens,
            total.cost_micros + part.cost_micros,
        )
    return total


def _review_json(review: ModelReview) -> JsonObject:
    scores: JsonValue = None if review.scores is None else _scores_json(review.scores)
    return {
        "model": review.model,
        "valid": review.score is not None,
        "problem": review.problem,
        "score": None if review.scores is None else weigh(review.scores) / FULL,
        "scores": scores,
        "views": [_scores_json(view) for view in review.views],
        "canaries": {canary.value: canary not in review.failed for canary in Canary}
        if review.problem is None
        else None,
        "facts": len(review.facts),
        "adverse": [_fact_json(fact) for fact in review.adverse],
        "evidence": [_fact_json(fact) for fact in review.evidence],
        "discarded": review.discarded,
        "unproven": review.unproven,
        "unstable": review.unstable,
        "cap": review.cap / FULL,
        "usage": asdict(review.usage),
    }


def _scores_json(scores: Mapping[str, int]) -> JsonObject:
    return {question: score / FULL for question, score in scores.items()}


def _fact_json(fact: Fact) -> JsonObject:
    return {"kind": fact.kind.value, "path": fact.path, "line": fact.line, "quote": well_formed(fact.quote)}


def _finding_json(finding: ReviewFinding) -> JsonObject:
    excerpt = None if finding.excerpt is None else well_formed(finding.excerpt)
    return asdict(finding) | {
        "message": well_formed(finding.message),
        "path": well_formed(finding.path),
        "excerpt": excerpt,
    }


def well_formed(text: str) -> str:
    """Return ``text`` with a question mark for each byte that is no UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8")
