"""How the matches of a skill become its verdict: weights and thresholds, which are data of the bundle."""

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Self

from attrs import frozen

from haldir_scanner._errors import BundleError
from haldir_scanner._rules._rule import Confidence, Effect, Rule
from haldir_scanner._severity import Severity, Status


class Policy(StrEnum):
    """How easily a skill is flagged or rejected; what rejects or flags alone does so under every policy."""

    STRICT = "strict"
    BALANCED = "balanced"
    QUIET = "quiet"


@frozen
class Thresholds:
    """The scores from which a skill is flagged and rejected."""

    flag: int
    reject: int


@frozen(kw_only=True)
class Reason:
    """Why a verdict is what it is: one rule, and what it contributed.

    Attributes:
        rule: the id.
        effect: what a match of the rule does.
        points: added to the score; 0 for a rule that decides by itself.
        places: number of matches.
    """

    rule: str
    effect: Effect
    points: int
    places: int

    @property
    def text(self) -> str:
        """The reason as a phrase."""
        where = "once" if self.places == 1 else f"{self.places} times"
        if self.effect is Effect.SCORE:
            return f"{self.rule} found {where}: {self.points} points"
        return f"{self.rule} found {where}: {self.effect.value}s by itself"


@frozen(kw_only=True)
class Verdict:
    """A verdict with its score and its reasons, the weightiest first."""

    status: Status
    score: int
    reasons: tuple[Reason, ...]


@frozen(kw_only=True)
class Scoring:
    """Weights and thresholds.

    Attributes:
        weights: points of a match by severity, at high confidence.
        confidence_percent: share of these points by confidence.
        repeat_percent: share of a rule's points that each further match adds, up to ``repeats_counted``.
        repeats_counted: further matches of a rule that count.
        policies: thresholds by policy.
    """

    weights: Mapping[Severity, int]
    confidence_percent: Mapping[Confidence, int]
    repeat_percent: int
    repeats_counted: int
    policies: Mapping[Policy, Thresholds]

    @classmethod
    def of(cls, form: object) -> Self:
        """The record of the member ``scoring`` of a bundle."""
        try:
            return cls._of(form)
        except (KeyError, TypeError, ValueError) as error:
            raise BundleError(f"scoring is incomplete or has a wrong value: {error!r:.100}") from error

    @classmethod
    def _of(cls, form: Any) -> Self:  # noqa: ANN401 - what a bundle says, not yet looked at
        return cls(
            weights={severity: _points(form["weights"][severity.value]) for severity in Severity},
            confidence_percent={level: _points(form["confidence_percent"][level.value]) for level in Confidence},
            repeat_percent=_points(form["repeat_percent"]),
            repeats_counted=_points(form["repeats_counted"]),
            policies={
                policy: Thresholds(
                    flag=_threshold(form["policies"][policy.value]["flag"]),
                    reject=_threshold(form["policies"][policy.value]["reject"]),
                )
                for policy in Policy
            },
        )

    def judge(self, matched: Iterable[Rule], policy: Policy) -> Verdict:
        """The verdict about a skill, from the rule of each of its matches."""
        counts = Counter(matched)
        reasons = [self._reason(rule, places) for rule, places in counts.items()]
        score = sum(reason.points for reason in reasons)
        listed = [reason for reason in reasons if reason.effect is not Effect.NOTE]
        return Verdict(
            status=self._status({reason.effect for reason in reasons}, score, self.policies[policy]),
            score=score,
            reasons=tuple(sorted(listed, key=_weightiest)),
        )

    def _reason(self, rule: Rule, places: int) -> Reason:
        points = 0
        if rule.effect is Effect.SCORE:
            once = self._once(rule)
            points = once + once * self.repeat_percent * min(places - 1, self.repeats_counted) // 100
        return Reason(rule=rule.id, effect=rule.effect, points=points, places=places)

    def _once(self, rule: Rule) -> int:
        if rule.weight is not None:
            return rule.weight
        return self.weights[rule.severity] * self.confidence_percent[rule.confidence] // 100

    def _status(self, effects: set[Effect], score: int, thresholds: Thresholds) -> Status:
        if Effect.REJECT in effects or score >= thresholds.reject:
            return Status.REJECT
        if Effect.FLAG in effects or score >= thresholds.flag:
            return Status.FLAG
        return Status.PASS


_ORDER = {Effect.REJECT: 0, Effect.FLAG: 1, Effect.SCORE: 2, Effect.NOTE: 3}


def _weightiest(reason: Reason) -> tuple[int, int, str]:
    return _ORDER[reason.effect], -reason.points, reason.rule


def _points(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 1_000_000:
        raise ValueError(f"{value!r:.40} is no number of points")
    return value


def _threshold(value: object) -> int:
    # At 0, everything would be flagged; a bundle says so only by mistake.
    if _points(value) == 0:
        raise ValueError("a threshold must be greater than 0")
    return _points(value)
