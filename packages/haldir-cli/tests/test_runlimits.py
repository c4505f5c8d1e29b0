from pathlib import Path

import pytest
import typer
from attrs import asdict

from haldir_cli.runlimits import MAX_BYTES, read_limits
from haldir_core.errors import UnreadableError
from haldir_enforcer import Limits

DEFAULT = Limits(timeout_seconds=30, processes=8)


def test_without_the_option_the_default_holds() -> None:
    assert read_limits(None, DEFAULT) is DEFAULT


def test_what_is_named_replaces_and_the_rest_stays() -> None:
    assert read_limits('{"memory_mb": 12, "timeout_seconds": 0.5}', DEFAULT) == Limits(
        timeout_seconds=0.5, processes=8, memory_mb=12
    )


def test_null_lifts_every_limit() -> None:
    names = ", ".join(f'"{name}": null' for name in asdict(DEFAULT))
    assert set(asdict(read_limits(f"{{{names}}}", DEFAULT)).values()) == {None}


def test_an_empty_object_changes_nothing() -> None:
    assert read_limits("  {}", DEFAULT) == DEFAULT


def test_a_file_can_hold_them(work: Path) -> None:
    (work / "limits.json").write_text('{"disk_mb": 3}')
    assert read_limits("limits.json", DEFAULT).disk_mb == 3


@pytest.mark.parametrize("name", ["timeout_seconds", "processes", "memory_mb", "disk_mb", "output_mb"])
@pytest.mark.parametrize("value", ["0", "-1", "true", '"5"', "[]", "{}", "NaN", "Infinity", "1e999", "1e300"])
def test_a_wrong_value_is_refused_by_the_name_of_its_member(name: str, value: str) -> None:
    with pytest.raises(typer.BadParameter, match=f"--limits: {name} must be above 0 and at most [0-9]+"):
        read_limits(f'{{"{name}": {value}}}', DEFAULT)


@pytest.mark.parametrize("name", ["processes", "memory_mb", "disk_mb", "output_mb"])
def test_what_is_counted_is_whole(name: str) -> None:
    with pytest.raises(typer.BadParameter, match=name):
        read_limits(f'{{"{name}": 1.5}}', DEFAULT)


def test_an_unknown_member_is_refused_with_the_known_ones() -> None:
    with pytest.raises(typer.BadParameter, match=r"'time\\x1b' is no limit; there are timeout_seconds, processes"):
        read_limits('{"time\\u001b": 1}', DEFAULT)


@pytest.mark.parametrize(
    "text",
    ["{", "{'a': 1}", '{"processes": 1, "processes": 2}', "{}{}", '{"processes": ' + "9" * 5000 + "}"],
    ids=["open", "quotes", "twice", "two", "digits"],
)
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="--limits is no JSON object"):
        read_limits(text, DEFAULT)


def test_what_is_nested_too_deep_is_refused() -> None:
    with pytest.raises(typer.BadParameter, match="--limits"):
        read_limits('{"processes":' + "[" * 100_000 + "]" * 100_000 + "}", DEFAULT)


@pytest.mark.parametrize("data", [b"[]", b"5", b'"processes"', b"", b"\xff\xfe", b"null"])
def test_a_file_that_holds_something_else_is_refused(work: Path, data: bytes) -> None:
    (work / "limits.json").write_bytes(data)
    with pytest.raises(typer.BadParameter, match="--limits is no JSON object"):
        read_limits("limits.json", DEFAULT)


def test_a_file_that_cannot_be_read_is_refused(work: Path) -> None:
    (work / "large").write_bytes(b" " * (MAX_BYTES + 1))
    for name in ("nothing", "", ".", "/dev/zero", "large", "a\0b"):
        with pytest.raises(UnreadableError, match="limits"):
            read_limits(name, DEFAULT)
