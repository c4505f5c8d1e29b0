import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haldir_auditor._installs.inline import blocks_in
from haldir_auditor.supply import Manifest, Origin, Scope, Supply

Read = Callable[[dict[str, str | bytes]], Supply]

REFERENCE = r"(?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$"  # PEP 723
BLOCK = """\
# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "rich",
#   "httpx==0.27.0",
# ]
#
# [tool.uv]
# exclude-newer = "2024-01-01T00:00:00Z"
# extra-index-url = ["https://e.example/simple"]
# [[tool.uv.index]]
# name = "mine"
# url = "https://mine.example/simple"
# default = true
# [tool.uv.sources]
# rich = { git = "https://h.example/rich" }
# ///
"""


@pytest.mark.parametrize(
    ("path", "before"),
    [
        ("run.py", ""),
        ("deep/down/run.py", '"""Docs."""\n\nimport os\n'),
        ("tool", "#!/usr/bin/env -S uv run --script\n"),
        ("tool", "#!/usr/bin/env python3\n\n"),
        ("notes.txt", "Save this:\n\n"),
        (".hidden/x.pyw", ""),
    ],
)
def test_the_block_of_a_script_is_read_whatever_the_script_is_called(
    manifest: Callable[..., Manifest], path: str, before: str
) -> None:
    found = manifest(path, f"{before}{BLOCK}print()\n")

    assert (found.format, found.exclude_newer) == ("pep723", "2024-01-01T00:00:00Z")
    assert found.indexes == ("https://mine.example/simple", "https://e.example/simple")
    assert found.main_index_replaced
    assert [(each.name, each.version, each.scope, each.origin) for each in found.dependencies] == [
        ("rich", None, Scope.SCRIPT, Origin.GIT),
        ("httpx", "0.27.0", Scope.SCRIPT, Origin.INDEX),
    ]
    first = before.count("\n")
    assert [each.place.line for each in found.dependencies] == [first + 4, first + 5]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a_block_may_have_any_line_end(manifest: Callable[..., Manifest], line_end: str) -> None:
    assert len(manifest("run.py", BLOCK.replace("\n", line_end)).dependencies) == 2


def test_a_second_block_is_a_problem_and_is_read(read: Read) -> None:
    found = read({"run.py": f"{BLOCK}\n{BLOCK.replace('rich', 'poor')}"})

    assert "PEP 723 allows one" in found.problems[0].message
    assert {each.name for each in found.manifests[0].dependencies} == {"rich", "poor", "httpx"}


def test_a_block_that_is_not_toml_is_a_problem_with_its_line(read: Read) -> None:
    found = read({"run.py": "x = 1\n# /// script\n# dependencies = [\n# ///\n"})

    assert found.problems[0].place.path == "run.py"
    assert [each.format for each in found.manifests] == ["pep723"]


def test_a_block_that_is_not_closed_declares_nothing(read: Read) -> None:
    assert read({"run.py": "# /// script\n# dependencies = ['x']\n"}).manifests == ()


def test_blocks_in_prose_are_read_together(read: Read) -> None:
    found = read({"SKILL.md": f"```python\n{BLOCK}```\n\n```python\n{BLOCK.replace('rich', 'poor')}```\n"})

    assert found.problems == ()
    assert {each.name for each in found.manifests[0].dependencies} == {"rich", "poor", "httpx"}


LINES = st.sampled_from(
    ["# ///", "# /// script", "# /// other", "#", "# x", "#x", "", "x", "# /// ", "# /// a b", "#  "]
)


@given(st.lists(LINES, max_size=14), st.booleans())
def test_our_blocks_are_those_of_the_reference_expression(lines: list[str], ends: bool) -> None:  # noqa: FBT001
    text = "\n".join(lines) + ("\n" if ends else "")
    expected = [
        (
            match["type"],
            "".join(
                line[2:] if line.startswith("# ") else line[1:] for line in match["content"].splitlines(keepends=True)
            ),
        )
        for match in re.finditer(REFERENCE, text)
    ]

    assert [(block.type, block.content) for block in blocks_in(text)] == expected
