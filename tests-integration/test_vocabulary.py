"""The words of severity and verdict are one vocabulary, although three places spell them."""

import json
from pathlib import Path
from typing import Any

import pytest

import haldir_core
import haldir_scanner


@pytest.fixture(scope="module")
def schema(tree: Path) -> dict[str, Any]:
    """Return the definitions of the schema of vetting reports."""
    path = tree / "spec" / "schemas" / "vetting-report.schema.json"
    return dict(json.loads(path.read_bytes())["$defs"])


def test_core_and_scanner_have_the_same_severities_in_the_same_order() -> None:
    ours = {word.value: word.rank for word in haldir_core.Severity}
    assert ours == {word.value: word.rank for word in haldir_scanner.Severity}


def test_the_schema_has_the_severities_of_core(schema: dict[str, Any]) -> None:
    words = schema["finding"]["properties"]["severity"]["enum"]
    assert sorted(words) == sorted(haldir_core.Severity)


def test_a_summary_counts_every_severity(schema: dict[str, Any]) -> None:
    assert sorted(schema["layer"]["properties"]["summary"]["required"]) == sorted(haldir_core.Severity)


def test_core_and_scanner_have_the_same_verdicts_in_the_same_order() -> None:
    assert [word.value for word in haldir_core.Status] == [word.value for word in haldir_scanner.Status]


def test_the_schema_has_the_verdicts_of_core(schema: dict[str, Any]) -> None:
    assert schema["status"]["enum"] == [word.value for word in haldir_core.Status]
