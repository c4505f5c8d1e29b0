"""What every check sees: all that was found in a skill, and the decisions of whoever audits."""

from collections.abc import Iterator
from datetime import datetime
from functools import cached_property

from attrs import frozen

from haldir_auditor._comparison import Compared
from haldir_auditor._wanted import Coverage, Wanted
from haldir_auditor.settings import Settings
from haldir_auditor.supply import Dependency, Ecosystem, Lock, Locked, Manifest, Supply


@frozen(slots=False)
class Case:
    """One audit, before the checks."""

    supply: Supply
    coverage: Coverage
    wanted: tuple[Wanted, ...]
    compared: Compared
    settings: Settings
    now: datetime

    @cached_property
    def asked_for(self) -> tuple[Dependency, ...]:
        """All that somebody has written down: in manifests and in commands."""
        return tuple(wanted.dependency for wanted in self.wanted) + self.supply.installs

    @cached_property
    def everything(self) -> tuple[Dependency | Locked, ...]:
        """All that is asked for and all that is locked."""
        return (*self.asked_for, *(package for _, package in self.locked()))

    @cached_property
    def _by_manifest(self) -> dict[tuple[str, str], list[Wanted]]:
        found: dict[tuple[str, str], list[Wanted]] = {}
        for wanted in self.wanted:
            found.setdefault((wanted.manifest.path, wanted.manifest.format), []).append(wanted)
        return found

    def wanted_by(self, manifest: Manifest) -> list[Wanted]:
        """What one manifest asks for."""
        return self._by_manifest.get((manifest.path, manifest.format), [])

    @cached_property
    def locked_names(self) -> frozenset[tuple[Ecosystem, str]]:
        """The packages that lock files name."""
        return frozenset((package.ecosystem, package.name) for _, package in self.locked())

    @cached_property
    def declared(self) -> frozenset[tuple[Ecosystem, str]]:
        """The packages that manifests and lock files name."""
        manifests = {(wanted.dependency.ecosystem, wanted.dependency.name) for wanted in self.wanted}
        return self.locked_names | manifests

    def locked(self) -> Iterator[tuple[Lock, Locked]]:
        """Every package of every lock file."""
        for lock in self.supply.locks:
            for package in lock.packages:
                yield lock, package
