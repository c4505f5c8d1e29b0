"""Version binding: each version of a skill names the hash of the one before it.

Spec: schemapin, section 11.
"""

from collections.abc import Sequence
from enum import Enum
from itertools import pairwise

from attrs import frozen

from haldir_core.schemapin.results import Verification
from haldir_core.schemapin.sigfile import SignatureFile
from haldir_core.schemapin.times import Moment

MAX_VERSIONS = 10_000
"""Longest chain that is looked at."""


class Link(Enum):
    """How a version is connected with the one before it."""

    CONNECTED = "connected"
    NO_PREVIOUS_HASH = "no-previous-hash"
    MISMATCH = "mismatch"
    LOOP = "loop"
    """The version, or one of the chain before it, comes twice."""
    OUT_OF_ORDER = "out-of-order"
    """Signed before the version that it follows."""
    OTHER_TOOL = "other-tool"
    TOO_LONG = "too-long"


@frozen(kw_only=True)
class Version:
    """One version of a skill.

    Attributes:
        skill_hash: ``sha256:`` and its root hash.
        previous_hash: what it says about the version before it; None if nothing.
        authenticated: whether a signed statement says so.
        whose: domain and tool id; None where nobody checked them.
    """

    skill_hash: str | None
    previous_hash: str | None
    authenticated: bool = False
    signed_at: Moment | None = None
    whose: tuple[str, str] | None = None

    @classmethod
    def of_verified(cls, verification: Verification) -> "Version":
        """Return the version that was verified: with its computed hash, not the one that its file claims.

        Raises: ValueError if it is not valid.
        """
        if not verification.valid:
            raise ValueError("a version that is not valid has no place in a chain")
        metadata = verification.metadata
        return cls(
            skill_hash=verification.skill_hash,
            previous_hash=metadata.previous_hash,
            authenticated=metadata.authenticated,
            signed_at=metadata.signed_at if metadata.authenticated else None,
            whose=(verification.domain, verification.tool_id),
        )

    @classmethod
    def of_file(cls, document: SignatureFile) -> "Version":
        """Return what a signature file claims; nothing of it is verified."""
        return cls(skill_hash=document.skill_hash or None, previous_hash=document.previous_hash)


@frozen
class Chain:
    """What a chain is worth: where it breaks first, and whether every link of it is signed.

    ``position`` counts from the newest version, 0.
    """

    link: Link
    position: int
    authenticated: bool

    @property
    def is_connected(self) -> bool:
        """Whether it does not break."""
        return self.link is Link.CONNECTED


def check_link(current: Version, previous: Version) -> Link:
    """Return how ``current`` is connected with ``previous``; hashes are compared as exact texts."""
    if current.previous_hash is None:
        return Link.NO_PREVIOUS_HASH
    times = (current.signed_at, previous.signed_at)
    breaks = {
        Link.MISMATCH: current.previous_hash != previous.skill_hash,
        Link.LOOP: current.skill_hash == previous.skill_hash,
        Link.OTHER_TOOL: current.whose != previous.whose,
        Link.OUT_OF_ORDER: times[0] is not None and times[1] is not None and times[0] < times[1],
    }
    return next((link for link, is_so in breaks.items() if is_so), Link.CONNECTED)


def check_chain(versions: Sequence[Version]) -> Chain:
    """Return what a chain is worth, newest version first; one version alone is a chain.

    Raises: ValueError if there is no version.
    """
    if not versions:
        raise ValueError("a chain has at least one version")
    authenticated = all(version.authenticated for version in versions[:MAX_VERSIONS])
    seen = {versions[0].skill_hash}
    for position, (current, previous) in enumerate(pairwise(versions)):
        link = Link.TOO_LONG if position >= MAX_VERSIONS else check_link(current, previous)
        if link is Link.CONNECTED and previous.skill_hash in seen:
            link = Link.LOOP
        if link is not Link.CONNECTED:
            return Chain(link, position, authenticated)
        seen.add(previous.skill_hash)
    return Chain(Link.CONNECTED, len(versions) - 1, authenticated)
