"""Which members a line has, and what each may be."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

from haldir_enforcer.confinement import Level
from haldir_enforcer.events import Action, By, Class, Decision

Rule = Callable[[Any], bool]

_HASH = re.compile(r"[0-9a-f]{64}")
_STAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MAX_INTEGER = 2**53 - 1  # RFC 7493 2.2


@frozen(kw_only=True)
class Shape:
    """The members of one kind of line, each with its rule; ``optional`` ones may be missing."""

    required: Mapping[str, Rule]
    optional: Mapping[str, Rule]
    counts: tuple[str, ...] = ()


def fits(members: Mapping[str, Any], shape: Shape) -> str | None:
    """Return what is wrong with ``members``, or ``None``."""
    for name, rule in shape.required.items():
        if name not in members:
            return f"has no {name}"
        if not rule(members[name]):
            return f"has a wrong {name}"
    for name in members.keys() - shape.required.keys():
        if name not in shape.optional:
            return f"has a member {name[:40]!r} that is not of the format"
        if not shape.optional[name](members[name]):
            return f"has a wrong {name}"
    return None


def _text(value: object) -> bool:
    return isinstance(value, str)


def _text_or_null(value: object) -> bool:
    return value is None or isinstance(value, str)


def _texts_or_null(value: object) -> bool:
    return value is None or (isinstance(value, list) and bool(value) and all(isinstance(item, str) for item in value))


def _natural(value: object) -> bool:
    return type(value) is int and 0 <= value <= _MAX_INTEGER  # bool is an int too


def _integer_or_null(value: object) -> bool:
    return value is None or (type(value) is int and abs(value) <= _MAX_INTEGER)


def _one_of(values: type[Action | By | Class | Decision | Level]) -> Rule:
    known = frozenset(value.value for value in values)
    return lambda value: isinstance(value, str) and value in known


def _matches(form: re.Pattern[str]) -> Rule:
    return lambda value: isinstance(value, str) and form.fullmatch(value) is not None


def _object_of(rules: Mapping[str, Rule]) -> Rule:
    shape = Shape(required=rules, optional={})
    return lambda value: isinstance(value, dict) and fits(value, shape) is None


_ENDPOINT = _object_of({"host": _text_or_null, "ip": _text_or_null, "port": _integer_or_null, "proto": _text})

_REQUIRED: dict[str, Rule] = {
    "v": _natural,
    "seq": _natural,
    "ts": _matches(_STAMP),
    "run": _matches(_UUID),
    "skill": _text,
    "action": _one_of(Action),
    "decision": _one_of(Decision),
    "by": _one_of(By),
    "class": _one_of(Class),
    "count": lambda value: _natural(value) and value > 0,
    "level": _one_of(Level),
    "pid": _natural,
    "ppid": _natural,
    "exe": _text_or_null,
    "path": _text_or_null,
    "via": _text_or_null,
    "flags": _texts_or_null,
    "argv": _texts_or_null,
    "endpoint": lambda value: value is None or _ENDPOINT(value),
    "rule": _text_or_null,
    "errno": _integer_or_null,
    "detail": _text_or_null,
    "prev": _matches(_HASH),
    "hash": _matches(_HASH),
}

COUNTED = ("lines", *(value.value for value in Decision), *(value.value for value in Class))
"""Members of ``counts``: the lines of a run between its start and its end, and its events by decision and class."""

EVENT_SHAPE = Shape(required=_REQUIRED, optional={})
RUN_END_SHAPE = Shape(
    required={**_REQUIRED, "counts": _object_of(dict.fromkeys(COUNTED, _natural)), "dropped": _natural},
    optional={"signature": _object_of({"keyid": _text, "sig": _text})},
    counts=COUNTED,
)
