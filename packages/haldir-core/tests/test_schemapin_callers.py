"""Values that a caller made rather than the reader, and pins that are kept in memory."""

import sys
from collections.abc import ItemsView, Iterator, ValuesView
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haldir_core.canonical import JsonValue
from haldir_core.errors import MalformedError
from haldir_core.schemapin import Candidate, MemoryPins, Pin, Tool, canon, schemapin_v1
from haldir_core.schemapin.pins import Change, changed_pins

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
TOOL = Tool.of("tools.example", "lint")


class HiddenMembers(dict[Any, Any]):
    """Shows nothing to who looks at it, and all to who writes it."""

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def values(self) -> ValuesView[Any]:  # type: ignore[override] # no class of its own can name the type
        """Return none."""
        return {}.values()


class OtherMembers(dict[Any, Any]):
    """Shows one thing to who looks at it, and another to who writes it."""

    def items(self) -> ItemsView[Any, Any]:  # type: ignore[override] # the same
        """Return others."""
        return {1: 0}.items()


class HiddenItems(list[Any]):
    """Shows nothing to who looks at it."""

    def __iter__(self) -> Iterator[Any]:
        return iter(())


class Posing:
    """Says that it is a dictionary."""

    __class__ = dict  # type: ignore[assignment]


class Text(StrEnum):
    """A text of a class of its own."""

    NAME = "name"


@pytest.mark.parametrize(
    "value",
    [
        {1: 0},
        {True: 0},
        {None: 0},
        {1.5: 0},
        {"1": 0, 1: 0},
        ["text", {1: 0}],
        [{1: 0}, "text"],
        ["text", ["text", 1, {"a": {2: 0}}]],
        ({1: 0},),
        HiddenMembers({1: 0}),
        HiddenMembers(a={1: 0}),
        OtherMembers(a=0),
        HiddenItems([{1: 0}]),
        {"a": [Posing()]},
        ["text", object()],
        ["text", float("nan")],
        {"text": float("inf")},
        ["text", "\ud800"],
        {"\udfff": 0},
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_that_is_no_json_has_no_canonical_form(value: JsonValue) -> None:
    with pytest.raises(MalformedError):
        schemapin_v1(value)


def test_texts_of_classes_of_their_own_are_texts() -> None:
    assert schemapin_v1({Text.NAME: [Text.NAME, "b"]}) == b'{"name":["name","b"]}'


@pytest.mark.parametrize("inmost", ["x", 1, None, Text.NAME], ids=repr)
def test_a_scalar_below_a_hundred_levels_is_read(inmost: JsonValue) -> None:
    value = inmost
    for _ in range(100):
        value = [value]
    assert schemapin_v1(value).startswith(b"[" * 100)


@pytest.mark.parametrize("inmost", [[], {}, ["x"], ()], ids=repr)
def test_one_level_more_is_refused_whatever_it_holds(inmost: JsonValue) -> None:
    value = inmost
    for _ in range(100):
        value = ["x", value]
    with pytest.raises(MalformedError, match="deeper"):
        schemapin_v1(value)


def test_a_list_that_grows_by_sharing_is_refused_before_it_is_written() -> None:
    value: Any = ["x"]
    for _ in range(60):
        value = [value, value]
    with pytest.raises(MalformedError, match="values"):
        schemapin_v1(value)


def test_a_list_within_itself_is_refused() -> None:
    value: list[Any] = ["x"]
    value.append(value)
    with pytest.raises(MalformedError):
        schemapin_v1(value)


def test_a_python_without_the_c_half_of_json_writes_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    value: JsonValue = {"b": [1.5, -0.0, 1e22, True, None, 10**30], "a": {"\U0001f600": 'é"\\\n', "z": "\uffff"}}
    monkeypatch.setitem(sys.modules, "_json", None)

    pieces = canon._prepared()

    assert "".join(pieces(value, 0)).encode() == schemapin_v1(value)


@given(st.lists(st.sampled_from("abc"), max_size=6))
def test_pins_in_memory_change_as_those_of_a_store(fingerprints: list[str]) -> None:
    memory, stored = MemoryPins(), tuple[Pin, ...]()

    for days, fingerprint in enumerate(fingerprints):
        candidate = Candidate(tool_id=TOOL.tool_id, domain=TOOL.domain, fingerprint=fingerprint)
        now = NOW + timedelta(days=days)
        stored = changed_pins(candidate, stored, memory.commit(candidate, now), now)

        assert memory.pins() == stored


@pytest.mark.parametrize("change", [Change.ADD, Change.TOUCH])
def test_a_moment_without_time_zone_pins_nothing(change: Change) -> None:
    given_pin = Pin(tool_id=TOOL.tool_id, domain=TOOL.domain, fingerprint="a")
    memory = MemoryPins([given_pin] if change is Change.TOUCH else ())
    before = memory.pins()

    with pytest.raises(ValueError, match="time zone"):
        memory.commit(
            Candidate(tool_id=TOOL.tool_id, domain=TOOL.domain, fingerprint="a"),
            datetime(2026, 1, 31),  # noqa: DTZ001
        )
    assert memory.pins() == before
