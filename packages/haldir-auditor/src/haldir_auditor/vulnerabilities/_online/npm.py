"""The advisories of an npm registry, asked for in bulk as ``npm audit`` does.

Source: npm's own client, npm-registry-fetch of /-/npm/v1/security/advisories/bulk and @npmcli/metavuln-calculator.
"""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from operator import eq, ge, gt, le, lt
from typing import Any, Protocol

from attrs import frozen

from haldir_auditor.issues import Severity, VulnerabilityData
from haldir_auditor.supply import Ecosystem
from haldir_auditor.vulnerabilities._online.addresses import parse_base
from haldir_auditor.vulnerabilities._online.running import run
from haldir_auditor.vulnerabilities._online.transport import FailedError, Request, Transport
from haldir_auditor.vulnerabilities._online.waiting import DEFAULT, Settings
from haldir_auditor.vulnerabilities.cvss import WORDS, rate
from haldir_auditor.vulnerabilities.interface import Answer, Package, SourceError, Vulnerability
from haldir_auditor.vulnerabilities.matching import Verdict
from haldir_auditor.vulnerabilities.merging import merge
from haldir_auditor.vulnerabilities.records import MALWARE, Rating
from haldir_auditor.vulnerabilities.versions import Key, parse_version

PATH = "/-/npm/v1/security/advisories/bulk"
BATCH = 1000
MAX_RANGE_CHARS = 2000
MAX_ADVISORIES = 1000
_GHSA = re.compile(r"GHSA(?:-[0-9a-z]{4}){3}")
_HOLDS: Mapping[str, Callable[[Any, Any], bool]] = {"": eq, "=": eq, "<": lt, "<=": le, ">": gt, ">=": ge}


class _Semver(Protocol):
    version: str


class _Comparator(Protocol):
    """What node-semver takes a range apart into."""

    operator: str | None
    semver: _Semver


@frozen
class _Advisory:
    """What the registry says about the versions of a package."""

    range: str
    vulnerability: Vulnerability


class NpmAdvisories:
    """A registry that is asked about npm packages; about others it answers nothing."""

    def __init__(self, registry: str, settings: Settings = DEFAULT) -> None:
        """Take the address of the registry.  Raises: SourceError if it cannot be used."""
        self._base = parse_base(registry, settings.transports)
        self._settings = settings

    def look_up(self, packages: Sequence[Package]) -> Answer:
        """Return what the registry knows.

        Raises:
            SourceError: if it answers about no package at all, or this thread runs an event loop.
        """
        return run(self.look_up_async(packages))

    async def look_up_async(self, packages: Sequence[Package]) -> Answer:
        """Return what the registry knows.

        Raises:
            SourceError: if it answers about no package at all.
        """
        versions: dict[str, list[Package]] = {}
        unanswered: dict[Package, str] = {}
        for package in dict.fromkeys(packages):
            if package.ecosystem is Ecosystem.NPM:
                versions.setdefault(package.name, []).append(package)
            else:
                unanswered[package] = f"an npm registry does not know {package.ecosystem}"
        advisories, failed = await self._ask_all(versions)
        if versions and len(failed) == len(versions):
            raise SourceError(f"the npm registry cannot be asked: {next(iter(failed.values()))}")
        found: dict[Package, tuple[Vulnerability, ...]] = {}
        for name, asked in versions.items():
            for package in asked:
                known, doubt = _judge_all(advisories.get(name, ()), package)
                if known:
                    found[package] = known
                if reason := failed.get(name) or doubt:
                    unanswered[package] = reason
        data = VulnerabilityData(self._base.url, self._settings.clock(), None)
        return Answer(data, found, unanswered)

    async def _ask_all(
        self, versions: Mapping[str, Sequence[Package]]
    ) -> tuple[dict[str, tuple[_Advisory, ...]], dict[str, str]]:
        """Return the advisories of each name, and why those of some are not known."""
        names = list(versions)
        advisories: dict[str, tuple[_Advisory, ...]] = {}
        failed: dict[str, str] = {}

        async def ask(batch: Sequence[str]) -> None:
            body = {name: [package.version for package in versions[name]] for name in batch}
            try:
                advisories.update(_parse(await transport.ask(Request(PATH, body)), body))
            except FailedError as error:
                failed.update(dict.fromkeys(batch, str(error)))

        async with Transport(self._base, self._settings) as transport:
            await asyncio.gather(*(ask(names[begin : begin + BATCH]) for begin in range(0, len(names), BATCH)))
        return advisories, failed


def _parse(answer: object, asked: Mapping[str, object]) -> dict[str, tuple[_Advisory, ...]]:
    """Return the advisories of the names that were asked about; an answer about others speaks another protocol."""
    if not isinstance(answer, dict):
        raise FailedError("the npm registry answered with something that is no object")
    advisories = {}
    for name, entries in answer.items():
        if name not in asked:
            raise FailedError(f"the npm registry answered about {name[:100]!r}, which nobody asked about")
        if not isinstance(entries, list) or len(entries) > MAX_ADVISORIES:
            raise FailedError(
                f"the npm registry answered about {name[:100]} with no list of advisories, or a very long one"
            )
        advisories[name] = tuple(_parse_advisory(entry) for entry in entries)
    return advisories


def _parse_advisory(entry: object) -> _Advisory:
    if not isinstance(entry, dict):
        raise FailedError("the npm registry answered with an advisory that is no object")
    number, url, title, affected = (entry.get(key) for key in ("id", "url", "title", "vulnerable_versions"))
    if not isinstance(affected, str) or len(affected) > MAX_RANGE_CHARS or not isinstance(number, int | str):
        raise FailedError("the npm registry answered with an advisory without versions or id")
    page = url if isinstance(url, str) and url.startswith("https://") else None
    named = _GHSA.search(page or "")
    weaknesses = entry.get("cwe")
    malicious = isinstance(weaknesses, list) and MALWARE in weaknesses
    severity, vector = _severity(entry)
    return _Advisory(
        affected,
        Vulnerability(
            id=named[0] if named else f"npm-{str(number)[:40]}",
            aliases=(),
            summary=title[:300] if isinstance(title, str) else "",
            severity=Severity.CRITICAL if malicious else severity or Severity.MEDIUM,
            malicious=malicious,
            cvss=vector,
            url=page,
            rated=malicious or severity is not None,
        ),
    )


def _severity(entry: Mapping[str, object]) -> tuple[Severity | None, str | None]:
    scores, word = entry.get("cvss"), entry.get("severity")
    vector = scores.get("vectorString") if isinstance(scores, dict) else None
    kinds = ("CVSS_V4", "CVSS_V3")
    judged = rate([Rating(kind, vector) for kind in kinds] if isinstance(vector, str) else [], None)
    said = WORDS.get(word.lower()) if isinstance(word, str) else None
    if judged is None:
        return said, None
    # the word is what npm shows; neither makes the other smaller
    return max((judged.severity, said or judged.severity), key=lambda severity: severity.rank), judged.vector


def _judge_all(advisories: Sequence[_Advisory], package: Package) -> tuple[tuple[Vulnerability, ...], str | None]:
    verdicts = [(one, _judge(one.range, package.version)) for one in advisories]
    known = [one.vulnerability for one, verdict in verdicts if verdict is Verdict.AFFECTED]
    unknown = [one.vulnerability.id for one, verdict in verdicts if verdict is Verdict.UNKNOWN]
    doubt = f"what {', '.join(unknown[:3])} says about versions cannot be evaluated" if unknown else None
    return merge(package.ecosystem, known), doubt


def _judge(affected: str, version: str) -> Verdict:
    """Return whether a range of npm holds a version; pre-releases count as all other versions do, as in npm audit."""
    import nodesemver  # type: ignore[import-untyped] # noqa: PLC0415 - loaded where there is an advisory to read

    key = parse_version(Ecosystem.NPM, version)
    try:  # a loose range would leave out what it cannot read, and so hold too little
        alternatives = nodesemver.make_range(affected.replace(",", " "), loose=False).set
        bounds = [[_bound(comparator, nodesemver.ANY) for comparator in one] for one in alternatives]
    except ValueError:
        return Verdict.UNKNOWN
    if key is None:
        return Verdict.UNKNOWN
    holds = any(all(_HOLDS[operator](key, bound) for operator, bound in one if bound is not None) for one in bounds)
    return Verdict.AFFECTED if holds else Verdict.NOT_AFFECTED


def _bound(comparator: _Comparator, anything: object) -> tuple[str, Key | None]:
    """Return what a comparator compares with, None if with nothing.

    The ranges are taken apart by node-semver and compared here, because its include_prerelease takes 1.0.0-rc.1 and
    1.0.0 for equal.
    """
    if comparator.semver is anything:
        return "", None
    key = parse_version(Ecosystem.NPM, comparator.semver.version)
    if key is None:
        raise ValueError(comparator.semver.version)
    return comparator.operator or "", key
