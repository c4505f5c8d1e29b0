"""What must run, and what may be missing: the profiles and the tiers of publishers, as data."""

from collections.abc import Mapping
from enum import StrEnum

from attrs import frozen

from haldir_pipeline.outcomes import LayerName


class ProfileName(StrEnum):
    """For whom a vetting is done."""

    LOCAL = "local"
    REGISTRY = "registry"


class Tier(StrEnum):
    """How well a registry knows a publisher."""

    UNVERIFIED = "unverified"
    VERIFIED = "verified"
    TRUSTED = "trusted"
    HYDRACORE = "hydracore"


class Unchecked(StrEnum):
    """What it means that dependencies were not compared with known vulnerabilities."""

    CAPS = "caps"
    """The score has a ceiling; the skill may still be approved."""
    AMBER = "amber"
    """A person decides."""


@frozen(kw_only=True)
class Profile:
    """What a vetting demands.

    Attributes:
        name: of the profile.
        required: layers without which there is no approval.
        wanted: layers that run too where this machine and the configuration allow it.
        unchecked: what missing vulnerability data means.
        carries: by tier, the layers that an update need not run if they have a full result to carry.
    """

    name: ProfileName
    required: frozenset[LayerName]
    wanted: frozenset[LayerName]
    unchecked: Unchecked
    carries: Mapping[Tier, frozenset[LayerName]]


@frozen
class Demand:
    """What one vetting demands: a profile, and the layers that may carry an earlier result for this publisher."""

    profile: Profile
    may_carry: frozenset[LayerName]

    @classmethod
    def of(cls, name: ProfileName, tier: Tier) -> "Demand":
        """Return what ``name`` demands of a publisher of this tier."""
        profile = PROFILES[name]
        return cls(profile, profile.carries.get(tier, frozenset()) - ALWAYS)

    @property
    def required(self) -> frozenset[LayerName]:
        """The layers without which there is no approval."""
        return self.profile.required | ALWAYS


ALWAYS = frozenset({LayerName.SCAN, LayerName.AUDIT})
"""No option, profile or tier leaves these out."""

CARRIED_DAYS = 180
"""An older result is not carried: the layer runs again."""

_ALL = frozenset(LayerName)
_SANDBOX = frozenset({LayerName.SANDBOX})

PROFILES: Mapping[ProfileName, Profile] = {
    ProfileName.LOCAL: Profile(
        name=ProfileName.LOCAL,
        required=ALWAYS,
        wanted=_ALL - ALWAYS,
        unchecked=Unchecked.CAPS,
        carries={},
    ),
    ProfileName.REGISTRY: Profile(
        name=ProfileName.REGISTRY,
        required=_ALL,
        wanted=frozenset(),
        unchecked=Unchecked.AMBER,
        carries={
            Tier.UNVERIFIED: frozenset(),
            Tier.VERIFIED: _SANDBOX,
            Tier.TRUSTED: _SANDBOX | {LayerName.REVIEW},
            Tier.HYDRACORE: _SANDBOX | {LayerName.REVIEW},
        },
    ),
}
