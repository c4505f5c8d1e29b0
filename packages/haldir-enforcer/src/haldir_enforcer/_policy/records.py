"""The records of a compiled policy."""

from pathlib import Path
from typing import TYPE_CHECKING

from attrs import Factory, field, frozen

from haldir_enforcer._policy.matching import Matcher
from haldir_enforcer.events import By

if TYPE_CHECKING:  # importing haldir_core takes longer than launching a program
    from haldir_core.permissions import AgentCapabilities

DECLARED = "declared"
"""The source of what the permissions themselves name."""


@frozen(kw_only=True)
class PathRule:
    """One path pattern.  ``parent`` is its deepest literal folder or file, absolute and real.

    ``exact`` says that the pattern is ``parent`` with everything below it, so that the kernel holds it alone;
    otherwise the supervisor matches ``pattern`` (``*``, ``?`` and ``[...]`` within a segment, ``**`` over segments)
    against the real path.
    ``parent`` need not exist: a rule for a file that is not there yet is kept, so that looking for it is no violation.
    """

    pattern: str
    parent: Path
    exact: bool
    source: str
    """``declared``, or the name of the built-in profile that adds it."""

    @property
    def held_by(self) -> By:
        """Return who holds the rule."""
        return By.KERNEL if self.exact else By.SUPERVISOR


@frozen(kw_only=True)
class HostRule:
    """One network peer: ``host`` in lower case without final dot, or ``*.domain``; ``ports`` are never empty."""

    host: str
    ports: tuple[int, ...]
    literal: bool
    """The host is an IP address (or ``localhost``), so that private addresses were declared on purpose."""
    declared: str


@frozen(kw_only=True)
class Program:
    """One program that may be executed: its real path and the SHA-256 (hex) of its bytes when the policy was made."""

    name: str
    path: Path
    digest: str
    source: str


@frozen(kw_only=True)
class Policy:
    """Everything that is allowed; what is not named here is denied."""

    root: Path
    read: tuple[PathRule, ...]
    write: tuple[PathRule, ...]
    hosts: tuple[HostRule, ...]
    programs: tuple[Program, ...]
    capabilities: "AgentCapabilities"
    never_write: tuple[str, ...]
    """Patterns of files that stand for agent state, or are signed; a write grant does not reach them."""
    never_read: tuple[str, ...]
    """Patterns of secrets; only a rule that names them itself reaches them."""
    profiles: tuple[str, ...]
    notes: tuple[str, ...]
    """What a reader of the report should know: unknown members, globs that the kernel cannot hold, missing programs."""
    matcher: Matcher = field(
        init=False,
        eq=False,
        repr=False,
        default=Factory(
            lambda self: Matcher(self.root, self.read, self.write, self.never_read, self.never_write), takes_self=True
        ),
    )
    """What ``may_read`` and ``may_write`` ask; made from the other fields."""
