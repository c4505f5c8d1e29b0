import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from haldir_core import Permissions, SkillSnapshot, read_skill
from haldir_reviewer.decision import Outcome
from haldir_reviewer.facts import FactKind
from haldir_reviewer.model import Request
from haldir_reviewer.questions import QUESTION_IDS
from haldir_reviewer.reviewing import review

sys.path.insert(0, str(Path(__file__).parent))  # test folders are no packages

from stub_models import Changed, Honest

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
)
FACTS = st.lists(
    JSON
    | st.fixed_dictionaries(
        {
            "kind": st.sampled_from([kind.value for kind in FactKind]) | JSON,
            "line": st.integers(-2, 30) | JSON,
            "quote": st.sampled_from(["# Weather", "Ask for a city", "nowhere to be found", ""]) | JSON,
        }
    ),
    max_size=6,
)
CASES = st.lists(
    JSON
    | st.fixed_dictionaries(
        {
            "case": st.text(max_size=6),
            "scores": st.dictionaries(st.sampled_from(QUESTION_IDS), st.sampled_from([0, 0.5, 1.0]) | JSON) | JSON,
            "evidence": st.lists(st.integers(-1, 9), max_size=3) | JSON,
        }
    ),
    max_size=3,
)
ANSWERS = st.one_of(
    st.fixed_dictionaries({"facts": FACTS | JSON}),
    st.fixed_dictionaries({"cases": CASES | JSON}),
    st.fixed_dictionaries({"mark": JSON, "control": JSON}),
    st.dictionaries(st.sampled_from(["mark", "control", "facts", "cases"]), JSON),
)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> SkillSnapshot:
    folder = tmp_path_factory.mktemp("skill")
    (folder / "SKILL.md").write_text("---\ndescription: Weather.\n---\n\n# Weather\n\nAsk for a city.\n")
    return read_skill(folder, copy_to=tmp_path_factory.mktemp("copy") / "skill")


def outcome(snapshot: SkillSnapshot, panel: list[Any]) -> Outcome:
    report = review(snapshot, panel, permissions=Permissions.deny_all(), now=NOW, randomness=bytes)
    json.dumps(report.to_json(), allow_nan=False)
    return report.outcome


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ANSWERS)
def test_no_answer_of_any_form_fails_and_none_that_is_not_honest_approves(
    snapshot: SkillSnapshot, answer: Mapping[str, object]
) -> None:
    def change(_: Request, honest: dict[str, Any]) -> dict[str, Any]:
        return honest | {name: value for name, value in answer.items() if name in honest}

    assert (outcome(snapshot, [Honest("a"), Changed(Honest("b"), change)]) is Outcome.APPROVE) is (not answer)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(JSON)
def test_no_answer_that_is_no_object_at_all_fails(snapshot: SkillSnapshot, answer: object) -> None:
    panel = [Honest("a"), Changed(Honest("b"), lambda _request, _honest: answer)]
    assert outcome(snapshot, panel) is Outcome.INCONCLUSIVE


def test_the_same_skill_is_approved_by_honest_models(snapshot: SkillSnapshot) -> None:
    assert outcome(snapshot, [Honest("a"), Honest("b")]) is Outcome.APPROVE
