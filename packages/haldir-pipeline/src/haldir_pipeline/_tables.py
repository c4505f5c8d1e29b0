"""Reading tables of settings: every key is known, every value has its type and range."""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, TypeAlias

from haldir_core import HaldirError
from haldir_core.canonical import JsonValue
from haldir_core.report import utf16_length

Reader: TypeAlias = Callable[[JsonValue, str], Any]
"""Makes a setting of a value, whose place is named in errors."""

Readers: TypeAlias = Mapping[str, Reader]
MAX_SHOWN = 60


class ConfigurationError(HaldirError):
    """A configuration holds what is unknown or cannot be; the message names the place and what is valid."""


def read_table(value: JsonValue, readers: Readers, where: str) -> dict[str, Any]:
    """Return the settings of a table by their names.

    Raises: ConfigurationError if a key is unknown or a value is wrong.
    """
    if not isinstance(value, dict):
        raise ConfigurationError(f"{where} must be a table")
    for name in value:
        if name not in readers:
            raise ConfigurationError(f"{where}: {name[:MAX_SHOWN]!r} is no setting; {nearest(name, list(readers))}")
    return {name: readers[name](inner, f"{where}: {name}") for name, inner in value.items()}


def nearest(name: str, known: list[str]) -> str:
    """Return a phrase with the valid name that is most like ``name``, else with all of them."""
    close = get_close_matches(name[:MAX_SHOWN], known, 1)
    return f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known)}"


def choice(words: type[StrEnum]) -> Reader:
    """Return a reader of one of some words."""

    def read(value: JsonValue, where: str) -> StrEnum:
        known = [word.value for word in words]
        if value not in known:
            raise ConfigurationError(f"{where}: {str(value)[:MAX_SHOWN]!r} is not valid; {nearest(str(value), known)}")
        return words(value)

    return read


def number(least: float, most: float) -> Reader:
    """Return a reader of a number in a range."""

    def read(value: JsonValue, where: str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise ConfigurationError(f"{where} must be a number from {least} to {most}")
        return value

    return read


def text(most: int) -> Reader:
    """Return a reader of a text of at most so many UTF-16 units."""

    def read(value: JsonValue, where: str) -> str:
        if not isinstance(value, str) or utf16_length(value) > most:
            raise ConfigurationError(f"{where} must be a text of at most {most} UTF-16 units")
        return value

    return read


def texts(value: JsonValue, where: str) -> list[str]:
    """Return a list of texts.

    Raises: ConfigurationError if it is none.
    """
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ConfigurationError(f"{where} must be a list of texts")
    return [item for item in value if isinstance(item, str)]
