"""Where a skill runs: a confinement, and the way of its connections into the sinkhole."""

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING

from attrs import frozen

from haldir_enforcer.confinement import Confinement

if TYPE_CHECKING:
    from haldir_enforcer._linux import Kernel, Namespaces


class Reach(Enum):
    """Which connections end in the sinkhole: all, those of programs that heed proxy variables, or none at all."""

    ALL = "all"
    PROXIED = "proxied"
    NONE = "none"


@frozen(kw_only=True)
class Ground:
    """A confinement and the reach of its sinkhole."""

    confinement: Confinement
    reach: Reach


Address = tuple[str, int]
Prepare = Callable[[Address | None], Ground]
"""Makes the ground of a sandboxing; it is given the address of the sinkhole, if there is to be one."""


def linux_ground(
    sinkhole: Address | None, *, namespaces: "Namespaces | None" = None, kernel: "Kernel | None" = None
) -> Ground:
    """Return the confinement of this machine's own kernel; every connection ends in the sinkhole, or is refused."""
    from haldir_enforcer._linux import (  # noqa: PLC0415 - it loads the system's C library
        LinuxConfinement,
        Namespaces,
        Services,
    )

    confinement = LinuxConfinement(namespaces or Namespaces.AUTO, kernel=kernel, services=Services(sinkhole=sinkhole))
    return Ground(confinement=confinement, reach=Reach.NONE if sinkhole is None else Reach.ALL)


def ground_with(confinement: Confinement) -> Prepare:
    """Return what prepares any other confinement: it is granted the sinkhole's address and no other."""

    def prepare(sinkhole: Address | None) -> Ground:
        return Ground(confinement=confinement, reach=Reach.NONE if sinkhole is None else Reach.PROXIED)

    return prepare
