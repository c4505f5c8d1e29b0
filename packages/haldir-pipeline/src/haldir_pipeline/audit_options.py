"""What the table ``[audit]`` of a configuration says."""

from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from attrs import asdict, frozen

from haldir_core.canonical import JsonObject, JsonValue
from haldir_pipeline._tables import Reader, Readers, choice, number, read_table, text, texts

MAX_TEXT = 4096


class SkillType(StrEnum):
    """What is audited; a server may need more packages than a skill."""

    SKILL = "skill.md"
    MCP = "mcp"


@frozen(kw_only=True)
class AuditOptions:
    """How dependencies are audited.

    Attributes:
        advisories: a database of ``haldir advisories import``, or a folder or ZIP file of OSV records.
        osv_url: a service with the API of OSV, which is asked; without these two nothing is compared.
        npm_registry: an npm registry that is asked about npm packages too.
        type: of the skill.
        max_depth: how long the way to a package may be.
        minimum_age_days: newer packages are too new.
        indexes: URLs or hosts of package indexes that are allowed besides the public ones.
        private_names: names that only a private index may serve.
        ignore: a file of accepted issues.
        vex: an OpenVEX document: what somebody has found out about vulnerabilities.
    """

    advisories: str | None = None
    osv_url: str | None = None
    npm_registry: str | None = None
    type: SkillType = SkillType.SKILL
    max_depth: int = 5
    minimum_age_days: int = 3
    indexes: tuple[str, ...] = ()
    private_names: tuple[str, ...] = ()
    ignore: str | None = None
    vex: str | None = None

    @classmethod
    def from_json(cls, value: JsonValue, where: str) -> "AuditOptions":
        """Read the table.

        Raises: ConfigurationError naming what is unknown or wrong.
        """
        return cls(**read_table(value, _READERS, where))

    def to_json(self) -> JsonObject:
        """Return the table."""
        return {name: _plain(value) for name, value in asdict(self).items() if value is not None}

    @property
    def minimum_age(self) -> timedelta:
        """How old a package is to be."""
        return timedelta(days=self.minimum_age_days)


def _plain(value: object) -> JsonValue:
    if isinstance(value, tuple):
        return [str(item) for item in value]
    return value if isinstance(value, int) else str(value)


def under(folder: str, name: str | None) -> Path | None:
    """Return the path that a configuration names, counted from its own folder."""
    return None if name is None else Path(folder) / name


def _texts(value: JsonValue, where: str) -> tuple[str, ...]:
    return tuple(texts(value, where))


def _count(most: int) -> Reader:
    return lambda value, where: int(number(0, most)(value, where))


_TEXT = text(MAX_TEXT)
_READERS: Readers = {
    "advisories": _TEXT,
    "osv_url": _TEXT,
    "npm_registry": _TEXT,
    "type": choice(SkillType),
    "max_depth": _count(1000),
    "minimum_age_days": _count(3650),
    "indexes": _texts,
    "private_names": _texts,
    "ignore": _TEXT,
    "vex": _TEXT,
}
