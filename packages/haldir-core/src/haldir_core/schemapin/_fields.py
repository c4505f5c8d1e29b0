"""Members of JSON objects taken out by type, with errors that name the document."""

from collections.abc import Mapping

from haldir_core.canonical import JsonObject, JsonValue
from haldir_core.errors import MalformedError

MAX_TEXT = 16_384
"""Longest text of a member that is used; a PEM key takes 200 characters."""

MAX_LISTED = 10_000
"""Most entries of a list that is used."""


def object_of(value: JsonValue, document: str) -> Mapping[str, JsonValue]:
    """Return ``value`` as an object.

    Raises: MalformedError
    """
    if not isinstance(value, Mapping):
        raise MalformedError(document, "must be a JSON object")
    return value


def objects_of(members: Mapping[str, JsonValue], name: str, document: str) -> tuple[Mapping[str, JsonValue], ...]:
    """Return the list of objects called ``name``; nothing or null is an empty one.

    Raises: MalformedError
    """
    return tuple(object_of(item, f"{document}: {name}") for item in list_of(members, name, document))


def list_of(members: Mapping[str, JsonValue], name: str, document: str) -> tuple[JsonValue, ...]:
    """Return the list called ``name``; nothing or null is an empty one.

    Raises: MalformedError
    """
    value = members.get(name)
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise MalformedError(document, f"{name} must be a list")
    if len(value) > MAX_LISTED:
        raise MalformedError(document, f"{name} has more than {MAX_LISTED} entries")
    return tuple(value)


def text_of(members: Mapping[str, JsonValue], name: str, document: str) -> str:
    """Return the text called ``name``, which must be there.

    Raises: MalformedError
    """
    text = optional_text(members, name, document)
    if not text:
        raise MalformedError(document, f"has no {name}")
    return text


def optional_text(members: Mapping[str, JsonValue], name: str, document: str) -> str | None:
    """Return the text called ``name``, or None where it is missing or null.

    Raises: MalformedError
    """
    value = members.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise MalformedError(document, f"{name} must be a text of at most {MAX_TEXT} characters")
    return value


def without_none(**members: JsonValue) -> JsonObject:
    """Return the members that are not None, in order."""
    return {name: value for name, value in members.items() if value is not None}
