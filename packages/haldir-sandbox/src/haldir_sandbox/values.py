"""Values that fit a JSON Schema: bounded, deterministic, whatever the schema says.

Nothing of the schema is executed or compiled: a ``pattern`` is no regular expression here, a ``$ref`` is followed only
inside the same document, and the amount of work is limited before the first value is made.
"""

import math
from collections.abc import Callable, Mapping
from typing import cast

from attrs import define, frozen

from haldir_sandbox.samples import Samples

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

MAX_DEPTH = 8
MAX_VALUES = 512
MAX_PROPERTIES = 32
MAX_ITEMS = 8
MAX_TEXT = 2048
_FORMATS = {
    "date": "2026-01-15",
    "date-time": "2026-01-15T10:00:00Z",
    "time": "10:00:00Z",
    "duration": "P1D",
    "email": "someone@sample.example",
    "hostname": "sample.example",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "http://sample.example/page",
    "uri-reference": "/page",
    "uuid": "6f1f8a52-6e8e-4e0c-9a53-0c2f5b0c7d11",
}


@frozen
class Choice:
    """Which of the fitting values are made: only what is required, or everything that is named."""

    optional: bool
    alternative: int = 0
    """Which branch of ``anyOf``, ``oneOf`` and ``enum`` is taken, counted round."""


REQUIRED = Choice(optional=False)
FULL = Choice(optional=True)
OTHER = Choice(optional=True, alternative=1)


def arguments_for(schema: object, samples: Samples, choice: Choice = FULL) -> dict[str, Json]:
    """Return arguments for a tool with this input schema; an empty object where the schema asks for none."""
    value = value_for(schema if isinstance(schema, Mapping) else {}, samples, choice, name="arguments")
    return value if isinstance(value, dict) else {}


def value_for(schema: object, samples: Samples, choice: Choice = FULL, *, name: str = "") -> Json:
    """Return a value that fits ``schema`` as far as its size allows; the same one for the same schema."""
    return _Maker(schema, samples, choice).make(schema, name, 0)


@define
class _Maker:
    document: object
    samples: Samples
    choice: Choice
    made: int = 0

    def make(self, schema: object, name: str, depth: int) -> Json:
        self.made += 1
        if self.made > MAX_VALUES or depth > MAX_DEPTH or not isinstance(schema, Mapping):
            return "sample" if schema is True or depth <= MAX_DEPTH else None
        resolved = self._resolved(schema)
        for key in ("const", "default"):
            if key in resolved and _is_small(resolved[key]):
                return cast("Json", resolved[key])
        options = resolved.get("enum") or resolved.get("examples")
        if isinstance(options, list) and options:
            option = options[self.choice.alternative % len(options)]
            return cast("Json", option) if _is_small(option) else None
        for key in ("anyOf", "oneOf"):
            branches = resolved.get(key)
            if isinstance(branches, list) and branches:
                branch = branches[self.choice.alternative % min(len(branches), MAX_ITEMS)]
                return self.make(_merged(resolved, branch, without=key), name, depth + 1)
        return self._by_type(self._with_all(resolved), name, depth)

    def _by_type(self, schema: Mapping[str, object], name: str, depth: int) -> Json:
        kind = schema.get("type")
        if isinstance(kind, list):
            known = [item for item in kind if isinstance(item, str) and item != "null"]
            kind = known[self.choice.alternative % len(known)] if known else "null"
        if not isinstance(kind, str):
            kind = "object" if "properties" in schema else "array" if "items" in schema else "string"
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, name, depth)
        makers: dict[str, Callable[[], Json]] = {
            "integer": lambda: int(_number(schema, whole=1)),
            "number": lambda: _number(schema, whole=0),
            "boolean": lambda: self.choice.alternative % 2 == 0,
            "null": lambda: None,
        }
        return makers.get(kind, lambda: self._text(schema, name))()

    def _object(self, schema: Mapping[str, object], depth: int) -> Json:
        properties = schema.get("properties")
        named = properties if isinstance(properties, Mapping) else {}
        required = schema.get("required")
        needed = [key for key in required if isinstance(key, str)] if isinstance(required, list) else []
        names = dict.fromkeys(needed[:MAX_PROPERTIES])
        if self.choice.optional:
            names |= dict.fromkeys(key for key in list(named)[:MAX_PROPERTIES] if isinstance(key, str))
        return {key[:MAX_TEXT]: self.make(named.get(key, True), key, depth + 1) for key in list(names)[:MAX_PROPERTIES]}

    def _array(self, schema: Mapping[str, object], name: str, depth: int) -> Json:
        prefix = schema.get("prefixItems")
        if isinstance(prefix, list) and prefix:
            return [self.make(item, name, depth + 1) for item in prefix[:MAX_ITEMS]]
        count = max(_bound(schema, "minItems", 1), 1)
        highest = _bound(schema, "maxItems", MAX_ITEMS)
        items = schema.get("items", True)
        return [self.make(items, name, depth + 1) for _ in range(min(count, highest, MAX_ITEMS))]

    def _text(self, schema: Mapping[str, object], name: str) -> str:
        format_ = schema.get("format")
        text = _FORMATS.get(format_, "") if isinstance(format_, str) else ""
        text = text or self.samples.value(name)
        low = min(_bound(schema, "minLength", 0), MAX_TEXT)
        high = min(_bound(schema, "maxLength", MAX_TEXT), MAX_TEXT)
        return text.ljust(low, "x")[: max(high, low)]

    def _resolved(self, schema: Mapping[str, object]) -> Mapping[str, object]:
        """Follow ``$ref`` inside the document, at most MAX_DEPTH times."""
        current = schema
        for _ in range(MAX_DEPTH):
            target = current.get("$ref")
            if not isinstance(target, str) or not target.startswith("#"):
                return current
            found = self.document
            for part in target[1:].split("/")[1:16]:
                key = part.replace("~1", "/").replace("~0", "~")
                found = found.get(key) if isinstance(found, Mapping) else None
            if not isinstance(found, Mapping):
                return {}
            current = found
        return {}

    def _with_all(self, schema: Mapping[str, object]) -> Mapping[str, object]:
        parts = schema.get("allOf")
        merged = schema
        for part in parts[:MAX_ITEMS] if isinstance(parts, list) else ():
            if isinstance(part, Mapping):
                merged = _merged(merged, self._resolved(part), without="allOf")
        return merged


def _merged(schema: Mapping[str, object], part: object, *, without: str) -> Mapping[str, object]:
    base = {key: value for key, value in schema.items() if key != without}
    if not isinstance(part, Mapping):
        return base
    joined = base | dict(part)
    for key in ("properties", "required"):
        mine, theirs = base.get(key), part.get(key)
        if isinstance(mine, Mapping) and isinstance(theirs, Mapping):
            joined[key] = {**mine, **theirs}
        elif isinstance(mine, list) and isinstance(theirs, list):
            joined[key] = [*mine, *theirs][: 2 * MAX_PROPERTIES]
    return joined


def _bound(schema: Mapping[str, object], key: str, default: int) -> int:
    value = schema.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return default
    return max(int(value), 0)


def _number(schema: Mapping[str, object], *, whole: int) -> float:
    """Return a number between the bounds; ``whole`` is what keeps an exclusive bound away."""
    gap = whole or 0.5
    low = _finite(schema.get("minimum"), _finite(schema.get("exclusiveMinimum"), None, gap), 0)
    high = _finite(schema.get("maximum"), _finite(schema.get("exclusiveMaximum"), None, -gap), 0)
    value: float = 3
    if low is not None:
        value = max(value, math.ceil(low) if whole else low)
    if high is not None:
        value = min(value, math.floor(high) if whole else high)
    step = _finite(schema.get("multipleOf"), None, 0)
    if step is not None and step > 0 and value:
        value = max(round(value / step), 1) * step
    return value


def _finite(value: object, default: float | None, gap: float) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1e15 < value < 1e15:
        return default
    return value + gap


def _is_small(value: object) -> bool:
    """Whether a value that the schema itself gives is small enough to be sent; counted, never copied."""
    left = MAX_VALUES
    waiting = [value]
    size = 0
    while waiting and left > 0 and size <= MAX_TEXT:
        left -= 1
        item = waiting.pop()
        if isinstance(item, str):
            size += len(item)
        elif isinstance(item, list):
            waiting += item[:MAX_VALUES]
        elif isinstance(item, dict):
            waiting += list(item.values())[:MAX_VALUES]
    return not waiting and size <= MAX_TEXT
