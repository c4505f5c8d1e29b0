"""Values for the input schemas of tools."""

import json
import re

import pytest

from haldir_sandbox.samples import Samples
from haldir_sandbox.values import FULL, MAX_TEXT, MAX_VALUES, OTHER, REQUIRED, Choice, arguments_for, value_for


def test_required_and_optional_members_are_told_apart(samples: Samples) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "string"}}, "required": ["a"]}
    assert arguments_for(schema, samples, REQUIRED) == {"a": 3}
    assert arguments_for(schema, samples, FULL) == {"a": 3, "b": "sample"}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer", "minimum": 10, "maximum": 12}, 10),
        ({"type": "integer", "exclusiveMaximum": 2}, 1),
        ({"type": "integer", "multipleOf": 7, "minimum": 1}, 7),
        ({"type": "number", "maximum": 0.25}, 0.25),
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({"const": "only"}, "only"),
        ({"enum": ["x", "y"]}, "x"),
        ({"type": "string", "minLength": 9}, "samplexxx"),
        ({"type": "string", "maxLength": 3}, "sam"),
        ({"type": "string", "format": "date"}, "2026-01-15"),
        ({"type": ["null", "integer"]}, 3),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 2}, [3, 3]),
        ({"type": "array", "prefixItems": [{"const": 1}, {"const": "b"}]}, [1, "b"]),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, 3),
        ({"properties": {"x": {"default": 5}}}, {"x": 5}),
        ({"allOf": [{"properties": {"x": {"const": 1}}}, {"properties": {"y": {"const": 2}}}]}, {"x": 1, "y": 2}),
        ({"$ref": "#/$defs/A", "$defs": {"A": {"const": 7}}}, 7),
        (True, "sample"),
        ("no schema", "sample"),
    ],
    ids=lambda value: json.dumps(value)[:40],
)
def test_the_value_fits(schema: object, value: object, samples: Samples) -> None:
    assert value_for(schema, samples) == value


def test_another_choice_takes_another_branch(samples: Samples) -> None:
    assert value_for({"enum": ["x", "y"]}, samples, OTHER) == "y"


def test_names_choose_useful_texts(samples: Samples) -> None:
    schema = {"properties": {"filePath": {"type": "string"}, "url": {"type": "string"}}}
    made = arguments_for(schema, samples)
    assert str(made["filePath"]).endswith("sample.txt")
    assert made["url"] == "http://sample.example/page"


def nested(depth: int) -> object:
    schema: object = {"type": "string"}
    for _ in range(depth):
        schema = {"type": "object", "properties": {"a": schema, "b": schema, "c": schema}}
    return schema


LOOP = {"$ref": "#/$defs/A", "$defs": {"A": {"properties": {"next": {"$ref": "#/$defs/A"}, "two": {"$ref": "#"}}}}}
HOSTILE: dict[str, object] = {
    "recursion": LOOP,
    "a reference to itself": {"$ref": "#"},
    "a circle of references": {"$ref": "#/a", "a": {"$ref": "#/b"}, "b": {"$ref": "#/a"}},
    "a foreign reference": {"$ref": "http://sample.example/schema"},
    "wide and deep": nested(12),
    "a huge text": {"type": "string", "minLength": 10**12},
    "an infinite bound": {"type": "string", "minLength": float("inf"), "maxLength": float("nan")},
    "a huge list": {"type": "array", "minItems": 10**9, "items": {"type": "array", "minItems": 10**9}},
    "a huge number": {"type": "integer", "minimum": 1e308, "multipleOf": 1e-300},
    "a bad regular expression": {"type": "string", "pattern": "(a+)+$" * 50},
    "a huge default": {"default": ["x" * 10_000] * 10_000},
    "many members": {"properties": {str(number): {} for number in range(10_000)}},
    "many branches": {"anyOf": [{"anyOf": [{}] * 5000}] * 5000},
    "wrong types": {"type": {}, "properties": [], "required": "a", "items": 3, "enum": {}, "allOf": 5, "anyOf": "x"},
    "wrong members": {"type": "object", "properties": {"a": None}, "required": [1, None, "b"]},
    "booleans as numbers": {"type": "integer", "minimum": True, "maximum": False},
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("choice", [FULL, REQUIRED, OTHER], ids=["full", "required", "other"])
def test_a_hostile_schema_gets_a_small_value_and_always_the_same(name: str, choice: Choice, samples: Samples) -> None:
    made = value_for(HOSTILE[name], samples, choice)
    text = json.dumps(made)
    assert len(text) < 400_000
    assert len(re.findall(r"[\[{,]", text)) <= 2 * MAX_VALUES
    assert max((len(part) for part in text.split('"')), default=0) <= MAX_TEXT + 10
    assert value_for(HOSTILE[name], samples, choice) == made


def test_arguments_are_always_an_object(samples: Samples) -> None:
    schemas: list[object] = [None, [], {"type": "string"}, {"const": 1}, {"type": "array"}]
    for schema in schemas:
        assert arguments_for(schema, samples) == {}
