"""Tables of a configuration, read strictly: unknown names are refused, and no value is quoted, as it may be a key."""

import re
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from enum import StrEnum
from typing import TypeVar

from attrs import frozen

from haldir_core.canonical import JsonObject, JsonValue
from haldir_core.errors import HaldirError
from haldir_reviewer.costs import to_micros

MAX_TEXT = 2000
MAX_MEMBERS = 100
_MAX_DEPTH = 8

_SECRET_NAME = re.compile(r"(?i)(?:key|token|secret|password|passwd|\bauth|authorization|credentials?|cookie)\Z")

Choice = TypeVar("Choice", bound=StrEnum)


class ConfigurationError(HaldirError):
    """A configuration cannot be used; the message says where, and quotes no value."""


def is_secret_name(name: str) -> bool:
    """Whether what stands under ``name`` is a key as a rule."""
    return _SECRET_NAME.search(name.replace("_", "-")) is not None


@frozen
class Table:
    """A table and its place in the configuration."""

    values: Mapping[str, object]
    where: str

    @classmethod
    def of(cls, value: object, where: str, known: Collection[str]) -> "Table":
        """Return ``value`` as a table that has names in ``known`` only.

        Raises: ConfigurationError otherwise, with the nearest known name.
        """
        if not isinstance(value, Mapping):
            raise ConfigurationError(f"{where} must be a table")
        for name in value:
            if name in known:
                continue
            if is_secret_name(str(name)):
                raise ConfigurationError(
                    f"{where}: a key does not stand in the configuration ({name!s:.40}): "
                    "name its environment variable as key_env, or its file as key_file"
                )
            raise ConfigurationError(f"{where}: there is no {str(name)!r:.80}; {hint(str(name), known)}")
        return cls(value, where)

    def wrong(self, name: str, reason: str) -> ConfigurationError:
        """Return the error that the value under ``name`` is."""
        return ConfigurationError(f"{self.where}: {name} {reason}")

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text that is not empty.

        Raises: ConfigurationError if it is none, or missing without a ``default``.
        """
        value = self.values.get(name, default)
        if value is None:
            raise self.wrong(name, "is missing")
        if not isinstance(value, str) or not value or len(value) > MAX_TEXT or not value.isprintable():
            raise self.wrong(name, f"must be a text of 1 to {MAX_TEXT} printable characters")
        return value

    def optional_text(self, name: str) -> str | None:
        """Return a text, or None if it is missing.

        Raises: ConfigurationError if it is something else.
        """
        return self.text(name) if name in self.values else None

    def flag(self, name: str, *, default: bool) -> bool:
        """Return true or false.

        Raises: ConfigurationError if it is something else.
        """
        value = self.values.get(name, default)
        if not isinstance(value, bool):
            raise self.wrong(name, "must be true or false")
        return value

    def number(self, name: str, default: float, *, least: float, most: float) -> float:
        """Return a number in a range.

        Raises: ConfigurationError if it is none.
        """
        value = self.values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise self.wrong(name, f"must be a number from {least:g} to {most:g}")
        return float(value)

    def count(self, name: str, default: int, *, most: int) -> int:
        """Return a whole number from 1.

        Raises: ConfigurationError if it is none.
        """
        value = self.values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
            raise self.wrong(name, f"must be a whole number from 1 to {most}")
        return value

    def choice(self, name: str, kind: type[Choice], default: Choice | None = None) -> Choice:
        """Return one of the words of ``kind``.

        Raises: ConfigurationError if it is none of them.
        """
        words = [word.value for word in kind]
        value = self.values.get(name, default)
        if not isinstance(value, str) or value not in words:
            raise self.wrong(name, f"must be one of {', '.join(words)}")
        return kind(value)

    def texts(self, name: str) -> Sequence[str] | None:
        """Return a list of texts, or None if it is missing.

        Raises: ConfigurationError if it is something else.
        """
        if name not in self.values:
            return None
        value = self.values[name]
        if not isinstance(value, list) or len(value) > MAX_MEMBERS or not all(isinstance(item, str) for item in value):
            raise self.wrong(name, f"must be a list of up to {MAX_MEMBERS} texts")
        return tuple(str(item) for item in value)

    def money(self, name: str, default: int | None = None) -> int | None:
        """Return an amount in millionths.

        Raises: ConfigurationError if it is none.
        """
        if name not in self.values:
            return default
        try:
            return to_micros(self.values[name])
        except ValueError as error:
            raise self.wrong(name, str(error)) from error

    def json(self, name: str) -> JsonObject:
        """Return a table of JSON values, which holds nothing under the name of a key; empty if it is missing.

        Raises: ConfigurationError if it is something else.
        """
        value = _json(self.values.get(name, {}), f"{self.where}: {name}", 0)
        if not isinstance(value, dict):
            raise self.wrong(name, "must be a table")
        return value


def hint(name: str, known: Collection[str]) -> str:
    """Return words that help with a name that does not exist."""
    close = get_close_matches(name, sorted(known), 1, cutoff=0.5)
    return f"did you mean {close[0]}?" if close else f"there is {', '.join(sorted(known)) or 'none'}"


def _json(value: object, where: str, depth: int) -> JsonValue:
    if depth > _MAX_DEPTH:
        raise ConfigurationError(f"{where} is nested too deeply")
    if isinstance(value, Mapping) and len(value) <= MAX_MEMBERS:
        for name in value:
            if is_secret_name(str(name)):
                raise ConfigurationError(f"{where}: a key does not stand in the configuration ({name!s:.40})")
        return {str(name): _json(inner, where, depth + 1) for name, inner in value.items()}
    if isinstance(value, list) and len(value) <= MAX_MEMBERS:
        return [_json(inner, where, depth + 1) for inner in value]
    if isinstance(value, str | int | float):
        return value
    raise ConfigurationError(f"{where} holds what JSON does not have, or too much of it")
