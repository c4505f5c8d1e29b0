"""What somebody who audits decides for himself: limits, the indexes that he trusts, and what he has accepted."""

from datetime import timedelta
from enum import StrEnum

from attrs import field, frozen

from haldir_auditor.ignores import Ignores
from haldir_auditor.vex import Statements


class SkillType(StrEnum):
    """What is audited; a server may need more packages than a skill."""

    SKILL = "skill.md"
    MCP = "mcp"

    @property
    def max_packages(self) -> int:
        """How many packages are usual at most.  Source: the limits of the TypeScript Haldir."""
        return {SkillType.SKILL: 20, SkillType.MCP: 50}[self]


class Comparison(StrEnum):
    """Whether packages are to be compared with known vulnerabilities."""

    WANTED = "wanted"
    NOT_ASKED = "not asked for"


@frozen(kw_only=True)
class Settings:
    """How an audit is done; every default is the stricter choice.

    Attributes:
        skill_type: decides how many packages are too many.
        max_depth: how long the way to a package may be, counted from 1 for what the skill itself asks for.
        minimum_age: packages that were uploaded later than this before the audit are too new.
        indexes: URLs or hosts of the package indexes that are allowed besides the public ones.
        private_names: names that only a private index may serve; one that ends in ``/`` or ``-`` is a prefix.
        ignores: what somebody has looked at and accepts.
        vex: what somebody has found out about vulnerabilities.
        comparison: whether vulnerabilities are asked for.
    """

    skill_type: SkillType = SkillType.SKILL
    max_depth: int = 5
    minimum_age: timedelta = timedelta(days=3)
    indexes: tuple[str, ...] = ()
    private_names: tuple[str, ...] = ()
    ignores: Ignores = field(factory=Ignores)
    vex: Statements = field(factory=Statements)
    comparison: Comparison = Comparison.WANTED
