"""Members of the answers of providers, read strictly."""

from collections.abc import Mapping, Sequence

from haldir_core.canonical import JsonObject, JsonValue, parse_object
from haldir_core.errors import MalformedError
from haldir_reviewer.costs import MAX_TOKENS
from haldir_reviewer.model import MalformedAnswerError

_MAX_NAME = 200


def parse_answer(data: bytes, *, max_bytes: int) -> JsonObject:
    """Return the JSON object that an answer is.

    Raises: MalformedAnswerError
    """
    try:
        return parse_object(data, "the answer", max_bytes=max_bytes)
    except MalformedError as error:
        raise MalformedAnswerError(str(error)) from error


def parse_text(text: str, what: str) -> JsonObject:
    """Return the JSON object that a text of the model is.

    Raises: MalformedAnswerError
    """
    try:
        return parse_object(text.encode(), what)
    except MalformedError as error:
        raise MalformedAnswerError(str(error)) from error
    except UnicodeEncodeError as error:
        raise MalformedAnswerError(f"{what}: holds half of a surrogate pair") from error


def as_object(value: JsonValue, what: str) -> Mapping[str, JsonValue]:
    """Return ``value``.

    Raises: MalformedAnswerError if it is no object.
    """
    if not isinstance(value, Mapping):
        raise MalformedAnswerError(f"{what} is no JSON object")
    return value


def as_list(value: JsonValue, what: str) -> Sequence[JsonValue]:
    """Return ``value``.

    Raises: MalformedAnswerError if it is no list.
    """
    if not isinstance(value, list):
        raise MalformedAnswerError(f"{what} is no list")
    return value


def as_text(value: JsonValue, what: str) -> str:
    """Return ``value``.

    Raises: MalformedAnswerError if it is no text.
    """
    if not isinstance(value, str):
        raise MalformedAnswerError(f"{what} is no text")
    return value


def as_count(value: JsonValue, what: str) -> int:
    """Return ``value``, 0 for null.

    Raises: MalformedAnswerError if it is no number of tokens that an answer can have.
    """
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_TOKENS:
        raise MalformedAnswerError(f"{what} is no number of tokens")
    return value


def as_model(value: JsonValue) -> str | None:
    """Return the name of the model that answered; None if it is not told.

    Raises: MalformedAnswerError if it is no name.
    """
    if value is None:
        return None
    name = as_text(value, "model")
    if len(name) > _MAX_NAME or not name.isprintable():
        raise MalformedAnswerError("model is no name")
    return name
