"""The page about the checks of the auditor, from the table that it loops over."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from haldir_auditor._checks import CHECKS
from haldir_auditor.issues import Check

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "audit-checks.md"

GROUPS = {
    "pinning": "What decides which version is installed",
    "integrity": "Whether the same bytes come again",
    "source": "Where packages come from",
    "names": "What packages are called",
    "install": "What runs, or comes, by itself",
    "structure": "How much there is",
    "vulnerability": "What is known about the versions",
    "coverage": "What could not be looked at",
}

_HEAD = """# The checks of `haldir audit`

Every issue names its check; an ignore can name it too. Critical rejects; high and medium flag; low is told and changes
nothing. The severity that stands here is the usual one; the text says where another one is given. This page is made by
`scripts/generate.py` from the table that the auditor loops over. How to use the command:
[audit dependencies](../how-to/audit-dependencies.md). Why the checks are as they are:
[decision 0016](../decisions/0016-auditor.md).

"""


def check_files() -> dict[Path, bytes]:
    """Return the content of the page.

    Raises: KeyError if a check is of a group that the page does not have.
    """
    lines = [*_overview(), *_sections(), ""]
    return {PAGE: (_HEAD + "\n".join(lines)).encode()}


def _overview() -> Iterator[str]:
    yield "| check | severity | what |"
    yield "|---|---|---|"
    for check, _ in CHECKS:
        yield f"| [`{check.id}`](#{check.id}) | {check.severity} | {check.title} |"


def _sections() -> Iterator[str]:
    for group, checks in groupby((check for check, _ in CHECKS), key=lambda check: check.category):
        yield f"\n## {GROUPS[group]}"
        for check in checks:
            yield from _section(check)


def _section(check: Check) -> Iterator[str]:
    yield f"\n### {check.id}\n"
    yield f"{check.title}. Usually {check.severity}.\n"
    yield f"{check.explanation}\n"
    yield f"What to do: {check.remedy}"
    if check.references:
        yield f"\nMore: {', '.join(f'<{address}>' for address in check.references)}"
