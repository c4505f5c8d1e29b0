"""The demand for approval in other languages than English; the table is ``tongues.toml``."""

import re
import tomllib
from functools import cache
from importlib.resources import files

from attrs import frozen

NEAR = 60
"""How many characters may stand between what is demanded and for what."""


@frozen
class Tongue:
    """A language: what approves or scores, and what is approved or spoken to."""

    name: str
    demand: re.Pattern[str]
    target: re.Pattern[str]


def foreign_demand(text: str) -> tuple[str, int, int] | None:
    """Return the language and the place of a demand in a folded text, or None."""
    for tongue in tongues():
        for match in tongue.target.finditer(text):
            start, end = max(match.start() - NEAR, 0), match.end() + NEAR
            if tongue.demand.search(text, start, end):
                return tongue.name, start, end
    return None


@cache
def tongues() -> tuple[Tongue, ...]:
    """Return the table."""
    table = tomllib.loads(files(__package__).joinpath("tongues.toml").read_text("utf-8"))
    return tuple(
        Tongue(row["name"], re.compile("|".join(row["demand"])), re.compile("|".join(row["target"])))
        for row in table["tongue"]
    )
