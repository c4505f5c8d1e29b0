"""The recorded review, the ledger and the page about them agree."""

import math
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from haldir_reviewer.configuration import _BUDGET, _COMMON, _KNOWN, _PRICES, _REVIEW, read_configuration
from haldir_reviewer.costs import MICROS, to_text
from haldir_reviewer.ledger import Entry, Ledger, Summary, project_month, summarise

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def page(tree: Path) -> str:
    """Return the page about reviews by models."""
    return (tree / "docs" / "how-to" / "review-with-models.md").read_text(encoding="utf-8")


@pytest.fixture
def summary(tree: Path, tmp_path: Path) -> Summary:
    """Return what the ledger of the examples comes to."""
    ledger = Ledger(tmp_path / "ledger")  # a checkout is readable by others, which no ledger is
    for line in (tree / "examples" / "review" / "ledger" / "2026-11.jsonl").read_bytes().splitlines():
        ledger.record(Entry.from_line(line))
    return summarise(ledger.entries("2026-11"))


def cell(page: str, name: str) -> str:
    found = re.search(rf"^\| {re.escape(name)} \| ([^|]+) \|$", page, re.MULTILINE)
    assert found is not None, name
    return found[1]


def amount(page: str, name: str) -> int:
    number, currency = cell(page, name).split()
    assert currency == "USD"
    return round(float(number) * 100)


def cents(micros: float) -> int:
    return math.ceil(micros * 100 / MICROS)


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("reviews", "reviews"),
        ("questions", "questions"),
        ("tokens in", "input_tokens"),
        ("tokens out", "output_tokens"),
    ],
)
def test_the_page_counts_what_the_ledger_holds(page: str, summary: Summary, name: str, field: str) -> None:
    assert cell(page, name) == f"{getattr(summary, field):,}"


def test_the_page_tells_the_cost_of_one_review(page: str, summary: Summary) -> None:
    assert amount(page, "one review") == cents(summary.cost_micros / summary.reviews)


@pytest.mark.parametrize("a_day", [100, 500])
def test_the_page_tells_the_cost_of_a_month(page: str, summary: Summary, a_day: int) -> None:
    cost = project_month(summary, reviews_per_day=a_day)
    assert amount(page, f"{a_day} submissions a day, for 30 days") == cents(cost), to_text(cost)


def test_every_configuration_on_the_page_can_be_read(page: str, tmp_path: Path) -> None:
    tables = [tomllib.loads(text)["review"] for text in re.findall(r"```toml\n(.*?)```", page, re.DOTALL)]
    providers: dict[str, Any] = {}
    for table in tables:
        providers |= table.get("providers", {})
    assert {"openai", "claude", "deepseek", "kimi", "vllm", "ollama"} <= providers.keys()
    for name, provider in providers.items():
        assert read_configuration({"providers": {name: provider}}, folder=tmp_path).panel[0].name == name
    for table in tables:
        read_configuration({"panel": [], **table, "providers": table.get("providers", {})}, folder=tmp_path)


def test_every_setting_of_a_provider_is_on_the_page(page: str) -> None:

    names = {*_BUDGET, *_COMMON, *_PRICES, *_REVIEW, *(name for known in _KNOWN.values() for name in known)}
    assert [name for name in sorted(names) if name not in page] == []


def test_the_recorded_review_can_be_played(run: Run, tree: Path) -> None:
    review = tree / "examples" / "review" / "haldir.toml"
    code, _, err = run("review", tree / "examples" / "skills" / "csv-profiler", "--config", review)
    assert code == 0, f"{err}\nif the prompts have changed: python examples/review/record.py"
    assert "The answers are recordings: no model is asked." in err


def test_the_recording_is_no_answer_about_another_skill(run: Run, tree: Path) -> None:
    review = tree / "examples" / "review" / "haldir.toml"
    assert run("review", tree / "examples" / "skills" / "json-formatter", "--config", review)[0] == 3
