"""How many of which signatures a skill needs."""

from collections.abc import Collection
from enum import Enum
from typing import Self

from attrs import frozen

from haldir_core.errors import TrustError
from haldir_core.keys import KeyId, KeyRole
from haldir_core.trust import SKILL_ROLES, Keyring


class Extent(Enum):
    """Whether some or all signatures of the envelope must be trusted and verify."""

    SOME = "some"
    ALL = "all"


@frozen
class Requirement:
    """At least ``count`` different trusted keys, of ``role`` if one is named, must have signed.

    With ``Extent.ALL`` every signature of the envelope must be by a trusted key and verify.
    """

    count: int = 1
    role: KeyRole | None = None
    extent: Extent = Extent.SOME

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``any``, ``all``, ``N`` or ``ROLE:N``.

        Raises: TrustError if ``text`` is none of these.
        """
        if text == "any":
            return cls()
        if text == "all":
            return cls(extent=Extent.ALL)
        role, _, number = text.rpartition(":")
        if (
            number.isascii()
            and number.isdigit()
            and len(number) <= 3
            and int(number) >= 1
            and (role or ":" not in text)
        ):
            if not role:
                return cls(count=int(number))
            if role in {known.value for known in SKILL_ROLES}:
                return cls(count=int(number), role=KeyRole(role))
        raise TrustError(f"{text!r} is no requirement: give any, all, a number, publisher:N or authority:N")

    def unmet(self, verified: Collection[KeyId], signatures: int, ring: Keyring) -> str | None:
        """Return why these ``verified`` keys, of so many ``signatures``, are not enough; None if they are."""
        if self.extent is Extent.ALL and len(verified) < signatures:
            return f"{signatures - len(verified)} of {signatures} signatures are not by a trusted key, or do not verify"
        counted = [keyid for keyid in verified if self.role is None or ring.has_role(keyid, self.role)]
        if len(counted) < self.count:
            noun = f"keys with the role {self.role}" if self.role else "trusted keys"
            return f"signed by {len(counted)} {noun}, {self.count} required"
        return None


ANY_SIGNATURE = Requirement()
"""One signature by a trusted key is enough."""
