import itertools
from fractions import Fraction

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from haldir_reviewer.decision import Case, Opinion, Outcome, Reason, decide, settle
from haldir_reviewer.questions import CRITICAL_IDS, QUESTION_IDS, QUESTIONS, read_score, read_scores, weigh

GRID = (0, 499, 500, 690, 699, 700, 701, 750, 751, 799, 800, 899, 900, 901, 949, 950, 951, 999, 1000)
"""Every threshold with its neighbours, and pairs that are exactly 0.200 and 0.201 apart."""


def opinion(model: str, score: int | None, *, evidence: bool = False, canaries: bool = True) -> Opinion:
    scores = None if score is None else dict.fromkeys(QUESTION_IDS, score)
    return Opinion(model=model, scores=scores, has_evidence=evidence, canaries_held=canaries)


def oracle(first: tuple[int | None, bool, bool], second: tuple[int | None, bool, bool], *, covered: bool) -> str:
    """The table, written down from its description with exact fractions: score, evidence, canaries of two models."""
    valid = [(Fraction(score, 1000), proof) for score, proof, held in (first, second) if score is not None and held]
    for score, proof in valid:
        if score < Fraction(7, 10) and proof:
            return "reject"
    if not (len(valid) == 2 and first[2] and second[2] and covered):
        return "inconclusive"
    (low, _), (high, _) = sorted(valid)
    if high - low > Fraction(1, 5) or low < Fraction(7, 10):
        return "escalate"
    if low > Fraction(95, 100):
        return "approve"
    return "human"


STATES = [
    (score, evidence, canaries) for score in (None, *GRID) for evidence in (True, False) for canaries in (True, False)
]


def test_the_whole_grid_agrees_with_the_description() -> None:
    for first, second, covered in itertools.product(STATES, STATES, (True, False)):
        opinions = (
            opinion("a", first[0], evidence=first[1], canaries=first[2]),
            opinion("b", second[0], evidence=second[1], canaries=second[2]),
        )
        outcome = decide(Case(opinions=opinions, covered=covered)).outcome.value
        assert outcome == oracle(first, second, covered=covered), (first, second, covered)


@pytest.mark.parametrize("third", [None, *GRID])
@pytest.mark.parametrize("pair", [(500, 1000), (700, 901), (699, 700), (0, 0), (799, 1000), (1000, 600)], ids=str)
def test_after_a_third_model_the_median_rejects_or_a_human_decides(pair: tuple[int, int], third: int | None) -> None:
    case = Case(opinions=(opinion("a", pair[0]), opinion("b", pair[1])), covered=True)
    outcome = settle(case, opinion("c", third)).outcome
    median = None if third is None else sorted([*pair, third])[1]
    assert outcome is (Outcome.REJECT if median is not None and median < 700 else Outcome.HUMAN)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (951, 951, Outcome.APPROVE),
        (950, 1000, Outcome.HUMAN),
        (700, 900, Outcome.HUMAN),
        (700, 901, Outcome.ESCALATE),
        (699, 800, Outcome.ESCALATE),
        (800, 1000, Outcome.HUMAN),
        (799, 1000, Outcome.ESCALATE),
    ],
    ids=lambda value: f"{value}",
)
def test_boundaries_fall_to_a_human(first: int, second: int, expected: Outcome) -> None:
    for scores in ((first, second), (second, first)):
        case = Case(opinions=(opinion("a", scores[0]), opinion("b", scores[1])), covered=True)
        assert decide(case).outcome is expected


def test_a_rejection_by_one_valid_review_needs_no_second_one() -> None:
    case = Case(opinions=(opinion("a", 600, evidence=True), opinion("b", None)), covered=False)
    assert decide(case).outcome is Outcome.REJECT


def test_two_reviews_by_one_model_are_one() -> None:
    decision = decide(Case(opinions=(opinion("a", 1000), opinion("a", 1000)), covered=True))
    assert decision.outcome is Outcome.INCONCLUSIVE
    assert decision.reasons == (Reason.TOO_FEW_REVIEWS,)


def test_a_third_review_by_one_of_the_two_models_is_no_third_one() -> None:
    case = Case(opinions=(opinion("a", 500), opinion("b", 1000)), covered=True)
    assert Reason.NO_THIRD in settle(case, opinion("a", 0)).reasons


def test_a_third_model_that_fails_a_canary_leaves_the_review_inconclusive() -> None:
    case = Case(opinions=(opinion("a", 500), opinion("b", 1000)), covered=True)
    assert settle(case, opinion("c", 0, canaries=False)).outcome is Outcome.INCONCLUSIVE


def test_a_third_model_with_evidence_rejects() -> None:
    case = Case(opinions=(opinion("a", 750), opinion("b", 1000)), covered=True)
    assert settle(case, opinion("c", 699, evidence=True)).outcome is Outcome.REJECT


@pytest.mark.parametrize("question", CRITICAL_IDS)
def test_a_critical_question_below_its_limit_prevents_approval(question: str) -> None:
    def outcome(score: int) -> Outcome:
        scores = dict.fromkeys(QUESTION_IDS, 1000) | {question: score}
        assert weigh(scores) > 950
        opinions = (Opinion(model="a", scores=scores), opinion("b", 1000))
        return decide(Case(opinions=opinions, covered=True)).outcome

    assert outcome(900) is Outcome.APPROVE
    assert outcome(899) is Outcome.HUMAN


@pytest.mark.parametrize(
    ("doubtful", "reason"),
    [
        (evolve(opinion("a", 1000), unstable=True), Reason.UNSTABLE),
        (evolve(opinion("a", 1000), unproven=1), Reason.UNPROVEN_CLAIM),
    ],
    ids=["jump between views", "adverse claim without proof"],
)
def test_doubts_about_a_model_call_a_third_one(doubtful: Opinion, reason: Reason) -> None:
    opinions = (doubtful, opinion("b", 1000))
    decision = decide(Case(opinions=opinions, covered=True))
    assert decision.outcome is Outcome.ESCALATE
    assert decision.reasons == (reason,)


@pytest.mark.parametrize(("cap", "expected"), [(951, Outcome.APPROVE), (950, Outcome.HUMAN), (700, Outcome.HUMAN)])
def test_a_cap_can_only_lower_and_never_rejects(cap: int, expected: Outcome) -> None:
    opinions = (opinion("a", 1000), opinion("b", 1000))
    assert decide(Case(opinions=opinions, covered=True, cap=cap)).outcome is expected
    capped = (evolve(opinions[0], cap=cap), opinions[1])
    assert decide(Case(opinions=capped, covered=True)).outcome is expected


SCORES = st.fixed_dictionaries(dict.fromkeys(QUESTION_IDS, st.integers(0, 1000) | st.sampled_from([951, 1000])))
OPINIONS = st.builds(
    Opinion,
    model=st.sampled_from(["a", "b", "c"]),
    scores=st.none() | SCORES | st.just(dict.fromkeys(QUESTION_IDS, 1000)),
    canaries_held=st.sampled_from([True, True, True, False]),
    has_evidence=st.booleans(),
    findings=st.sampled_from([0, 0, 0, 1]),
    unstable=st.sampled_from([False, False, False, True]),
    unproven=st.sampled_from([0, 0, 0, 2]),
    cap=st.sampled_from([1000, 1000, 951, 950, 700]),
)


@given(st.lists(OPINIONS, max_size=4), st.booleans(), st.sampled_from([1000, 951, 950, 700]))
def test_nothing_is_approved_that_has_any_fault(opinions: list[Opinion], covered: bool, cap: int) -> None:  # noqa: FBT001
    case = Case(opinions=tuple(opinions), covered=covered, cap=cap)
    faultless = (
        covered
        and cap > 950
        and len({item.model for item in opinions}) >= 2
        and all(
            item.scores is not None
            and item.canaries_held
            and not item.findings
            and not item.unproven
            and not item.unstable
            and item.cap > 950
            and sum(Fraction(item.scores[question.id] * question.weight, 100_000) for question in QUESTIONS)
            > Fraction(95, 100)
            for item in opinions
        )
    )
    if decide(case).outcome is Outcome.APPROVE:
        assert faultless


@given(st.lists(OPINIONS, min_size=2, max_size=2), st.none() | OPINIONS)
def test_what_was_escalated_is_never_approved(opinions: list[Opinion], third: Opinion | None) -> None:
    case = Case(opinions=tuple(opinions), covered=True)
    if decide(case).outcome is Outcome.ESCALATE:
        decision = settle(case, third)
        assert decision.outcome in {Outcome.REJECT, Outcome.HUMAN, Outcome.INCONCLUSIVE}
        assert decision.reasons


def test_the_weights_are_those_of_the_questions_and_add_up() -> None:
    assert {question.id: question.weight for question in QUESTIONS} == {
        "description_match": 20,
        "hidden_directives": 25,
        "permission_minimality": 20,
        "exfiltration_risk": 25,
        "quality": 10,
    }
    assert sum(question.weight for question in QUESTIONS) == 100


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, 0), (1, 1000), (1.0, 1000), (0.7, 700), (0.29, 290), (0.6999, 699), (0.9509, 950), (0.951, 951), (1e-9, 0)],
    ids=repr,
)
def test_a_score_is_cut_off_to_thousandths(value: float, expected: int) -> None:
    assert read_score(value) == expected


@pytest.mark.parametrize(
    "value",
    [True, False, None, "1.0", -0.001, 1.001, -1, 2, float("nan"), float("inf"), 10**400, [1.0], {}],
    ids=lambda value: f"{value}"[:12],
)
def test_what_is_no_number_from_0_to_1_is_no_score(value: object) -> None:
    assert read_score(value) is None
    assert read_scores(dict.fromkeys(QUESTION_IDS, 1.0) | {"quality": value}) is None


def test_an_answer_with_a_missing_or_added_question_has_no_scores() -> None:
    full = dict.fromkeys(QUESTION_IDS, 1.0)
    assert read_scores(full) is not None
    assert read_scores(dict.fromkeys(QUESTION_IDS[1:], 1.0)) is None
    assert read_scores(full | {"beauty": 1.0}) is None
    assert read_scores([1.0] * 5) is None


@given(st.floats(0, 1))
def test_a_score_never_rises_by_being_read(value: float) -> None:
    thousandths = read_score(value)
    assert thousandths is not None
    assert Fraction(thousandths, 1000) <= Fraction(repr(value)) if "e" not in repr(value) else thousandths == 0
