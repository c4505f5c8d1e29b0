"""The page about our differences from the TypeScript implementation names all of them, and no other."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

ROW = re.compile(r"\| `(?P<case>[^`]+)` \| (?P<peer>[^|]+) \| (?P<here>[^|]+) \| (?P<reason>[^|]+) \|")


def _peer(case: dict[str, Any]) -> str:
    """Return what the peer's library answered, or the exit code where only its command line was asked."""
    answer = case.get("ts_library")
    if answer is None:
        return f"exit {case['ts_cli']['exit']}"
    if "throws" in answer:
        return f"throws {answer['throws']}"
    if answer["valid"]:
        return " ".join(["valid", answer["trustLevel"], *answer["warnings"]])
    return str(answer["codes"][0])


def _differ(peer: str, here: str) -> bool:
    """Whether two answers differ; one that names no level agrees with every level."""
    return peer.split()[: len(here.split())] != here.split()


@pytest.fixture(scope="module")
def computed(peer: Path) -> dict[str, tuple[str, str]]:
    """Return the peer's answer and ours for every case in which they differ."""
    found = {}
    for case in json.loads((peer / "index.json").read_bytes())["cases"]:
        decided = case.get("haldir_expected") or case.get("spec_expected")
        if "needs" in case or not decided:
            continue
        here = decided.split(" (")[0]
        if _differ(_peer(case), here):
            found[case["case"]] = (_peer(case), here)
    return found


@pytest.fixture(scope="module")
def documented(tree: Path) -> list[re.Match[str]]:
    """Return the rows of the table."""
    text = (tree / "spec" / "differences.md").read_text(encoding="utf-8")
    return [row for row in map(ROW.fullmatch, text.splitlines()) if row]


def test_the_page_names_exactly_the_cases_in_which_we_differ(
    computed: dict[str, tuple[str, str]], documented: list[re.Match[str]]
) -> None:
    assert sorted(row["case"] for row in documented) == sorted(computed)


def test_the_page_says_what_the_peer_answered_and_what_we_answer(
    computed: dict[str, tuple[str, str]], documented: list[re.Match[str]]
) -> None:
    assert {row["case"]: (row["peer"], row["here"]) for row in documented} == computed


def test_the_number_of_differences_changes_only_on_purpose(computed: dict[str, tuple[str, str]]) -> None:
    assert len(computed) == 31
