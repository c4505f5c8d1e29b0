"""What ``haldir enforce`` was asked for."""

from enum import StrEnum
from pathlib import Path

from attrs import frozen


class LevelName(StrEnum):
    """The levels of isolation, by name; to import those of the enforcer would slow the reading of a command line."""

    L0 = "L0"
    L1 = "L1"
    L2 = "L2"
    L3 = "L3"
    L4 = "L4"
    L5 = "L5"


LEAST = LevelName.L2
"""The level below which nothing runs where the command line names none."""


@frozen(kw_only=True)
class Request:
    """What the command line asks for; the defaults are those of what it does not name.

    Attributes:
        skill: the folder.
        command: the program and its arguments; empty for the skill's entry point.
        limits: JSON, or the file that holds it.
    """

    skill: Path
    command: tuple[str, ...] = ()
    no_verify: bool = False
    require: LevelName = LEAST
    limits: str | None = None
    report: Path | None = None
    json: bool = False
    audit_log: Path | None = None
    alert_command: str | None = None
    entrypoint: str | None = None
    explain: bool = False
    key: tuple[Path, ...] = ()
    revocation: Path | None = None
    revocation_key: tuple[Path, ...] = ()
    trust_store: Path | None = None
