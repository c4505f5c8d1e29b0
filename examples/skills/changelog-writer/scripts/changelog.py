#!/usr/bin/env python3
"""Print a changelog section for the commit subjects on standard input."""

from __future__ import annotations

import argparse
import re
import sys

SUBJECT = re.compile(r"(?P<kind>[a-z]+)(?:\((?P<scope>[^)]+)\))?(?P<breaking>!)?: (?P<text>.+)")
HEADINGS = {"feat": "Added", "fix": "Fixed", "perf": "Changed", "refactor": "Changed", "docs": "Documentation"}


def entries(subjects: list[str]) -> dict[str, list[str]]:
    """Changelog entries by heading, in the order of the commits."""
    grouped: dict[str, list[str]] = {}
    for subject in subjects:
        parts = SUBJECT.fullmatch(subject.strip())
        if parts is None or parts["kind"] not in HEADINGS:
            continue
        heading = "Breaking" if parts["breaking"] else HEADINGS[parts["kind"]]
        scope = f"**{parts['scope']}**: " if parts["scope"] else ""
        grouped.setdefault(heading, []).append(f"- {scope}{parts['text'][0].upper()}{parts['text'][1:]}")
    return grouped


def section(version: str, date: str, grouped: dict[str, list[str]]) -> str:
    """The section as Markdown, breaking changes first."""
    lines = [f"## {version} - {date}"]
    for heading in sorted(grouped, key=lambda name: (name != "Breaking", name)):
        lines += ["", f"### {heading}", "", *grouped[heading]]
    return "\n".join(lines)


def main() -> None:
    """Read subjects, print the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", required=True)
    parser.add_argument("--date", required=True, help="YYYY-MM-DD")
    options = parser.parse_args()
    print(section(options.version, options.date, entries(sys.stdin.read().splitlines())))


if __name__ == "__main__":
    main()
