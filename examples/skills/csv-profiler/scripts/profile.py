#!/usr/bin/env python3
"""Print one line per column of a CSV file: kind, empty cells, distinct values, range."""

from __future__ import annotations

import argparse
import csv
from pathlib import Path


def kind(values: list[str]) -> str:
    """"number", "mixed" or "text", by how many of the values are numbers."""
    numbers = sum(is_number(value) for value in values)
    if not values:
        return "empty"
    if numbers == len(values):
        return "number"
    return "mixed" if numbers else "text"


def is_number(value: str) -> bool:
    """Whether ``value`` reads as a number."""
    try:
        float(value)
    except ValueError:
        return False
    return True


def line(name: str, cells: list[str]) -> str:
    """The description of one column."""
    values = [cell for cell in cells if cell.strip()]
    what = kind(values)
    key = float if what == "number" else str
    span = f"{min(values, key=key)} .. {max(values, key=key)}" if values else "-"
    return f"{name:24} {what:7} empty {len(cells) - len(values):6} distinct {len(set(values)):6} {span[:60]}"


def main() -> None:
    """Read the table, print its columns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path)
    parser.add_argument("--delimiter", default=",")
    options = parser.parse_args()
    with options.table.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.reader(file, delimiter=options.delimiter))
    if not rows:
        print("the table is empty")
        return
    header, *body = rows
    for number, name in enumerate(header):
        print(line(name, [row[number] if number < len(row) else "" for row in body]))


if __name__ == "__main__":
    main()
