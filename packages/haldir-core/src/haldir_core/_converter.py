"""The one way from JSON values to records: through cattrs, and nothing is coerced on the way.

Stock cattrs turns null into ``"None"`` and a text into a list of characters; every hook here demands the
exact class instead.
"""

from collections.abc import Callable, Mapping
from enum import Enum, StrEnum
from functools import cache
from typing import Any, Literal, TypeVar, get_args

import attrs
from cattrs import Converter, transform_error
from cattrs.errors import BaseValidationError
from cattrs.gen import make_dict_structure_fn, override

from haldir_core.canonical import JsonObject, JsonValue, parse_object
from haldir_core.digest import Digest, parse_digest
from haldir_core.errors import MalformedError, UnsupportedVersionError
from haldir_core.timestamp import Timestamp

SCHEMA_VERSION = "1.0"
"""The only version of every document of the format."""

JSON_NAME = "json"
"""Metadata of a field whose name in JSON is another than its own."""

Record = TypeVar("Record")


def read_document(data: bytes, document: str) -> JsonObject:
    """Return the JSON object of a versioned document.

    Raises:
        UnsupportedVersionError: if its schema_version is a text other than 1.0.
        MalformedError: if it is not a strict JSON object with a schema_version.
    """
    members = parse_object(data, document)
    version = members.get("schema_version")
    if not isinstance(version, str):
        raise MalformedError(document, "schema_version must be a text")
    if version != SCHEMA_VERSION:
        raise UnsupportedVersionError(document, f"schema_version {version[:20]!r} is not {SCHEMA_VERSION}")
    return members


def structure(value: JsonValue, record: type[Record], document: str) -> Record:
    """Return ``value`` as a ``record``; keys that the record does not name are left out.

    Raises: MalformedError naming the place, if anything has another type or breaks a limit.
    """
    try:
        return _converter(_Detail.NONE).structure(value, record)
    except (ValueError, TypeError, KeyError) as error:
        raise MalformedError(document, _explain(value, record, error)) from error


def unstructure(record: attrs.AttrsInstance) -> JsonObject:
    """Return a record as JSON value, fields in order, without those that are ``None``."""
    return attrs.asdict(
        record,
        filter=lambda _, value: value is not None,
        value_serializer=lambda _inst, _field, value: _plain(value),
    )


def _plain(value: Any) -> Any:  # noqa: ANN401 - attrs gives whatever a field holds
    if isinstance(value, Timestamp):
        return value.text
    if isinstance(value, Enum):
        return value.value
    return list(value) if isinstance(value, tuple) else value


def _explain(value: JsonValue, record: type[Any], error: Exception) -> str:
    """Return the first three reasons why ``value`` is no ``record``, each with its place."""
    reasons = [str(error)]
    try:
        _converter(_Detail.PLACES).structure(value, record)
    except BaseValidationError as detailed:
        reasons = transform_error(detailed, format_exception=_reason)
    except (ValueError, TypeError, KeyError):  # something about the outermost object: it has no other place
        pass
    return "; ".join(reasons[:3])


def _reason(error: BaseException, _kind: type[Any] | None) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


def _exactly(kind: type[Any], noun: str) -> Callable[[Any, Any], Any]:
    def hook(value: Any, _: Any) -> Any:  # noqa: ANN401 - a cattrs hook
        if type(value) is not kind:
            raise ValueError(f"must be {noun}")
        return value

    return hook


def _number(value: Any, _: Any) -> float:  # noqa: ANN401 - a cattrs hook
    if type(value) not in {int, float}:
        raise ValueError("must be a number")
    return value  # type: ignore[no-any-return] # checked above


def _text_as(read: Callable[[str], Any]) -> Callable[[Any, Any], Any]:
    def hook(value: Any, _: Any) -> Any:  # noqa: ANN401 - a cattrs hook
        if type(value) is not str:
            raise ValueError("must be a text")
        return read(value)

    return hook


def _text(value: Any, kind: type[str]) -> str:  # noqa: ANN401 - a cattrs hook
    """Return a text; cattrs comes here for every subclass of str, so for the enums too."""
    if type(value) is not str:
        raise ValueError("must be a text")
    if not issubclass(kind, StrEnum):
        return value
    if value not in {member.value for member in kind}:
        raise ValueError(f"must be one of {', '.join(member.value for member in kind)}")
    return kind(value)


def _is_tuple(kind: Any) -> bool:  # noqa: ANN401 - any type
    return getattr(kind, "__origin__", None) is tuple


def _is_literal(kind: Any) -> bool:  # noqa: ANN401 - any type
    return getattr(kind, "__origin__", None) is Literal


def _tuple_hook(kind: Any, converter: Converter) -> Callable[[Any, Any], Any]:  # noqa: ANN401 - a cattrs hook
    item = get_args(kind)[0]

    def hook(value: Any, _: Any) -> tuple[Any, ...]:  # noqa: ANN401 - a cattrs hook
        if type(value) is not list:
            raise ValueError("must be a list")
        return tuple(converter.structure(inner, item) for inner in value)

    return hook


def _literal_hook(kind: Any, _: Converter) -> Callable[[Any, Any], Any]:  # noqa: ANN401 - a cattrs hook
    texts = get_args(kind)

    def hook(value: Any, _: Any) -> str:  # noqa: ANN401 - a cattrs hook
        if type(value) is not str or value not in texts:
            raise ValueError(f"must be {' or '.join(texts)}")
        return value

    return hook


def _digests(value: Any, _: Any) -> Mapping[str, Digest]:  # noqa: ANN401 - a cattrs hook
    if type(value) is not dict:
        raise ValueError("must be an object")
    for path, digest in value.items():
        if type(digest) is not str:
            raise ValueError(f"the digest of {path[:200]!r} must be a text")
        parse_digest(digest)
    return value


def _text_or_texts(value: Any, _: Any) -> str | tuple[str, ...]:  # noqa: ANN401 - a cattrs hook
    if type(value) is str:
        return value
    if type(value) is not list or any(type(item) is not str for item in value):
        raise ValueError("must be a text or a list of texts")
    return tuple(value)


def _attrs_hook(kind: type[Any], converter: Converter) -> Callable[[Any, Any], Any]:
    json_names = {field.name: field.metadata.get(JSON_NAME, field.name) for field in attrs.fields(kind)}
    renamed: dict[str, Any] = {name: override(rename=json_name) for name, json_name in json_names.items()}
    build = make_dict_structure_fn(kind, converter, **renamed)
    names = tuple(json_names.values())

    def hook(value: Any, cls: Any) -> Any:  # noqa: ANN401 - a cattrs hook
        if type(value) is not dict:
            raise ValueError("must be an object")
        for name in names:
            if name in value and value[name] is None:
                raise ValueError(f"{name} must not be null")
        return build(value, cls)

    return hook


class _Detail(Enum):
    """Whether a converter says where in a value it failed; the one that does takes twice as long to make."""

    NONE = "none"
    PLACES = "places"


@cache
def _converter(detail: _Detail) -> Converter:
    converter = Converter(detailed_validation=detail is _Detail.PLACES)
    converter.register_structure_hook_factory(attrs.has, _attrs_hook)
    converter.register_structure_hook(str, _text)
    converter.register_structure_hook(bool, _exactly(bool, "true or false"))
    converter.register_structure_hook(int, _exactly(int, "an integer"))
    converter.register_structure_hook(float, _number)
    converter.register_structure_hook(Timestamp, _text_as(Timestamp.parse))
    converter.register_structure_hook(Digest, _text_as(parse_digest))
    converter.register_structure_hook_factory(_is_tuple, _tuple_hook)
    converter.register_structure_hook_factory(_is_literal, _literal_hook)
    converter.register_structure_hook_func(lambda kind: kind == Mapping[str, Digest], _digests)
    converter.register_structure_hook_func(lambda kind: kind == str | tuple[str, ...], _text_or_texts)
    converter.register_structure_hook_func(lambda kind: kind == Mapping[str, JsonValue], lambda value, _: value)
    return converter
