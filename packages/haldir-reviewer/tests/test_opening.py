import asyncio
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from haldir_core import SkillSnapshot, read_skill
from haldir_reviewer.cache import CacheError
from haldir_reviewer.cassette import Cassette, CassetteError
from haldir_reviewer.configuration import ConfigurationError, ReviewConfiguration, read_configuration
from haldir_reviewer.model import BudgetError, Request
from haldir_reviewer.opening import Machine, open_review
from haldir_reviewer.settings import DEFAULT_SETTINGS

PROVIDER = {"kind": "openai", "model": "small", "base_url": "http://127.0.0.1:1", "prices": {"input": 1, "output": 1}}


def configured(folder: Path, **review: Any) -> ReviewConfiguration:  # noqa: ANN401 - whatever a configuration holds
    return read_configuration({"providers": {"first": PROVIDER}, **review}, folder=folder)


def machine(byte: bytes = b"a", state: Path | None = None) -> Machine:
    return Machine(
        environment={},
        now=lambda: datetime(2026, 11, 22, tzinfo=UTC),
        randomness=lambda count: byte * count,
        state=state,
    )


@pytest.fixture
def snapshot(tmp_path: Path) -> Callable[..., SkillSnapshot]:
    def make(text: str, name: str = "SKILL.md") -> SkillSnapshot:
        folder = tmp_path / f"skill-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        (folder / name).write_text(text, encoding="utf-8")
        return read_skill(folder)

    return make


def test_without_a_cache_every_review_has_its_own_random_bytes(
    tmp_path: Path, snapshot: Callable[..., SkillSnapshot]
) -> None:
    skill = snapshot("same")
    seeds = [open_review(configured(tmp_path), machine(byte)).randomness(skill)(32) for byte in (b"a", b"b")]
    assert seeds == [b"a" * 32, b"b" * 32]


def test_with_a_cache_the_same_skill_is_asked_about_in_the_same_words(
    tmp_path: Path, snapshot: Callable[..., SkillSnapshot]
) -> None:
    skill = snapshot("same")
    first, again = (
        open_review(configured(tmp_path, cache="cache"), machine(byte)).randomness(skill)(32) for byte in (b"a", b"b")
    )
    assert first == again
    assert len(first) == 32
    assert first not in {b"a" * 32, b"b" * 32}


def test_another_content_or_name_or_cache_gives_other_words(
    tmp_path: Path, snapshot: Callable[..., SkillSnapshot]
) -> None:
    opened = open_review(configured(tmp_path, cache="cache"), machine(b"a"))
    other = open_review(configured(tmp_path, cache="other"), machine(b"b"))
    skill = snapshot("same")
    seeds = {
        opened.randomness(skill)(32),
        opened.randomness(snapshot("same", "OTHER.md"))(32),
        opened.randomness(snapshot("different"))(32),
        other.randomness(skill)(32),
    }
    assert len(seeds) == 4


def test_the_secret_of_a_cache_is_private(tmp_path: Path) -> None:
    open_review(configured(tmp_path, cache="cache"), machine())
    assert (tmp_path / "cache" / "secret").stat().st_mode & 0o777 == 0o600
    (tmp_path / "cache" / "secret").chmod(0o644)
    with pytest.raises(CacheError):
        open_review(configured(tmp_path, cache="cache"), machine())


def test_a_secret_that_was_cut_off_is_made_anew(tmp_path: Path) -> None:
    open_review(configured(tmp_path, cache="cache"), machine())
    (tmp_path / "cache" / "secret").write_bytes(b"abc")
    open_review(configured(tmp_path, cache="cache"), machine(b"c"))
    assert (tmp_path / "cache" / "secret").read_bytes() == b"c" * 32


def test_ledger_and_cache_are_kept_where_the_caller_says_unless_configured(tmp_path: Path) -> None:
    ask = (
        open_review(configured(tmp_path, budget={"per_day": 0}), machine(state=tmp_path / "state")).panel.models[0].ask
    )
    with pytest.raises(BudgetError):
        asyncio.run(ask(Request("a", "b", "c", {})))
    assert {path.name for path in (tmp_path / "state").iterdir()} == {"review-ledger", "review-cache"}


@pytest.mark.parametrize("limit", ["per_day", "per_month"])
def test_a_budget_of_more_than_a_review_needs_a_ledger(tmp_path: Path, limit: str) -> None:
    with pytest.raises(ConfigurationError, match="needs a ledger"):
        open_review(configured(tmp_path, budget={limit: 1}), machine())


def test_a_cassette_gives_its_own_random_bytes(tmp_path: Path, snapshot: Callable[..., SkillSnapshot]) -> None:
    skill = snapshot("same")
    recording = open_review(configured(tmp_path, record="tape"), machine(b"r"))
    assert recording.randomness(skill)(32) == b"r" * 32
    assert Cassette.read(tmp_path / "tape").seed == b"r" * 32
    playing = open_review(configured(tmp_path, replay="tape"), machine(b"x"))
    assert playing.randomness(skill)(32) == b"r" * 32
    assert (playing.panel.is_recorded, recording.panel.is_recorded) == (True, False)


def test_a_cassette_that_is_missing_or_there_already_is_told(tmp_path: Path) -> None:
    with pytest.raises(CassetteError, match="cannot read"):
        open_review(configured(tmp_path, replay="none"), machine())
    (tmp_path / "tape").touch()
    with pytest.raises(CassetteError, match="cannot make"):
        open_review(configured(tmp_path, record="tape"), machine())


def test_the_pieces_of_a_skill_follow_what_the_smallest_model_takes(tmp_path: Path) -> None:
    assert open_review(configured(tmp_path), machine()).settings == DEFAULT_SETTINGS
    small = {**PROVIDER, "max_input_characters": 20_000}
    assert open_review(configured(tmp_path, providers={"a": small}), machine()).settings.chunk_bytes == 5000
    tiny = {**PROVIDER, "max_input_characters": 10}
    assert open_review(configured(tmp_path, providers={"a": tiny}), machine()).settings.chunk_bytes == 1000


def test_the_deadline_and_the_length_of_answers_are_settings(tmp_path: Path) -> None:
    opened = open_review(configured(tmp_path, deadline_seconds=900, max_output_tokens=500), machine())
    assert (opened.settings.deadline_seconds, opened.settings.max_output_tokens) == (900, 500)


def test_a_key_is_not_shown_by_what_was_opened(tmp_path: Path) -> None:
    table = {"providers": {"first": {**PROVIDER, "key_env": "MODEL_KEY"}}}
    key = "key-0123456789-abcdefghij"
    given = Machine(
        environment={"MODEL_KEY": key}, now=lambda: datetime.now(UTC), randomness=lambda count: b"a" * count
    )
    opened = open_review(read_configuration(table, folder=tmp_path), given)
    assert key not in repr(opened) + repr(given)


def test_opening_loads_no_network_before_somebody_is_asked() -> None:
    heavy = "{'aiohttp', 'asyncio', 'ssl', 'cryptography'}"
    code = f"import sys, haldir_reviewer.opening; print(sorted({heavy} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
