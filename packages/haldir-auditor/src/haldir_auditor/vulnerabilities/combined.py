"""Several sources asked as one."""

from collections.abc import Sequence

from attrs import frozen

from haldir_auditor.issues import VulnerabilityData
from haldir_auditor.supply import Ecosystem
from haldir_auditor.vulnerabilities.interface import Answer, Package, SourceError, Vulnerability, VulnerabilitySource
from haldir_auditor.vulnerabilities.merging import merge
from haldir_auditor.vulnerabilities.versions import COVERED


@frozen
class Member:
    """A source, and the ecosystems that it is asked about."""

    source: VulnerabilitySource
    ecosystems: tuple[Ecosystem, ...] = COVERED


@frozen
class CombinedSource:
    """Asks each member about the packages of its ecosystems; what several know under one alias is one vulnerability.

    A package is answered if every member that is asked about it answers, and one is.
    """

    members: tuple[Member, ...]

    def look_up(self, packages: Sequence[Package]) -> Answer:
        """Return what the members know together.

        Raises:
            SourceError: if no member can be asked.
        """
        answers: list[Answer] = []
        unanswered: dict[Package, str] = {}
        failures: list[SourceError] = []
        for member in self.members:
            asked = [package for package in dict.fromkeys(packages) if package.ecosystem in member.ecosystems]
            try:
                answers.append(member.source.look_up(asked))
            except SourceError as error:
                failures.append(error)
                unanswered.update((package, str(error)) for package in asked)
        if not answers:
            raise SourceError("; ".join(map(str, failures)) or "no source is named") from next(iter(failures), None)
        covered = {ecosystem for member in self.members for ecosystem in member.ecosystems}
        for package in packages:
            if package.ecosystem not in covered:
                unanswered[package] = f"no source knows {package.ecosystem}"
        return _joined(answers, unanswered)


def _joined(answers: Sequence[Answer], unanswered: dict[Package, str]) -> Answer:
    found: dict[Package, list[Vulnerability]] = {}
    for answer in answers:
        for package, known in answer.vulnerabilities.items():
            found.setdefault(package, []).extend(known)
        for package, reason in answer.unanswered.items():
            unanswered[package] = f"{unanswered[package]}; {reason}" if package in unanswered else reason
    return Answer(
        data=_data(answers),
        vulnerabilities={package: merge(package.ecosystem, known) for package, known in found.items()},
        unanswered=unanswered,
        yanked=frozenset(package for answer in answers for package in answer.yanked),
    )


def _data(answers: Sequence[Answer]) -> VulnerabilityData:
    """Return the oldest date, and the sum of the records that are counted."""
    dates = [answer.data.as_of for answer in answers if answer.data.as_of is not None]
    counts = [answer.data.records for answer in answers if answer.data.records is not None]
    return VulnerabilityData(
        source=" and ".join(answer.data.source for answer in answers),
        as_of=min(dates) if len(dates) == len(answers) else None,
        records=sum(counts) if counts else None,
    )
